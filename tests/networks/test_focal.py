"""The focal network's view of a depth map, in closed form."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.errors import BadInput
from recon_lib.networks.focal import INPUTS, FocalConfig, FocalNetwork, build, depth_features

SIDE = 32
FOCAL = torch.tensor([40.0])
ALL = torch.ones(1, 1, SIDE, SIDE)
TINY = FocalConfig(side=16, channels=(8, 16), hidden=8)


def plane(normal: tuple[float, float, float], focal: float = float(FOCAL), distance: float = 3.0) -> Tensor:
    """z-depth [1,1,S,S] of the plane n X = -distance seen through a lens."""
    at = torch.arange(float(SIDE)) + 0.5 - SIDE / 2
    ray = torch.stack([*torch.meshgrid(at / focal, at / focal, indexing="xy"), torch.ones(SIDE, SIDE)])
    return (-distance / (torch.tensor(normal)[:, None, None] * ray).sum(0))[None, None]


@pytest.mark.parametrize("normal", [(0.0, 0.0, -1.0), (0.6, 0.0, -0.8), (-0.3, 0.4, -math.sqrt(0.75))])
def test_a_planes_normals_are_its_own(normal):
    features = depth_features(plane(normal), ALL, FOCAL)
    expected = torch.tensor(normal)[:, None, None].expand(3, SIDE, SIDE)
    torch.testing.assert_close(features[0, :3, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=0.03, rtol=0)


def test_a_wrong_lens_stretches_along_the_axis():
    """Through twice the focal length the plane x = slope z has twice the slope."""
    features = depth_features(plane((0.6, 0.0, -0.8)), ALL, 2 * FOCAL)
    middle = features[0, :3, SIDE // 2, SIDE // 2]
    torch.testing.assert_close(middle, F.normalize(torch.tensor([1.2, 0.0, -0.8]), dim=0), atol=0.03, rtol=0)


def test_unit_and_unknown_pixels_do_not_matter():
    depth, mask = plane((0.6, 0.0, -0.8)), ALL.clone()
    mask[..., :10, :] = 0
    features = depth_features(depth, mask, FOCAL)
    depth[..., :10, :] = 77.0
    torch.testing.assert_close(depth_features(1000 * depth, mask, FOCAL), features, atol=1e-4, rtol=0)
    assert not features[..., :10, :].any()


def test_a_step_is_no_slope():
    depth = torch.where(torch.arange(SIDE) < SIDE // 2, 3.0, 4.0).expand(1, 1, SIDE, SIDE)
    normals = depth_features(depth, ALL, FOCAL)[0, :3]
    torch.testing.assert_close(normals, torch.tensor([0.0, 0, -1])[:, None, None].expand_as(normals))


def test_it_looks_twice(monkeypatch):
    network = FocalNetwork(TINY)
    depth, mask = torch.ones(2, 1, 16, 16), torch.ones(2, 1, 16, 16)
    true = torch.tensor([20.0, 50.0])

    def nearly(self, depth: Tensor, mask: Tensor, focal: Tensor) -> tuple[Tensor, Tensor]:
        return 0.9 * (true / focal).log(), torch.zeros(2)

    monkeypatch.setattr(FocalNetwork, "forward", nearly)
    found = network.find(depth, mask, torch.tensor([40.0, 40.0]))
    torch.testing.assert_close((found / true).log(), 0.01 * (40 / true).log())


def test_an_answer_and_its_doubt_for_each_picture():
    network = build(TINY.to_dict())
    answer, doubt = network(torch.rand(3, 1, 16, 16) + 1, torch.ones(3, 1, 16, 16), torch.full((3,), 20.0))
    assert answer.shape == doubt.shape == (3,)
    assert depth_features(ALL, ALL, FOCAL).shape[1] == INPUTS


@pytest.mark.parametrize("wrong", [{"sides": 3}, {"side": 3}, {"channels": []}, {"groups": 0}, {"hidden": "64"}])
def test_a_card_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(BadInput):
        build(wrong)
