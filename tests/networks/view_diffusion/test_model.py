import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.view_diffusion.config import MINI
from recon_lib.networks.view_diffusion.model import Condition, ViewDiffusion, build
from tests.helpers.view_prior import SIDE, TINY, ellipsoid_views, tiny_model

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def condition(seed=0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(batch, TINY.map_channels, TINY.map_side, TINY.map_side, generator=generator)
    return Condition(maps, torch.rand(batch, 3, TINY.token_width, generator=generator))


def test_the_embedded_model_has_at_most_ten_million_parameters():
    with torch.device("meta"):
        model = ViewDiffusion(MINI)
    assert sum(p.numel() for p in model.parameters()) <= 10_000_000


def test_a_card_builds_it():
    assert build(TINY.to_dict()).config == TINY


def test_encoded_views_are_on_white(model, views):
    dark = views.images * 0.5
    encoded = model.encode(type(views)(dark, views.cameras, views.masks))
    empty = (views.masks == 0).expand(-1, 3, -1, -1)
    assert (encoded.images[empty] == 1).all() and len(encoded) == len(views)
    assert encoded.features.shape[-1] == SIDE // 2
    with pytest.raises(BadInput, match="input views"):
        model.encode(type(views)(dark[..., :16, :16], views.cameras.cropped(0, 0, 16, 16), views.masks[..., :16, :16]))


def test_tokens_tell_where_an_input_was_taken_from(model, views):
    encoded = model.encode(views[:3])
    here, there = model.tokens(encoded, views.cameras[4]), model.tokens(encoded, views.cameras[7])
    assert here.shape == (3, TINY.token_width) and not torch.allclose(here, there)


def test_a_repair_begins_as_the_render():
    untrained = ViewDiffusion(TINY).eval()
    bad = torch.rand(2, 3, SIDE, SIDE) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(untrained.repair(bad, condition()), bad)


@torch.no_grad()
def test_both_tasks_read_picture_map_and_tokens(model):
    picture, t = torch.rand(2, 3, SIDE, SIDE), torch.tensor([30, 30])
    own = condition()
    for answer in (lambda p, c: model.denoise(p, t, c), model.repair):
        first = answer(picture, own)
        assert first.shape == picture.shape
        for other in (Condition(own.map * 0, own.tokens), Condition(own.map, own.tokens * 0)):
            assert not torch.allclose(answer(picture, other), first, atol=1e-6)
        assert not torch.allclose(answer(picture * 0.5, own), first, atol=1e-4)
    assert not torch.allclose(model.denoise(picture, t, own), model.denoise(picture, t * 0, own), atol=1e-5)


@torch.no_grad()
def test_rows_without_condition_are_the_unconditional_branch(model):
    picture, t, own = torch.rand(2, 3, SIDE, SIDE), torch.tensor([50, 50]), condition()
    kept = model.denoise(picture, t, own.kept(torch.tensor([True, False])))
    torch.testing.assert_close(kept[1], model.denoise(picture, t, own.nothing())[1])
    torch.testing.assert_close(kept[0], model.denoise(picture, t, own)[0], rtol=1e-4, atol=1e-5)


def test_noise_levels_are_diffusers(model):
    clean, noise = torch.rand(3, 3, SIDE, SIDE), torch.randn(3, 3, SIDE, SIDE)
    t = torch.tensor([0, 40, 99])
    torch.testing.assert_close(model.noised(clean, noise, t), model.scheduler().add_noise(clean, noise, t))
    assert float(model.power[-1]) < 1e-4


def test_other_shapes_are_refused(model):
    with pytest.raises(BadInput, match="pictures"):
        model.repair(torch.zeros(2, 3, 16, 16), condition())
    with pytest.raises(BadInput, match="feature maps"):
        model.repair(torch.zeros(1, 3, SIDE, SIDE), condition())
