import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.model import ZeroShapeWConfig
from recon_lib.stages.single_view.depth_normal import estimate_depth_normals, normals_from_depth
from recon_lib.stages.single_view.object_crop import OBJECT_SHARE, OCCLUDED_SHARE
from tests.helpers.oracle import (
    FOCAL,
    SIDE,
    OracleNetwork,
    ball_depth,
    ball_distance,
    disk_picture,
    oracle_model,
    overlap,
)

CAMERA = Cameras.orbit(30, 20, 3, 50, 24, 36)
OBLIQUE = Cameras(CAMERA.camera_to_world, CAMERA.intrinsics * torch.tensor([[1.1], [0.9], [1.0]]), 24, 36)


def rays(cameras):
    """Camera-frame rays with z = 1 [1,3,H,W]."""
    pixels = F.pad(cameras.pixel_centres(), (0, 1), value=1.0)
    return (pixels @ torch.linalg.inv(cameras.intrinsics[0]).T).permute(2, 0, 1)[None]


class TestNormalsFromDepth:
    @pytest.mark.parametrize("normal", [(0, 0, -1), (0.5, -0.2, -0.8), (-0.3, 0.4, -0.7)])
    @pytest.mark.parametrize("cameras", [CAMERA, OBLIQUE], ids=["square pixels", "oblong pixels"])
    def test_a_plane_has_its_normal_up_to_the_border(self, normal, cameras):
        normal = F.normalize(torch.tensor([normal], dtype=torch.float32), dim=1)[..., None, None]
        depth = -3 / (rays(cameras) * normal).sum(1, keepdim=True)
        assert (depth > 0).all()
        found = normals_from_depth(depth, cameras)
        torch.testing.assert_close(found, normal.expand_as(found), rtol=0, atol=2e-3)

    def test_a_ball(self):
        intrinsics = torch.tensor([[[90.0, 0, 33], [0, 90, 30], [0, 0, 1]]])
        cameras = Cameras(torch.eye(4)[None], intrinsics, 64, 64)
        slope = torch.tensor([0.25])
        depth = ball_depth(intrinsics, ball_distance(slope), 64)
        across = rays(cameras)[:, :2].norm(dim=1, keepdim=True)
        found = normals_from_depth(torch.where(across < slope, depth, 0.0), cameras)
        true = rays(cameras) * depth - torch.tensor([0, 0, float(ball_distance(slope))])[:, None, None]
        cosine = (found * true).sum(1, keepdim=True)
        assert cosine[across < 0.8 * slope].min() > 0.999
        assert not found[(across > slope).expand_as(found)].any()
        torch.testing.assert_close(found.norm(dim=1)[(across < 0.9 * slope)[:, 0]].min(), torch.tensor(1.0))

    def test_a_jump_in_depth_is_no_slope(self):
        depth = torch.full((1, 1, 24, 36), 2.0)
        depth[..., 18:] = 3.0
        found = normals_from_depth(depth, CAMERA)
        torch.testing.assert_close(found, torch.tensor([0, 0, -1.0])[:, None, None].expand_as(found))

    def test_a_lone_pixel_has_none(self):
        depth = torch.zeros(1, 1, 24, 36)
        depth[..., 5, 6] = 2
        assert not normals_from_depth(depth, CAMERA).any()


class TestEstimate:
    centre, radius = (130.0, 70.0), 48.0

    def scene(self):
        return disk_picture(150, 200, self.centre, self.radius)

    def test_the_camera_of_the_whole_picture(self):
        image, mask = self.scene()
        cameras = estimate_depth_normals(oracle_model(), image, mask).cameras
        side = round(2 * self.radius / OBJECT_SHARE)
        wanted = torch.tensor([[FOCAL * side, 0, self.centre[0]], [0, FOCAL * side, self.centre[1]], [0, 0, 1]])
        torch.testing.assert_close(cameras.intrinsics[0], wanted, rtol=0, atol=0.3)
        torch.testing.assert_close(cameras.rotation[0], FLIP_YZ)
        assert (cameras.height, cameras.width) == (150, 200) and not cameras.position.any()

    @pytest.mark.parametrize("head", [True, False], ids=["the network's normals", "normals from depth"])
    def test_a_ball_with_mean_depth_1(self, head):
        image, mask = self.scene()
        found = estimate_depth_normals(oracle_model(OracleNetwork(normals=head)), image, mask)
        assert found.depth[mask > 0].mean() == pytest.approx(1)
        assert not found.depth[mask == 0].any()
        distance = ball_distance(self.radius / float(found.cameras.intrinsics[0, 0, 0]))
        x, y = rays(found.cameras)[0, :2]
        inner = (torch.hypot(x, y) < 0.85 / distance)[None, None]
        squared = x**2 + y**2 + 1
        z = (distance - (distance**2 - squared * (distance**2 - 1)).clamp_min(0).sqrt()) / squared
        ratio = (found.depth / z)[inner]
        assert ratio.max() / ratio.min() < 1.01
        true = torch.stack([x * z, y * z, z - distance])
        assert (found.normals[0] * true).sum(0)[inner[0, 0]].min() > 0.98
        assert not (found.normals * (mask == 0)).any()

    def test_each_image_by_itself(self):
        first, second = self.scene(), disk_picture(150, 200, (60, 80), 30)
        both = estimate_depth_normals(
            oracle_model(), torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])
        )
        assert len(both.cameras) == 2
        alone = estimate_depth_normals(oracle_model(), *second)
        torch.testing.assert_close(both.depth[1:], alone.depth)
        torch.testing.assert_close(both.cameras.intrinsics[1:], alone.cameras.intrinsics)

    def test_the_network_is_told_the_masks(self):
        network, (image, mask) = OracleNetwork(), self.scene()
        bar = torch.zeros_like(mask)
        bar[..., 150:180] = 1
        estimate_depth_normals(oracle_model(network), image.repeat(2, 1, 1, 1), mask.repeat(2, 1, 1, 1))
        estimate_depth_normals(oracle_model(network), image, mask, occluders=bar)
        first, second, third = network.told
        assert torch.equal(first, second) and not first[:, 1].any()
        red = (network.seen[0][:, 0] > 0.7).float()
        assert overlap(first[:, 0], red) > 0.97 and overlap(third[:, 0], (network.seen[2][:, 0] > 0.7).float()) > 0.97
        assert third[:, 1].any(1).sum() == pytest.approx(30 * SIDE / (96 / OCCLUDED_SHARE), abs=1.5)  # the bar's width

    def test_behind_an_occluder_the_window_is_wider(self):
        """Each image has its own: the first is whole, the second's left half is hidden."""
        image, mask = self.scene()
        hidden = torch.zeros_like(mask)
        hidden[..., : int(self.centre[0])] = 1
        images, masks = image.repeat(2, 1, 1, 1), torch.cat([mask, mask * (1 - hidden)])
        occluders = torch.cat([hidden * 0, hidden])
        found = estimate_depth_normals(oracle_model(), images, masks, occluders=occluders)
        sides = [round(2 * self.radius / share) for share in (OBJECT_SHARE, OCCLUDED_SHARE)]
        wanted = FOCAL * torch.tensor(sides).float()
        torch.testing.assert_close(found.cameras.intrinsics[:, 0, 0], wanted, rtol=0, atol=0.5)
        assert not (found.depth * (masks == 0)).any() and found.depth[1][masks[1] > 0].mean() == pytest.approx(1)
        alone = estimate_depth_normals(oracle_model(), images[1:], masks[1:], occluders=occluders[1:])
        torch.testing.assert_close(found.depth[1:], alone.depth)

    @pytest.mark.parametrize("occluders", [True, False])
    def test_only_zeroshape_sees_objects_on_white(self, occluders):
        network = OracleNetwork(ZeroShapeWConfig(image_size=SIDE, occluders=occluders))
        image, mask = self.scene()
        estimate_depth_normals(oracle_model(network), image, mask)
        (seen,) = network.seen
        corner = 0.5 if occluders else 1.0
        torch.testing.assert_close(seen[0, :, :6, :6], torch.full((3, 6, 6), corner))
        torch.testing.assert_close(seen[0, :, 48, 48], torch.tensor([0.9, 0.1, 0.1]))

    def test_empty_mask(self):
        image, mask = self.scene()
        with pytest.raises(BadInput, match="mask is empty"):
            estimate_depth_normals(oracle_model(), image, mask * 0)
