import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.upright import angles_from_up, up_from_angles
from recon_lib.networks.list_sdf.sampling import project
from recon_lib.networks.list_sdf.spatial_transformer import FreeProjection, SpatialTransformer, ViewEstimate


def view(elevation=25.0, roll=8.0, distance=3.0, scale=0.7, centre=(0.45, 0.52)):
    up = up_from_angles(torch.tensor([elevation]), torch.tensor([roll]))
    one = torch.ones(1)
    return ViewEstimate(up, one / distance, one * scale, torch.tensor([centre]), one * 0)


class TestViewEstimate:
    points = torch.rand(1, 20, 3, generator=torch.Generator().manual_seed(0)) - 0.5

    def test_its_matrix_is_that_of_its_camera(self):
        estimate = view()
        camera = Cameras(estimate.camera_to_upright(), estimate.intrinsics(96), 96, 96)
        pixels, depth = camera.project(self.points[0])
        torch.testing.assert_close(project(self.points, estimate.matrix) * 96, pixels, atol=1e-3, rtol=0)
        focal = estimate.intrinsics(1)[0, 0, 0]
        torch.testing.assert_close(estimate.relief(self.points), focal / 2 * torch.log(depth / 3), atol=1e-4, rtol=0)

    def test_its_camera_stands_where_elevation_and_distance_put_it(self):
        camera = Cameras(view(roll=0.0).camera_to_upright(), view().intrinsics(8), 8, 8)
        torch.testing.assert_close(camera.position, Cameras.orbit(0.0, 25.0, 3.0).position)

    def test_the_origin_shows_at_the_centre_as_large_as_the_scale(self):
        estimate = view()
        torch.testing.assert_close(project(torch.zeros(1, 1, 3), estimate.matrix)[0, 0], torch.tensor([0.45, 0.52]))
        right = estimate.rotation[:, 0] * 0.01  # of the camera, in the upright frame
        moved = project(right[:, None], estimate.matrix)[0, 0] - estimate.centre[0]
        torch.testing.assert_close(moved, torch.tensor([0.007, 0.0]), atol=1e-5, rtol=0)


def test_untrained_it_answers_the_usual_view():
    estimate = SpatialTransformer(16)(torch.randn(3, 16))
    elevation, roll = angles_from_up(estimate.up)
    assert (elevation - 16.3).abs().max() < 1.5 and roll.abs().max() < 1.5
    assert estimate.matrix.shape == (3, 4, 3)


def test_the_papers_answers_a_matrix():
    assert FreeProjection(10, 6).eval()(torch.randn(2, 10)).shape == (2, 4, 3)
