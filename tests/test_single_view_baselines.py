import pytest
import torch

from benchmarks.single_view_baselines import MAX_DEPTH_STEP, InflatedSilhouette, depth_mesh, inflated, mirrored, sphere
from recon_lib.meshes.solid import is_closed, signed_volume
from recon_lib.stages.single_view.regress import visible_surface
from tests.helpers.oracle import disk_picture, fit_ball, oracle_model


def test_the_sphere_is_the_unit_sphere():
    mesh = sphere()
    torch.testing.assert_close(mesh.vertices.norm(dim=1), torch.ones(len(mesh.vertices)))
    assert signed_volume(mesh) == pytest.approx(4.19, rel=0.02)


class TestInflated:
    def silhouette(self, size=96, radius=0.6):
        at = (torch.arange(size) + 0.5) / size * 2 - 1
        return torch.hypot(at, at[:, None]) < radius

    def test_a_disk_becomes_a_ball(self):
        mesh = inflated(self.silhouette())
        centre, radius = fit_ball(mesh.vertices)
        assert is_closed(mesh) and centre.norm() < 0.02
        assert float(radius) == pytest.approx(0.6, abs=0.03)
        assert ((mesh.vertices - centre).norm(dim=1) / radius - 1).abs().max() < 0.06

    def test_a_band_becomes_a_cylinder(self):
        band = torch.zeros(96, 96, dtype=torch.bool)
        band[36:60] = True  # half a picture half-width wide
        mesh = inflated(band)
        middle = mesh.vertices[mesh.vertices[:, 0].abs() < 0.5]
        assert float(middle[:, 1].max()) == pytest.approx(0.25, abs=0.03)
        assert float(middle[:, 2].max()) == pytest.approx(0.25, abs=0.03)

    def test_up_is_up(self):
        upper = torch.zeros(64, 64, dtype=torch.bool)
        upper[8:24, 20:44] = True
        vertices = inflated(upper).vertices
        assert float(vertices[:, 1].min()) == pytest.approx(1 - 24 / 32, abs=0.05)
        assert float(vertices[:, 1].max()) == pytest.approx(1 - 8 / 32, abs=0.05)

    def test_a_hole_goes_through(self):
        ring = self.silhouette() & ~self.silhouette(radius=0.2)
        field = InflatedSilhouette.of(ring)
        values = field.inside(torch.tensor([[0.0, 0, 0], [0.4, 0, 0], [0.4, 0, 0.3], [0.95, 0, 0]]))
        assert (values > 0).tolist() == [False, True, False, False]


class TestDepthMesh:
    def test_two_triangles_a_square_facing_the_viewer(self):
        y, x = torch.meshgrid(torch.arange(3.0), torch.arange(4.0), indexing="ij")
        mesh = depth_mesh(torch.stack([x, -y, x * 0], -1), torch.ones(3, 4, dtype=torch.bool))
        assert len(mesh.vertices) == 12 and len(mesh.faces) == 2 * 2 * 3
        assert (mesh.face_normals == torch.tensor([0.0, 0, 1])).all()
        assert float(mesh.face_areas.sum()) == 6

    def test_pixels_off_the_mask_have_no_triangles(self):
        y, x = torch.meshgrid(torch.arange(3.0), torch.arange(3.0), indexing="ij")
        mask = torch.ones(3, 3, dtype=torch.bool)
        mask[1, 1] = False
        mesh = depth_mesh(torch.stack([x, -y, x * 0], -1), mask)
        assert len(mesh.vertices) == 8 and len(mesh.faces) == 2
        mask[0, 0] = False
        assert len(depth_mesh(torch.stack([x, -y, x * 0], -1), mask).faces) == 1

    def test_jumps_are_not_bridged(self):
        y, x = torch.meshgrid(torch.arange(2.0), torch.arange(4.0), indexing="ij")
        step = torch.stack([x, -y, (x > 1.5) * MAX_DEPTH_STEP * 1.5], -1)
        assert len(depth_mesh(step, torch.ones(2, 4, dtype=torch.bool)).faces) == 4
        slope = torch.stack([x, -y, x * MAX_DEPTH_STEP * 0.9], -1)
        assert len(depth_mesh(slope, torch.ones(2, 4, dtype=torch.bool)).faces) == 6


def test_mirrored_front_of_a_ball_is_about_the_ball():
    surface = visible_surface(oracle_model(), disk_picture(64, 64, (32, 32), 22)[0])
    mesh = mirrored(surface)
    half = len(mesh.vertices) // 2
    front, back = mesh.vertices[:half], mesh.vertices[half:]
    assert torch.equal(front[:, :2], back[:, :2])
    plane = (front[:, 2] + back[:, 2]) / 2
    torch.testing.assert_close(plane, plane[:1].expand_as(plane))
    assert 0 < float(plane[0]) < 0.45  # the rim that a camera sees lies before the ball's middle
    facing = mesh.face_normals[:, 2].reshape(2, -1)
    assert facing[0].median() > 0.5 and facing[1].median() < -0.5


class TestFigures:
    def test_a_ball_twice_as_deep(self):
        from benchmarks.quality_single_view import depth_to_width, f_score

        truth = sphere()
        deep = truth.mapped(lambda v: v * torch.tensor([1.0, 1.0, 2.0]))
        assert depth_to_width(truth) == pytest.approx(1, abs=0.02)
        assert depth_to_width(deep) == pytest.approx(2, abs=0.04)
        assert f_score(truth, truth)["depth_ratio"] == pytest.approx(1)
        assert f_score(deep, truth)["depth_ratio"] == pytest.approx(2, rel=1e-3)
        assert f_score(None, truth)["f_0.05"] == 0

    def test_ratios_have_medians_and_what_is_undefined_is_left_out(self):
        from benchmarks.quality_single_view import _means

        rows = [{"a": a, "b_ratio": b} for a, b in ((1.0, 1.0), (2.0, 1.2), (float("nan"), 9.0))]
        assert _means(rows) == {"a": 1.5, "b_ratio": 1.2, "count": 3}

    def test_what_a_depth_node_shows(self):
        from benchmarks.quality_single_view import depth_picture

        depth = torch.full((1, 1, 20, 20), 8.0)
        depth[..., 5:15, 5:15] = torch.linspace(2, 4, 10)
        picture = depth_picture(depth)
        assert float(picture.min()) == 0 and 0.7 < float(picture.max()) <= 1
        assert (picture[..., 10, 6:14].diff() < 0).all(), "near is bright"
        assert 0 < float(picture[..., 4, 10]) < float(picture[..., 6, 10]), "edges are soft"
        torch.testing.assert_close(picture, (picture * 255).round() / 255)
        torch.testing.assert_close(depth_picture(3 * depth), picture)
