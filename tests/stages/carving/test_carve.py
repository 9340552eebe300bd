"""Carving keeps the object, removes the rest, and reports what is wrong with its inputs."""

import math
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.fields.hull_voxels import voxel_centres
from recon_lib.meshes.solid import is_closed, signed_volume
from recon_lib.progress import Progress
from recon_lib.stages.carving.carve import carve, filled_fraction
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.views.views import Views
from tests.helpers.hulls import around, ball_mask, box_mask, dilated, eroded, iou, masked, recall, straight
from tests.helpers.stop_button import looks_of, stop_everywhere

RESOLUTION = 96
BALL, HALF = 0.7, (0.55, 0.4, 0.5)


def centres(resolution: int = RESOLUTION) -> torch.Tensor:
    """[R,R,R,3] world, ordered as the occupancy."""
    grid = voxel_centres(torch.ones(resolution, resolution, resolution).nonzero(), resolution, 1.0)
    return grid.view(resolution, resolution, resolution, 3)


def in_ball(points: torch.Tensor) -> torch.Tensor:
    return points.norm(dim=-1) < BALL


def in_box(points: torch.Tensor) -> torch.Tensor:
    return (points.abs() < torch.tensor(HALF)).all(-1)


def exact_hull(cameras: Cameras, shape) -> torch.Tensor:
    """[R,R,R] bool: from every camera the line of sight through the voxel's centre meets the solid. No pixels."""
    points = centres().reshape(-1, 3)
    inside = torch.ones(len(points), dtype=torch.bool)
    for eye in cameras.position:
        ray = points - eye
        if shape is in_ball:
            inside &= torch.linalg.cross(ray, -eye.expand_as(ray)).norm(dim=-1) < BALL * ray.norm(dim=-1)
        else:
            sides = [(side * torch.tensor(HALF) - eye) / ray for side in (-1, 1)]
            inside &= torch.minimum(*sides).amax(-1) < torch.maximum(*sides).amin(-1)
    return inside.view(RESOLUTION, RESOLUTION, RESOLUTION)


@pytest.fixture(scope="module", params=[in_ball, in_box], ids=["ball", "box"])
def solid(request):
    """Shape, cameras, soft masks of twelve views."""
    cameras = around(12, 192)
    shape = request.param
    draw = (lambda c: ball_mask(c, BALL)) if shape is in_ball else (lambda c: box_mask(c, HALF))
    masks = torch.nn.functional.avg_pool2d(draw(cameras.resized(768, 768)), 4)
    return shape, cameras, masks


def test_the_hull_is_the_exact_one(solid):
    shape, cameras, masks = solid
    carving = carve(masked(cameras, masks), RESOLUTION, margin=0.0)
    assert iou(carving.occupancy, exact_hull(cameras, shape)) > 0.985
    assert recall(carving.occupancy, shape(centres())) > 0.999
    assert (carving.filled > 0.999).all()


@pytest.mark.parametrize(("change", "min_recall"), [(lambda m: m, 1.0), (eroded, 0.995), (dilated, 1.0)])
def test_masks_that_are_a_pixel_off_do_not_eat_the_object(solid, change, min_recall):
    shape, cameras, masks = solid
    changed = masked(cameras, change((masks > 0.5).float()))
    assert recall(carve(changed, RESOLUTION).occupancy, shape(centres())) >= min_recall


def test_without_a_margin_they_do():
    cameras = around(12, 192)
    carving = carve(masked(cameras, eroded(ball_mask(cameras, BALL))), RESOLUTION, margin=0.0)
    assert recall(carving.occupancy, in_ball(centres())) < 0.97


def test_field_voxels_and_mesh_are_one_solid(solid):
    _, cameras, masks = solid
    carving = carve(masked(cameras, masks), 64)
    points = centres(64).reshape(-1, 3)
    value = carving.field.inside(points)
    clear = value.abs() > 1e-5
    assert torch.equal(carving.occupancy.reshape(-1)[clear], (value > 0)[clear])
    mesh = extract_mesh(carving.field, 64).mesh
    assert is_closed(mesh)
    assert signed_volume(mesh) == pytest.approx(float(carving.occupancy.sum()) * (2 / 64) ** 3, rel=0.01)


def test_the_mesh_of_a_cubes_hull_is_the_cube():
    cameras = straight("zxy")
    mesh = extract_mesh(carve(masked(cameras, box_mask(cameras)), 32, margin=0.0).field, 64).mesh
    assert signed_volume(mesh) == pytest.approx(1.0, rel=0.05)  # half a pixel on every side
    assert mesh.vertices.abs().amax() == pytest.approx(0.5, abs=0.01)


def test_voxels_are_comfyuis():
    cameras = around(6, 64)
    carving = carve(masked(cameras, ball_mask(cameras, 0.25, (0.4, -0.2, 0.1))), 40)
    data = carving.as_voxel()
    assert data.shape == (1, 40, 40, 40) and data.dtype == torch.float32 and set(data.unique().tolist()) == {0.0, 1.0}
    depth, height, width = (data[0].nonzero().float().mean(0) + 0.5) / 20 - 1
    torch.testing.assert_close(torch.stack([width, height, depth]), torch.tensor([0.4, -0.2, 0.1]), atol=0.03, rtol=0)


def test_more_views_never_add():
    cameras = around(8, 96)
    views = masked(cameras, box_mask(cameras, HALF))
    few, many = (carve(views[:count], 48).occupancy for count in (3, 8))
    assert not (many & ~few).any() and int(many.sum()) < int(few.sum())


def test_depth_opens_what_silhouettes_cannot():
    """A bowl: no outline shows its hollow, depth from above does."""
    cameras = Cameras.orbit([0.0, 90.0, 0.0], [0.0, 0.0, 90.0], 3.0, 50.0, 128, 128)
    masks = ball_mask(cameras, 0.6)
    depth = torch.zeros_like(masks)
    depth[2] = 3.2 * masks[2]  # from above: the floor lies at y = -0.2
    views = masked(cameras, masks, depth=depth)
    full, open_ = carve(views, 48).occupancy, carve(views, 48, depth_slack=0.05).occupancy
    hollow = (centres(48)[..., [0, 2]].norm(dim=-1) < 0.4) & (centres(48)[..., 1].abs() < 0.1)
    floor = (centres(48)[..., [0, 2]].norm(dim=-1) < 0.3) & ((centres(48)[..., 1] + 0.3).abs() < 0.08)
    assert full[hollow].all() and not open_[hollow].any() and open_[floor].all()


def test_a_larger_world():
    cameras = Cameras.orbit([0.0, 90.0, 200.0], [0.0, 20.0, 50.0], 30.0, 40.0, 96, 96)
    carving = carve(masked(cameras, ball_mask(cameras, 6.0)), 40, radius=10.0)
    assert float(carving.occupancy.sum()) * 0.5**3 > 4 / 3 * math.pi * 6**3
    assert carving.field.bounds.tolist() == [[-10.0] * 3, [10.0] * 3]


def test_inputs_stay_as_they_are():
    cameras = around(3, 48)
    views = masked(cameras, ball_mask(cameras, 0.5))
    before = views.masks.clone()
    carve(views, 16)
    assert torch.equal(views.masks, before)


# -- what can be wrong ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good() -> Views:
    cameras = around(6, 64)
    return masked(cameras, ball_mask(cameras, 0.6))


def message_of(views: Views, **options) -> str:
    with pytest.raises(BadInput) as caught:
        carve(views, options.pop("resolution", 32), **options)
    return str(caught.value)


def with_mask(views: Views, index: int, mask: torch.Tensor) -> Views:
    masks = views.masks.clone()
    masks[index] = mask
    return replace(views, masks=masks)


def test_no_views(good):
    assert "no view" in message_of(good[torch.zeros(0, dtype=torch.long)])


def test_missing_masks(good):
    assert "mask of view 2 marks no object" in message_of(with_mask(good, 2, torch.zeros(1, 64, 64)))
    assert "any background" in message_of(replace(good, masks=torch.ones_like(good.masks)))
    assert "NaN" in message_of(with_mask(good, 1, torch.full((1, 64, 64), float("nan"))))
    assert "view 2 fits least" in message_of(with_mask(good, 2, torch.ones(1, 64, 64)))


def test_a_close_up_of_nothing_but_the_object(good):
    zoomed = good.cameras.intrinsics.clone()
    zoomed[2, [0, 1], [0, 1]] *= 8
    views = with_mask(good, 2, torch.ones(1, 64, 64))
    close = carve(replace(views, cameras=replace(good.cameras, intrinsics=zoomed)), 32)
    assert torch.equal(close.occupancy, carve(good[torch.tensor([0, 1, 3, 4, 5])], 32).occupancy)
    assert close.filled[2] == 1


def test_missing_depth(good):
    assert "no depth" in message_of(good, depth_slack=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resolution": 4}, "out of range"),
        ({"resolution": 2000}, "out of range"),
        ({"margin": -1.0}, "Margin"),
        ({"margin": float("nan")}, "Margin"),
        ({"radius": 0.0}, "radius"),
        ({"radius": float("inf")}, "radius"),
        ({"depth_slack": -0.1}, "depth slack"),
    ],
)
def test_options_out_of_range(good, options, words):
    assert words in message_of(good, **options)


def test_a_camera_inside_the_object(good):
    cameras = Cameras.orbit([0.0, 120.0, 270.0], 0.0, [3.5, 3.5, 0.3], 60.0, 64, 64)
    views = masked(cameras, torch.cat([ball_mask(cameras[:2], 0.6), torch.ones(1, 1, 64, 64)]))
    assert "camera of view 2 stands inside the hull" in message_of(views)
    outside = replace(views, cameras=Cameras.orbit([0.0, 120.0, 270.0], 0.0, [3.5, 3.5, 0.9], 60.0, 64, 64))
    carve(outside, 32)  # inside the radius, but the other views show that no object is there


def test_a_view_that_contradicts_the_others_is_named(good):
    moved = torch.roll(good.masks[3], 28, -1)
    assert "view 3 fits least" in message_of(with_mask(good, 3, moved))


def test_an_empty_hull_is_reported(good):
    one = torch.zeros(2, 1, 64, 64)
    one[0, :, 8:16], one[1, :, 48:56] = 1.0, 1.0  # above, and below
    cameras = Cameras.orbit([0.0, 90.0], 0.0, 3.5, 40.0, 64, 64)
    message = message_of(masked(cameras, one))
    assert "hull of 2 views is empty" in message and "check masks" in message


def test_masks_that_all_contradict(good):
    shifts = [(-20, 0), (20, 0), (0, 20), (0, -20), (14, 14), (-14, 14)]
    masks = torch.stack([torch.roll(m, shift, (-2, -1)) for m, shift in zip(good.masks, shifts, strict=True)])
    message = message_of(replace(good, masks=masks))
    assert "fits least" not in message and "check masks" in message


def test_how_much_of_a_mask_is_filled(good):
    carving = carve(good, 64)
    torch.testing.assert_close(carving.filled, torch.ones(6))
    upper = carving.occupancy.clone()
    upper[:, :32] = False  # y < 0
    assert filled_fraction(carving.field, upper)[0] == pytest.approx(0.5, abs=0.1)
    assert (filled_fraction(carving.field, torch.zeros_like(upper)) == 0).all()


def test_the_stop_button(good, tmp_path):
    def job(progress: Progress) -> None:
        carve(good, 48, progress=progress)

    stop_everywhere(job, tmp_path, looks_of(job))


def test_the_search_for_the_odd_view_hears_it_too(good, tmp_path):
    moved = with_mask(good, 3, torch.roll(good.masks[3], 28, -1))

    def job(progress: Progress) -> None:
        with pytest.raises(BadInput):
            carve(moved, 32, progress=progress)

    assert looks_of(job) > looks_of(lambda progress: carve(good, 32, progress=progress))
    stop_everywhere(job, tmp_path, looks_of(job))


def test_steps_add_up(good):
    progress = Progress()
    carve(good, 64, progress=progress)
    assert progress.done == progress.total > 3
