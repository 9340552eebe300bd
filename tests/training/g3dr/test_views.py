import math

import torch

from recon_lib.networks.g3dr.frame import CameraBox
from recon_lib.training.g3dr.views import (
    canonical_target,
    novel_share,
    novel_target,
    own_cameras,
    turned,
    widest_yaw,
)
from tests.helpers.g3dr import ellipsoid_views


def batch(side=64):
    views = ellipsoid_views(side)
    masks = {"mask": views.masks, "given_mask": views.masks}
    return {"image": views.images, "depth": views.depth, "intrinsics": views.cameras.intrinsics, **masks}


def test_the_papers_schedule():
    assert [novel_share(done) for done in (0.0, 0.1, 0.2, 1.0)] == [0.0, 0.2, 0.4, 0.4]
    for done, k in ((0.0, 24), (1 / 6, 15), (1 / 3, 6), (1.0, 6)):
        assert math.isclose(widest_yaw(done), math.pi / k)


def test_turned_cameras_look_at_the_middle_from_the_same_distance():
    angle = torch.tensor([0.3, -0.2])
    pose = turned(angle, torch.tensor([0.1, -0.15]), torch.tensor([3.0, 2.0]))
    middle = torch.tensor([[0, 0, 3.0], [0, 0, 2.0]])
    local = ((middle - pose[:, :3, 3])[:, None] @ pose[:, :3, :3])[:, 0]
    torch.testing.assert_close(local, middle)
    torch.testing.assert_close(pose[:, :3, :3].mT @ pose[:, :3, :3], torch.eye(3).expand(2, 3, 3))
    assert pose[1, 0, 3] < 0 < pose[0, 0, 3] and pose[0, 1, 3] < 0  # to the right; up, where y is down


def test_a_canonical_target_is_a_part_of_the_picture():
    sample = batch()
    target = canonical_target(sample, 24, torch.Generator().manual_seed(0))
    points = target.cameras.unproject(target.depth)[0][target.depth[0, 0] > 0]
    pixels, depth = own_cameras(sample).project(points)
    x, y = pixels[0].floor().long().unbind(-1)
    assert (sample["depth"][0, 0, y, x] - depth[0]).abs().max() < 0.1
    colors = target.image[0].permute(1, 2, 0)[target.depth[0, 0] > 0]
    assert (sample["image"][0, :, y, x].mT - colors).abs().mean() < 0.03


def test_a_novel_target_knows_no_depth():
    sample = batch()
    box = CameraBox.of(sample["intrinsics"], sample["depth"], sample["mask"])
    target = novel_target(sample, box, 24, 0.5, torch.Generator().manual_seed(0))
    assert target.image.shape == (1, 3, 24, 24) and not target.depth.any()
