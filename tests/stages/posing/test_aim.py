from dataclasses import replace

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.stages.evaluation.cameras import camera_errors
from recon_lib.stages.posing.aim import aimed, mask_middles, nearest_point
from recon_lib.stages.posing.increments import moved
from recon_lib.views.views import Views
from tests.helpers.posed import around, posed, sphere


def test_middle_of_a_mask_counts_from_pixel_centres():
    masks = torch.zeros(1, 1, 8, 10)
    masks[..., 2:4, 5:9] = 1
    torch.testing.assert_close(mask_middles(masks), torch.tensor([[7.0, 3.0]]))


def test_nearest_point_is_where_lines_meet():
    point = torch.tensor([0.3, -0.2, 0.5])
    origins = torch.tensor([[0.0, 0, 3], [3.0, 0, 0], [0.0, 3, 1]])
    directions = torch.nn.functional.normalize(point - origins, dim=-1)
    torch.testing.assert_close(nearest_point(origins, directions), point, atol=1e-5, rtol=0)


def spread(views: Views) -> torch.Tensor:
    """How far the point nearest to the rays through the masks' middles is from these, pixels, on average."""
    pixels = mask_middles(views.masks)
    ray = torch.linalg.solve(views.cameras.intrinsics, torch.nn.functional.pad(pixels, (0, 1), value=1.0)[..., None])
    ray = torch.nn.functional.normalize(views.cameras.rotation @ ray, dim=1)[..., 0]
    return (
        (views.cameras.project(nearest_point(views.cameras.position, ray)[None])[0][:, 0] - pixels).norm(dim=-1).mean()
    )


def test_cameras_that_look_aside_are_turned_back():
    truth = around(8, 64)
    views = posed(sphere(), truth)
    step = torch.zeros(8, 7)
    step[:, :2] = 0.05 * torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    aside = Views(views.images, moved(truth, step), views.masks)
    turned = Views(views.images, aimed(aside), views.masks)
    assert float(spread(aside)) > 2.5 and float(spread(turned)) < 0.3


def test_cameras_that_look_right_stay():
    truth = Cameras.orbit([0.0, 120, 240], 10, 3.0, 40.0, 64, 64)
    errors = camera_errors(aimed(posed(sphere(), truth)), truth)
    assert float(errors.rotation.max()) < 0.1 and float(errors.position.max()) < 0.1


def test_pictures_that_cut_the_object_off_stay_and_turn_no_other():
    """Lenses of every second picture moved aside, so that the sphere leaves it."""
    truth = around(8, 64)
    lens = truth.intrinsics.clone()
    lens[::2, 0, 2] += 25
    cameras = replace(truth, intrinsics=lens)
    turned = aimed(posed(sphere(), cameras))
    assert torch.equal(turned.camera_to_world[::2], cameras.camera_to_world[::2])
    torch.testing.assert_close(turned.camera_to_world, cameras.camera_to_world, atol=2e-3, rtol=0)
