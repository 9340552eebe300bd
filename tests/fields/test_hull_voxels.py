"""Coarse to fine finds what asking every voxel finds."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.fields.hull import HullField
from recon_lib.fields.hull_voxels import Footprint, hull_voxels, levels, voxel_centres
from recon_lib.progress import Progress
from tests.helpers.hulls import around, ball_mask, box_mask, masked, straight
from tests.helpers.stop_button import StopButton

ROUNDING = 1e-5  # world units: who is this near to the surface may fall on either side


def every_voxel(hull: HullField, resolution: int) -> torch.Tensor:
    """Values at all voxels' centres [R,R,R] (z,y,x)."""
    voxels = torch.ones(resolution, resolution, resolution).nonzero()
    return hull.inside(voxel_centres(voxels, resolution, hull.radius)).view(resolution, resolution, resolution)


def check_exact(hull: HullField, resolution: int) -> None:
    value = every_voxel(hull, resolution)
    clear = value.abs() > ROUNDING
    found = hull_voxels(hull, resolution).occupancy
    assert torch.equal(found[clear], value[clear] > 0)


def blobs(cameras: Cameras, seed: int, coverage: float = 0.6) -> torch.Tensor:
    """Random soft masks with holes and islands, [V,1,H,W] in 0-1."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(len(cameras), 1, 9, 9, generator=generator)
    smooth = F.interpolate(coarse, (cameras.height, cameras.width), mode="bicubic", align_corners=False)
    return ((smooth - (1 - coverage)) * 8 + 0.5).clamp(0, 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("margin", [0.0, 2.5])
def test_it_is_exact_for_any_masks(seed, margin):
    cameras = around(5, 96)
    check_exact(HullField.of(masked(cameras, blobs(cameras, seed)), margin), 64)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_exact_for_any_cameras(seed):
    """Near and far, looking past the object, inside its ball, with stretched pixels and cut pictures."""
    generator = torch.Generator().manual_seed(seed)
    position = torch.randn(6, 3, generator=generator) * 2
    target = torch.randn(6, 3, generator=generator) * 0.4
    cameras = Cameras.look_at(position, target, [20.0, 30.0, 50.0, 70.0, 90.0, 120.0], 60, 80)
    stretched = cameras.intrinsics * torch.tensor([[1.3], [1.0], [1.0]])
    cameras = replace(cameras, intrinsics=stretched).cropped(9.0, -4.0, 64, 70)
    check_exact(HullField.of(masked(cameras, blobs(cameras, seed, 0.85)), 1.0, radius=1.3), 48)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_exact_with_depth(seed):
    cameras = around(4, 80)
    masks = blobs(cameras, seed, 0.8)
    depth = 2.8 + 1.2 * blobs(cameras, seed + 50, 0.5)
    depth *= blobs(cameras, seed + 100, 0.8) > 0.5  # and unknown in places
    check_exact(HullField.of(masked(cameras, masks, depth=depth), 1.0, depth_slack=0.02), 64)


@pytest.mark.parametrize("resolution", [8, 21, 40, 63])
def test_any_resolution_will_do(resolution):
    cameras = around(4, 64)
    check_exact(HullField.of(masked(cameras, ball_mask(cameras, 0.7)), 1.0, radius=0.8), resolution)


def test_no_cells_at_all():
    cameras = around(3, 32)
    assert not hull_voxels(HullField.of(masked(cameras, torch.zeros(3, 1, 32, 32)), 0.0), 64).occupancy.any()


@pytest.mark.parametrize(("directions", "volume"), [("zx", 16 / 3), ("zxy", 16 - 8 * math.sqrt(2))])
def test_straight_views_of_a_ball_leave_steinmetz_solids(directions, volume):
    """The common part of two, or three, cylinders of radius r is 16/3 r^3, or (16 - 8 sqrt 2) r^3."""
    cameras, radius = straight(directions), 0.6
    hull = HullField.of(masked(cameras, ball_mask(cameras, radius)), margin=0.0)
    found = float(hull_voxels(hull, 96).occupancy.sum()) * (2 / 96) ** 3
    assert found == pytest.approx(volume * radius**3, rel=0.01)


def test_straight_views_of_a_cube_leave_its_voxels():
    cameras = straight("zxy")
    hull = HullField.of(masked(cameras, box_mask(cameras)), margin=0.0)
    occupancy = hull_voxels(hull, 64).occupancy
    expected = torch.zeros(64, 64, 64, dtype=torch.bool)
    expected[16:48, 16:48, 16:48] = True
    assert torch.equal(occupancy, expected)


def test_axes_of_the_grid_are_z_y_x():
    cameras = around(12, 96)
    hull = HullField.of(masked(cameras, ball_mask(cameras, 0.2, (0.2, -0.4, 0.6))))
    z, y, x = (hull_voxels(hull, 50).occupancy.nonzero().float().mean(0) + 0.5) / 25 - 1
    torch.testing.assert_close(torch.stack([x, y, z]), torch.tensor([0.2, -0.4, 0.6]), atol=0.03, rtol=0)
    torch.testing.assert_close(voxel_centres(torch.tensor([[0, 1, 3]]), 4, 2.0), torch.tensor([[1.5, -0.5, -1.5]]))
    torch.testing.assert_close(
        voxel_centres(torch.tensor([[0, 1, 1]]), 4, 2.0, step=2), torch.tensor([[1.0, 1.0, -1.0]])
    )


def test_only_the_surface_is_looked_at_closely():
    cameras = around(12, 128)
    found = hull_voxels(HullField.of(masked(cameras, ball_mask(cameras, 0.8))), 128)
    assert found.tests < 0.08 * 12 * 128**3


def test_footprints_hold_their_balls():
    """Points on a ball never appear further from its centre than the spread, and some come near it."""
    cameras = around(3, 64, distance=1.5)
    hull = HullField.of(masked(cameras, ball_mask(cameras, 0.5)))
    centres = torch.rand(200, 3) - 0.5
    on_ball = F.normalize(torch.randn(400, 3), dim=-1) * 0.2
    for view in range(3):
        shown = Footprint.of(hull, view, centres, 0.2)
        pixels, depth = cameras[view].project((centres[:, None] + on_ball).reshape(-1, 3))
        assert (depth > 0).all()
        away = (pixels.view(200, 400, 2) - shown.pixels[:, None]).norm(dim=-1).amax(1)
        assert (away <= shown.spread).all() and (away / shown.spread).max() > 0.85


def test_steps_are_counted_and_the_work_can_be_stopped():
    cameras = around(3, 48)
    hull = HullField.of(masked(cameras, ball_mask(cameras, 0.7)))
    progress = Progress()
    progress.start("", levels(64))
    hull_voxels(hull, 64, progress)
    assert (levels(8), levels(31), levels(32), levels(64), levels(256)) == (1, 1, 2, 3, 5)
    assert progress.done == progress.total
    with pytest.raises(Interrupted):
        hull_voxels(hull, 64, StopButton(4))
