from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput
from recon_lib.fields.decoded import DecodedField, move
from recon_lib.networks.contracts import PointDecoder
from recon_lib.networks.list_sdf.mini import MINI, ListMini
from recon_lib.networks.list_sdf.sampling import project, sample_picture


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ListMini().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pictures():
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(2, 2, 64, 64)
    masks[:, 0, 12:50, 16:52] = 1
    return image, masks


@pytest.fixture(scope="module")
def encoded(network, pictures):
    return network.encode(*pictures)


POINTS = torch.rand(2, 30, 3, generator=torch.Generator().manual_seed(2)) - 0.5


def test_it_is_small_enough_to_be_embedded(network):
    assert sum(p.numel() for p in network.parameters()) <= 8_000_000


def test_shapes(network, encoded):
    assert encoded.points.shape == (2, MINI.points, 3)
    assert encoded.grid.logits.shape == (2, 1, 32, 32, 32)
    assert network.distance(POINTS, encoded).shape == (2, 30)


def test_nothing_off_the_mask_counts(network, pictures, encoded):
    image, masks = pictures
    noisy = torch.where(masks[:, :1] > 0, image, torch.rand_like(image))
    torch.testing.assert_close(
        network.distance(POINTS, network.encode(noisy, masks)), network.distance(POINTS, encoded)
    )


def test_a_sample_does_not_depend_on_its_neighbour(network, pictures, encoded):
    image, masks = pictures
    alone = network.encode(image[1:], masks[1:])
    torch.testing.assert_close(
        network.distance(POINTS[1:], alone)[0], network.distance(POINTS, encoded)[1], atol=1e-4, rtol=1e-3
    )


def test_multiplying_before_sampling_is_exact(network, encoded):
    """The picture's share of the first layer, sampled, is the layer of what is sampled."""
    at = project(POINTS, encoded.view.matrix)
    dense = network.dpt_depth(torch.rand(2, 3, 64, 64))
    before = sample_picture(network.picture(dense), at)
    maps = [
        F.interpolate(m, dense.fine.shape[-2:], mode="bilinear", align_corners=False)
        for m in (dense.fine, dense.middle, dense.coarse)
    ]
    parts = (network.picture.fine, network.picture.middle, network.picture.coarse)
    after = sum(
        F.linear(sample_picture(m, at), part.weight[..., 0, 0], part.bias) for m, part in zip(maps, parts, strict=True)
    )
    torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


def test_own_points_take_the_place_of_the_coarse_ones(network, pictures):
    cloud = torch.rand(2, 40, 3) - 0.5
    encoded = network.encode(*pictures, cloud)
    assert torch.equal(encoded.points, cloud)
    other = network.encode(*pictures, cloud * 0.2)
    assert (encoded.grid.maps[0] - other.grid.maps[0]).abs().max() > 1e-3
    assert not torch.equal(network.distance(POINTS, encoded), network.distance(POINTS, other))


@pytest.mark.parametrize("switch", ["coarse_branch", "spatial_transformer"])
def test_the_papers_ablations(pictures, switch):
    network = ListMini(replace(MINI, **{switch: False})).eval()
    encoded = network.encode(*pictures)
    assert network.distance(POINTS, encoded).shape == (2, 30)
    own = {name for name, _ in network.named_children()}
    assert ({"vox_encoder"} if switch == "coarse_branch" else {"picture"}).isdisjoint(own)


def test_it_is_a_point_decoder_behind_a_field(network, pictures):
    image, masks = pictures
    decoder = network.encode(image[:1], masks[:1])
    assert isinstance(decoder, PointDecoder)
    scale = torch.diag(torch.tensor([0.5, 0.5, 0.5, 1.0]))
    field = DecodedField(move(decoder, "cpu"), scale, torch.tensor([[-2.0] * 3, [2.0] * 3]))
    inside = field.inside(POINTS[0] * 2)
    torch.testing.assert_close(inside, -network.distance(POINTS[:1], decoder)[0] / MINI.sdf_scale)


def test_gradients_reach_every_weight(pictures):
    network = ListMini().train()
    encoded = network.encode(*pictures)
    answers = network.distance(POINTS, encoded)
    view = encoded.view
    loss = answers.square().mean() + encoded.points.square().mean() + encoded.grid.logits.mean() + view.matrix.mean()
    (loss + view.front.mean()).backward()
    heads = ("dpt_depth.shape_head", "vox_encoder.bn.2", "dpt_depth.slope", "point_decoder.gcn.TreeGCN_5.bias")
    idle = [name for name, p in network.named_parameters() if p.grad is None and not name.startswith(heads)]
    assert idle == []


@pytest.mark.parametrize("points", [63, 100])
def test_points_that_no_tree_has_are_told(points):
    with pytest.raises(BadInput, match="use a multiple of 128"):
        ListMini(replace(MINI, points=points))


def test_the_level_moves_the_surface(network, pictures):
    image, masks = (part[:1] for part in pictures)
    plain = network.encode(image, masks)
    moved = replace(plain, module=_with_level(network, 0.2))
    torch.testing.assert_close(moved.query(POINTS[:1]) - plain.query(POINTS[:1]), torch.full((1, 30), 0.02))


def _with_level(network, level):
    other = ListMini(replace(MINI, level=level)).eval().requires_grad_(False)
    other.load_state_dict(network.state_dict())
    return other
