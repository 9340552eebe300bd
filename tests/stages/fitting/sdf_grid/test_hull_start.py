"""The hull less what no picture calls for: ground, mirror image, and no mask loses a ray."""

import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.cells import Cells
from recon_lib.stages.fitting.sdf_grid.hull_start import FilledRays, HullStart, vertical
from recon_lib.stages.fitting.sdf_grid.silhouettes import Silhouettes
from recon_lib.stages.fitting.sdf_grid.start import find_bounds
from tests.helpers.posed import Solid, box, cylinder, posed, sphere

HALF = (0.5, 0.4, 0.3)


def ring(count: int, pixels: int = 48, elevation: float = 25.0) -> Cameras:
    return Cameras.orbit([25 + 360 * i / count for i in range(count)], [elevation] * count, 3.0, 40.0, pixels, pixels)


def lopsided() -> Solid:
    """A block with a long arm to one side and another, elsewhere, to the front."""
    parts = (((0.0, 0, 0), (0.3, 0.4, 0.3)), ((0.5, 0.2, 0.2), (0.3, 0.1, 0.1)), ((-0.25, -0.2, 0.5), (0.05, 0.1, 0.3)))
    boxes = [(torch.tensor(middle), box(half)) for middle, half in parts]
    return Solid(lambda p: torch.stack([solid.distance(p - middle) for middle, solid in boxes]).amin(0))


VIEWS = posed(box(HALF), ring(4))
START = HullStart.of(VIEWS, Silhouettes.of(VIEWS), find_bounds(VIEWS))


def test_level_cameras_tell_what_is_up():
    assert torch.allclose(vertical(ring(3)), torch.tensor([0.0, 1, 0]), atol=1e-5)
    lying = ring(3).camera_to_world[:, [0, 2, 1]] * torch.tensor([1.0, -1, 1])[:, None]  # the world turned about x
    lying = torch.cat([lying, ring(3).camera_to_world[:, 3:]], 1)
    turned = Cameras(lying, ring(3).intrinsics, 48, 48)
    assert torch.allclose(vertical(turned), torch.tensor([0.0, 0, 1]), atol=1e-5)


def test_cameras_that_look_the_same_way_or_are_rolled_do_not():
    assert vertical(ring(3)[torch.tensor([0, 0])]) is None
    angle = torch.tensor([0.0, 1.5, 0.2, 2.0, 0.9, 1.7])
    roll = torch.eye(4).repeat(6, 1, 1)
    roll[:, 0, 0], roll[:, 0, 1], roll[:, 1, 0], roll[:, 1, 1] = angle.cos(), -angle.sin(), angle.sin(), angle.cos()
    rolled = Cameras(ring(6).camera_to_world @ roll, ring(6).intrinsics, 48, 48)
    assert vertical(rolled) is None


def test_the_cone_under_the_object_is_cut_off_at_the_ground():
    below = torch.tensor([[0.0, -HALF[1] - 0.12, 0.0]])
    assert Silhouettes.of(VIEWS).inside(below) > 0 > START.inside(below)
    assert abs(START.ground + HALF[1]) < 0.05
    assert START.inside(torch.zeros(1, 3)) > 0


def test_the_mirror_image_carves_what_no_view_sees():
    """Two views of a box from one side: where its corners end behind is what the mirrored views show."""
    normals = [torch.linalg.eigh(mirror.matrix)[1][:, 0] for mirror in START.mirrors]
    assert len(normals) == 2
    assert all(normal.abs().amax() > math.cos(math.radians(6)) for normal in normals), "along axes of the box"
    assert abs(float(normals[0] @ normals[1])) < 0.2, "two different ones"
    points = torch.rand(20000, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    hull, start, truth = (field.inside(points) > 0 for field in (Silhouettes.of(VIEWS), START, box(HALF)))
    iou = {
        name: float((part & truth).sum() / (part | truth).sum()) for name, part in (("hull", hull), ("start", start))
    }
    assert iou["start"] > iou["hull"] + 0.08


def test_a_ball_is_not_cut_flat():
    views = posed(sphere(0.6), ring(3, 64, 20.0))
    start = HullStart.of(views, Silhouettes.of(views), find_bounds(views))
    assert start.ground < -0.5 and start.inside(torch.tensor([[0.0, -0.5, 0.0]])) > 0


def test_a_thick_cylinder_stands_flat_though_the_hull_of_three_views_does_not_tell():
    views = posed(cylinder(0.5, 0.6), ring(3))
    start = HullStart.of(views, Silhouettes.of(views), find_bounds(views))
    assert len(start.mirrors) == 2 and abs(start.ground + 0.6) < 0.06


def test_an_object_without_symmetry_has_no_mirror():
    views = posed(lopsided(), ring(4))
    assert HullStart.of(views, Silhouettes.of(views), find_bounds(views)).mirrors == ()


@pytest.mark.parametrize("solid", [box(HALF), lopsided()])
def test_no_mask_loses_more_than_stray_pixels(solid):
    views = posed(solid, ring(3))
    hull = Silhouettes.of(views)
    start = HullStart.of(views, hull, find_bounds(views))
    cells = Cells.within(find_bounds(views), 64)
    rays = [FilledRays.of(views, cells, f.inside(cells.positions()).view(64, 64, 64)) for f in (hull, start)]
    lost = 1 - (int(rays[1].ray[-1]) + 1) / (int(rays[0].ray[-1]) + 1)
    assert lost < 0.03


def test_one_view_is_left_as_it_is():
    hull = Silhouettes.of(VIEWS[:1])
    assert HullStart.of(VIEWS[:1], hull, find_bounds(VIEWS[:1])) == HullStart(hull)
