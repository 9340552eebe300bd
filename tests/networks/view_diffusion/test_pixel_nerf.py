"""Reading of pictures at points against closed forms; what the pooling ignores."""

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.networks.view_diffusion.encoder import FEATURES, EncodedViews
from recon_lib.networks.view_diffusion.pixel_nerf import PixelNerf, in_picture, read_pixels
from tests.helpers.view_prior import cameras_around


def encoded(cameras: Cameras, seed: int = 0) -> EncodedViews:
    generator, count, side = torch.Generator().manual_seed(seed), len(cameras), cameras.height
    shapes = ((3, side, side), (1, side, side), (FEATURES, side // 2, side // 2), (5,))
    return EncodedViews(cameras, *(torch.rand(count, *shape, generator=generator) for shape in shapes))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PixelNerf(6, width=16).eval().requires_grad_(False)


def rays(count: int = 9):
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(count, 3, generator=generator) - 0.5
    return points, torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)


def test_pixels_are_read_at_their_centres_whatever_the_maps_size():
    cameras = cameras_around(2, 8)
    ramp = torch.arange(8.0).expand(2, 1, 8, 8).contiguous()
    pixels = torch.tensor([[0.5, 0.5], [3.5, 2.0], [4.0, 7.5]]).expand(2, 3, 2)
    torch.testing.assert_close(read_pixels(ramp, pixels, cameras)[0, :, 0], torch.tensor([0.0, 3.0, 3.5]))
    half = torch.nn.functional.avg_pool2d(ramp, 2)
    torch.testing.assert_close(read_pixels(half, pixels, cameras)[0, 1:, 0], torch.tensor([3.0, 3.5]))


def test_what_lies_behind_or_beside_is_not_in_the_picture():
    cameras = cameras_around(1, 8)
    pixels = torch.tensor([[[4.0, 4.0], [4.0, 4.0], [-0.1, 4.0], [4.0, 8.1]]])
    depth = torch.tensor([[2.0, -2.0, 2.0, 2.0]])
    assert in_picture(pixels, depth, cameras).tolist() == [[True, False, False, False]]


def test_shapes_and_ranges(network):
    density, color, features = network(encoded(cameras_around(3)), *rays())
    assert density.shape == (9,) and color.shape == (9, 3) and features.shape == (9, 6)
    assert (density > 0).all() and (color >= 0).all() and (color <= 1).all()


def test_the_order_of_the_views_does_not_count(network):
    views = encoded(cameras_around(4))
    turned = views[torch.tensor([2, 0, 3, 1])]
    for a, b in zip(network(views, *rays()), network(turned, *rays()), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_views_that_do_not_show_a_point_do_not_count(network):
    seeing = cameras_around(2)
    away = Cameras.look_at(torch.tensor([[0.0, 0.0, 3.0]]), torch.tensor([0.0, 0.0, 9.0]), 40.0, 32, 32)
    joined = Cameras.cat([seeing, away])
    views = encoded(joined)
    for a, b in zip(network(views, *rays()), network(views[slice(2)], *rays()), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_it_does_not_matter_how_the_world_is_turned(network):
    views, (points, directions) = encoded(cameras_around(3)), rays()
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(3)))[0]
    turn = turn * torch.linalg.det(turn).sign()
    pose = torch.eye(4)
    pose[:3, :3] = turn
    cameras = Cameras(pose @ views.cameras.camera_to_world, views.cameras.intrinsics, 32, 32)
    turned = EncodedViews(cameras, views.images, views.masks, views.features, views.embeddings)
    answers = network(turned, points @ turn.T, directions @ turn.T)
    for a, b in zip(network(views, points, directions), answers, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
