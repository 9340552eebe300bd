import torch

from recon_lib.training.g3dr.given_depth import GivenDepth, bent, matched, stretched
from recon_lib.training.weight_files import ZEROSHAPE_W_MINI
from tests.training.g3dr.test_views import batch

DEPTH = torch.tensor([[[[1.0, 2.0], [4.0, 0.0]]]])


def sample():
    made = batch(64)
    rays = torch.tensor([[[0.02, 0.03, 1.0], [-0.1, 0.05, 1.0], [3.0, 3.0, 1.0]]])
    return {**made, "points": rays * 3, "inside": torch.ones(1, 3)}


def test_stretched_depth_keeps_its_geometric_mean():
    torch.testing.assert_close(stretched(DEPTH, torch.tensor([2.0])), torch.tensor([[[[0.5, 2.0], [8.0, 0.0]]]]))


def test_matched_depth_has_the_others_scale_and_gaps():
    found = matched(torch.tensor([[[[3.0, 6.0], [12.0, 5.0]]]]), DEPTH)
    torch.testing.assert_close(found, DEPTH)


def test_points_move_along_their_rays_as_the_surface_before_them():
    before = sample()
    moved = bent(before, before["depth"] * 1.1)
    torch.testing.assert_close(moved["points"][0, :2], before["points"][0, :2] * 1.1)
    torch.testing.assert_close(moved["points"][0, 2], before["points"][0, 2])  # beside the object


def test_the_packs_own_depth_has_the_true_scale_and_mask():
    given, before = GivenDepth(ZEROSHAPE_W_MINI), sample()
    depths = [given(before, torch.Generator().manual_seed(seed))["depth"] for seed in range(6)]
    known = before["depth"] > 0
    for depth in depths:
        assert torch.equal(depth > 0, known) and 0.8 < float((depth / before["depth"])[known].mean()) < 1.25
    assert len({float(depth[known].std()) for depth in depths}) >= 3  # the predicted one, and stretched ones
    assert not given.train().backbone.training
