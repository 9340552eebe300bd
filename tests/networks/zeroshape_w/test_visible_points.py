import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.visible_points import normalize_visible, unproject


@pytest.fixture
def cameras():
    return Cameras.orbit(azimuth=[0, 70], elevation=[0, 20], distance=3, fov=40, height=6, width=9)


class TestUnproject:
    def test_agrees_with_the_cameras(self, cameras):
        depth = torch.rand(2, 1, 6, 9) + 1
        points = unproject(depth, cameras.intrinsics)
        world = cameras.unproject(depth)
        torch.testing.assert_close(cameras.to_camera(world.flatten(1, 2)), points.flatten(2).mT, rtol=1e-4, atol=1e-5)

    def test_offset_0_puts_the_first_pixel_at_integer_coordinates(self):
        matrix = torch.tensor([[[10.0, 0, 4], [0, 20, 3], [0, 0, 1]]])
        points = unproject(torch.full((1, 1, 6, 9), 2.0), matrix, pixel_offset=0.0)
        torch.testing.assert_close(points[0, :, 0, 0], torch.tensor([-0.8, -0.3, 2.0]))
        torch.testing.assert_close(points[0, :, 3, 4], torch.tensor([0.0, 0.0, 2.0]))
        torch.testing.assert_close(points[0, :, 5, 8], torch.tensor([0.8, 0.2, 2.0]))

    def test_wrong_intrinsics(self):
        with pytest.raises(BadInput, match="intrinsics"):
            unproject(torch.ones(2, 1, 4, 4), torch.eye(3)[None])


class TestNormalizeVisible:
    def test_mean_and_reach(self):
        points, mask = torch.randn(2, 3, 8, 8) + 5, (torch.rand(2, 1, 8, 8) > 0.4).float()
        surface, normalization = normalize_visible(points, mask)
        for image in range(2):
            inside = surface[image][:, mask[image, 0] > 0]
            torch.testing.assert_close(inside.mean(dim=1), torch.zeros(3), rtol=0, atol=1e-6)
            assert inside.norm(dim=0).max() == pytest.approx(1.0)
        assert (surface * (1 - mask) == 0).all()
        back = normalization.to_camera(surface.flatten(2).mT)
        where = mask.flatten(1) > 0
        torch.testing.assert_close(back[where], points.flatten(2).mT[where])
        torch.testing.assert_close(normalization.to_normalized(back), surface.flatten(2).mT, rtol=1e-4, atol=1e-5)

    def test_points_off_the_mask_do_not_matter(self):
        points, mask = torch.randn(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
        mask[..., 1:3, 1:3] = 1
        other = torch.where(mask > 0, points, points + 100)
        torch.testing.assert_close(normalize_visible(points, mask)[0], normalize_visible(other, mask)[0])

    def test_empty_mask_is_told_by_its_image(self):
        mask = torch.ones(3, 1, 4, 4)
        mask[1] = 0.5
        with pytest.raises(BadInput, match="image 1 is empty"):
            normalize_visible(torch.randn(3, 3, 4, 4), mask)

    def test_one_seen_pixel_gives_its_place_and_no_nan(self):
        points, mask = torch.randn(1, 3, 4, 4, requires_grad=True), torch.zeros(1, 1, 4, 4)
        mask[..., 2, 3] = 1
        surface, normalization = normalize_visible(points, mask)
        torch.testing.assert_close(normalization.centre[0], points[0, :, 2, 3])
        surface.sum().backward()
        assert surface.isfinite().all() and points.grad.isfinite().all()


class TestRobust:
    def test_the_root_mean_square_is_1(self):
        points, mask = torch.randn(2, 3, 8, 8) * 3 + 5, (torch.rand(2, 1, 8, 8) > 0.4).float()
        surface, normalization = normalize_visible(points, mask, robust=True)
        for image in range(2):
            inside = surface[image][:, mask[image, 0] > 0]
            torch.testing.assert_close(inside.mean(dim=1), torch.zeros(3), rtol=0, atol=1e-6)
            assert inside.square().sum(0).mean() == pytest.approx(1)
        where = mask.flatten(1) > 0
        back = normalization.to_camera(surface.flatten(2).mT)
        torch.testing.assert_close(back[where], points.flatten(2).mT[where])

    def test_it_agrees_with_the_farthest_on_a_ring(self):
        angle = torch.linspace(0, 2 * torch.pi, 17)[:-1].reshape(1, 4, 4)
        points = torch.stack([angle.cos() * 3, angle.sin() * 3, angle * 0 + 7], 1)
        for robust in (True, False):
            scale = normalize_visible(points, torch.ones(1, 1, 4, 4), robust)[1].scale
            torch.testing.assert_close(scale, torch.tensor([3.0]))

    def test_one_wrong_pixel_moves_it_little(self):
        points = torch.randn(1, 3, 40, 40)
        wrong = points.clone()
        wrong[..., 3, 4] = 20.0
        growth = {}
        for robust in (True, False):
            before, after = (normalize_visible(p, torch.ones(1, 1, 40, 40), robust)[1].scale for p in (points, wrong))
            growth[robust] = float(after / before)
        assert growth[True] < 1.2 and growth[False] > 5
