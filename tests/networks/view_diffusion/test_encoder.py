import torch
from torch import nn

from recon_lib.networks.view_diffusion.encoder import EMBEDDING, FEATURES, ViewEncoder, from_zeroshape_w
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW


@torch.no_grad()
def test_maps_and_embeddings():
    encoder = ViewEncoder().eval()
    features, embedding = encoder(torch.rand(2, 3, 48, 48), torch.ones(2, 1, 48, 48))
    assert features.shape == (2, FEATURES, 24, 24) and embedding.shape == (2, EMBEDDING)


@torch.no_grad()
def test_the_background_is_not_seen():
    encoder, image, mask = ViewEncoder().eval(), torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    other = torch.where(mask > 0, image, torch.rand(1, 3, 32, 32))
    for a, b in zip(encoder(image, mask), encoder(other, mask), strict=True):
        torch.testing.assert_close(a, b)


def test_it_begins_with_zeroshape_ws_weights():
    source, encoder = ZeroShapeW(MINI).state_dict(), ViewEncoder()
    shared = from_zeroshape_w(source)
    missing, unexpected = encoder.load_state_dict(shared, strict=False)
    assert not unexpected and {name.split(".")[0] for name in missing} == {"up2"}
    torch.testing.assert_close(encoder.encoder.stem[0].weight, source["dpt_depth.encoder.stem.0.weight"])
    assert sum(value.numel() for value in shared.values()) > 700_000


def test_it_is_small_and_normalised_by_batches():
    encoder = ViewEncoder()
    assert sum(p.numel() for p in encoder.parameters()) < 1_000_000
    assert any(isinstance(module, nn.BatchNorm2d) for module in encoder.modules())
