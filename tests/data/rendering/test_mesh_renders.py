import numpy as np
import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.data.appearance.materials import Material
from recon_lib.data.appearance.shading import Lighting
from recon_lib.data.rendering import mesh_renders
from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import ball, box, quad
from tests.helpers.tiny_shards import ellipsoid_render

pytest.importorskip("embreex")
from recon_lib.data.rendering.mesh_renders import MeshRenderer, framed, portrait_camera, random_camera, rolled

NO_LAMP, NOTHING = np.float32([[0, 0, 1]]), np.zeros((1, 3), np.float32)
EVEN = np.full(3, 1 / 1.35, np.float32)  # ambient light under which colours come out as they are
PLAIN = Lighting(NO_LAMP, NOTHING, EVEN, EVEN, 0.0, 4.0, 0.0, 1.0)
FRONT = Cameras.orbit(0, 0, 3, 50, 40, 48)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def plain(monkeypatch):
    light_up(monkeypatch, PLAIN)


def light_up(monkeypatch, light):
    monkeypatch.setattr(mesh_renders, "random_lighting", lambda rng, toward: light)


def world(render):
    """World points of every pixel [H,W,3]."""
    depth = torch.from_numpy(render.depth)[None, None]
    return render.camera.unproject(depth)[0].numpy()


class TestGeometry:
    camera = Cameras.orbit(35, 25, 3, 42, 60, 64)

    def test_a_ball_in_closed_form(self):
        render = MeshRenderer(ball()).render(self.camera, rng())
        origin, direction = (x[0].numpy() for x in self.camera.rays())
        along = -(origin * direction).sum(-1)
        square = along**2 - 9 + 1
        hit = render.depth > 0
        assert (hit == (square > 0)).mean() > 0.99
        inner = square > 0.15
        distance = along - np.sqrt(np.where(inner, square, 0))
        forward = direction @ self.camera.rotation[0, :, 2].numpy()
        np.testing.assert_allclose(render.depth[inner], (distance * forward)[inner], atol=4e-3)
        normals = (origin + distance[..., None] * direction) @ self.camera.rotation[0].numpy()
        assert (render.normals * normals).sum(-1)[inner].min() > 0.999
        np.testing.assert_allclose(np.linalg.norm(render.normals[hit], axis=-1), 1, atol=1e-3)

    def test_nothing_is_nothing(self):
        render = MeshRenderer(ball(2)).render(self.camera, rng())
        off = render.depth == 0
        assert off.any() and not render.rgb[off].any() and not render.normals[off].any() and not render.back[off].any()
        assert (render.rgb.dtype, render.depth.dtype, render.rgb.shape) == (np.uint8, np.float32, (60, 64, 3))

    @pytest.mark.parametrize("axes", [(0.9, 0.9, 0.9), (0.95, 0.5, 0.6), (0.4, 0.9, 0.2)])
    def test_the_back_of_an_ellipsoid_in_closed_form(self, axes):
        round_mesh = ball()
        mesh = Mesh(round_mesh.vertices * torch.tensor(axes), round_mesh.faces)
        render, true = MeshRenderer(mesh).render(self.camera, rng()), ellipsoid_render(axes, self.camera)
        inner = (render.depth > 0) & (true.normals[..., 2] < -0.5) & (true.back - true.depth > 0.05)
        assert inner.sum() > 200
        np.testing.assert_allclose(render.depth[inner], true.depth[inner], atol=6e-3)
        np.testing.assert_allclose(render.back[inner], true.back[inner], atol=1.2e-2)
        assert np.abs(render.back - true.back)[inner].mean() < 3e-3
        assert (render.back >= render.depth).all() and render.back.dtype == np.float32

    @pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.6, -0.3, -1.1)])
    def test_the_back_is_the_last_surface_of_all(self, shift):
        """Two boards one behind the other, wherever they stand: the back of the first is the second's, not its own."""
        front, behind = quad(), quad()
        corners = torch.cat([front.vertices * torch.tensor([1, 0.5, 1]), behind.vertices - torch.tensor([0, 0, 0.8])])
        mesh = Mesh(corners + torch.tensor(shift), torch.cat([front.faces, behind.faces + 4]))
        camera = Cameras.orbit(0, 0, 4, 60, 60, 64)
        render = MeshRenderer(mesh).render(camera, rng())
        gaps = np.round((render.back - render.depth)[render.depth > 0], 4)
        assert set(gaps.tolist()) == {0.0, np.float32(0.8).round(4)}  # a single board has no thickness
        assert (gaps > 0).sum() > 100 and (gaps == 0).sum() > 100

    def test_edges_of_a_box_stay_sharp(self):
        render = MeshRenderer(box()).render(self.camera, rng())
        normals = render.normals[render.depth > 0] @ self.camera.rotation[0].numpy().T
        np.testing.assert_allclose(np.abs(normals).max(1), 1, atol=1e-5)
        assert {tuple(n) for n in np.round(normals).astype(int)} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
        points = np.abs(world(render)[render.depth > 0])
        np.testing.assert_allclose(points.max(1), 0.5, atol=1e-5)

    def test_backs_are_turned_to_the_eye(self):
        render = MeshRenderer(quad()).render(Cameras.orbit(180, 0, 3, 50, 20, 20), rng())
        seen = render.normals[render.depth > 0]
        np.testing.assert_allclose(seen, np.broadcast_to([0, 0, -1.0], seen.shape), atol=1e-6)

    def test_the_dice_decide_the_light_and_nothing_else_does(self):
        renderer = MeshRenderer(ball(2))
        first, again, other = (renderer.render(self.camera, rng(seed)).rgb for seed in (3, 3, 4))
        assert np.array_equal(first, again) and not np.array_equal(first, other)


class TestColors:
    def test_texture_has_its_corner_at_the_top_left(self, plain):
        colors = torch.tensor([[[0.9, 0.1, 0.1], [0.1, 0.9, 0.1]], [[0.1, 0.1, 0.9], [0.9, 0.9, 0.1]]])
        uvs = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]])
        mesh = quad(uvs=uvs, texture=colors.permute(2, 0, 1))
        render = MeshRenderer(mesh).render(FRONT, rng())
        x, y, _ = np.moveaxis(world(render), -1, 0)
        hit = (render.depth > 0) & (np.abs(x) < 0.99) & (np.abs(y) < 0.99)
        wanted = np.round(colors.numpy()[(y < 0).astype(int), (x > 0).astype(int)] * 255)
        assert hit.sum() > 300
        np.testing.assert_allclose(render.rgb[hit], wanted[hit], atol=1)

    def test_texture_repeats(self, plain):
        texture = torch.tensor([[[0.2, 0.8]]]).expand(3, 1, 2)
        uvs = torch.tensor([[-1.0, 0], [1, 0], [-1, 1], [1, 1]])
        render = MeshRenderer(quad(uvs=uvs, texture=texture)).render(FRONT, rng())
        x = world(render)[..., 0]
        hit = (render.depth > 0) & (np.abs(x * 2 % 1 - 0.5) < 0.45)
        wanted = np.where((x % 1) < 0.5, 51, 204)
        np.testing.assert_allclose(render.rgb[hit][:, 0], wanted[hit], atol=1)

    def test_vertex_colours_are_interpolated(self, plain):
        mesh = quad()
        mesh = quad(vertex_colors=(mesh.vertices + 1) / 2)
        render = MeshRenderer(mesh).render(FRONT, rng())
        hit = render.depth > 0
        np.testing.assert_allclose(render.rgb[hit], (world(render)[hit] + 1) / 2 * 255, atol=1.01)

    def test_without_colours_it_is_light_grey(self, plain):
        render = MeshRenderer(quad()).render(FRONT, rng())
        np.testing.assert_allclose(render.rgb[render.depth > 0], 0.7 * 255, atol=1)

    def test_material_by_parts_in_the_place_of_own_colours(self, plain):
        material = Material(np.float32([[1, 0, 0], [0, 0, 1]]))
        mesh = quad(vertex_colors=torch.ones(4, 3))
        render = MeshRenderer(mesh).render(FRONT, rng(), material, np.array([0, 1]))
        x, y, _ = np.moveaxis(world(render), -1, 0)
        first, second = (render.depth > 0) & (y > x + 0.1), (render.depth > 0) & (y < x - 0.1)
        upper = render.rgb[(render.depth > 0) & (y > -x + 0.1)]
        assert {tuple(c) for c in upper} <= {(255, 0, 0), (0, 0, 255)}
        assert len(np.unique(render.rgb[render.depth > 0], axis=0)) == 2
        assert first.any() and second.any()
        whole = MeshRenderer(mesh).render(FRONT, rng(), material)
        assert (whole.rgb[whole.depth > 0] == [255, 0, 0]).all()


class TestShadow:
    lamp = Lighting(
        np.float32([[0, 1, 0]]), np.full((1, 3), 0.5, np.float32), np.full(3, 0.2, np.float32),
        np.full(3, 0.2, np.float32), 0.0, 4.0, 1.0, 1.0,
    )  # fmt: skip

    def floor_and_plate(self):
        def sheet(half, y):
            return [[-half, y, -half], [half, y, -half], [-half, y, half], [half, y, half]]

        faces = [[0, 2, 1], [1, 2, 3]]
        corners = torch.tensor(sheet(0.9, -0.4) + sheet(0.3, 0.0)).float()
        return Mesh(corners, torch.tensor(faces + [[i + 4 for i in face] for face in faces]))

    @pytest.mark.parametrize("shadow", [1.0, 0.0])
    def test_a_plate_shades_the_floor_below_it(self, monkeypatch, shadow):
        from dataclasses import replace

        light_up(monkeypatch, replace(self.lamp, shadow=shadow))
        camera = Cameras.orbit(20, 40, 3, 40, 64, 64)
        render = MeshRenderer(self.floor_and_plate()).render(camera, rng())
        points = world(render)
        floor = (render.depth > 0) & (np.abs(points[..., 1] + 0.4) < 1e-3)
        out = np.abs(points[..., [0, 2]]).max(-1)
        below, beside = floor & (out < 0.28), floor & (out > 0.32)
        assert below.sum() > 20 and beside.sum() > 200

        def seen(radiance):
            return 255 * (0.7**2.2 * radiance * 1.35) ** (1 / 2.2)

        np.testing.assert_allclose(render.rgb[beside], seen(0.7), atol=1.01)
        np.testing.assert_allclose(render.rgb[below], seen(0.2 if shadow else 0.7), atol=1.01)


class TestCameras:
    @pytest.mark.parametrize("fill", [0.5, 0.9])
    def test_framed_fills_the_stated_share_in_the_middle(self, fill):
        camera, points = Cameras.orbit(50, 30, 4, 35, 96, 96), torch.rand(50, 3) - 0.3
        found = framed(camera, points, fill)
        pixels = found.project(points)[0][0]
        low, high = pixels.amin(0), pixels.amax(0)
        assert float((high - low).max()) == pytest.approx(fill * 96, rel=1e-3)
        torch.testing.assert_close((low + high) / 2, torch.tensor([48.0, 48.0]), rtol=0, atol=0.02)
        assert torch.equal(found.camera_to_world, camera.camera_to_world)

    def test_rolled_turns_the_picture_the_other_way(self):
        camera, points = Cameras.orbit(50, 30, 4, 35, 96, 96), torch.rand(9, 3) - 0.5
        before, after = (c.project(points)[0][0] - 48 for c in (camera, rolled(camera, 30.0)))
        c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
        torch.testing.assert_close(after, before @ torch.tensor([[c, -s], [s, c]]).float(), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(rolled(camera, 30.0).position, camera.position)

    def test_portraits_are_level_upright_and_mostly_square_to_the_object(self):
        mesh, elevations, sideways = box((0.7, 0.3, 0.2)), [], 0
        for seed in range(60):
            camera = portrait_camera(rng(seed), mesh, 80)
            pixels, _ = camera.project(mesh.vertices)
            assert float((pixels[0].amax(0) - pixels[0].amin(0)).max()) == pytest.approx(72, rel=1e-3)
            right, back = camera.rotation[0, :, 0], -camera.rotation[0, :, 2]
            assert abs(float(right[1])) < np.sin(np.radians(10))  # no roll
            elevations.append(np.degrees(np.arcsin(float(back[1]))))
            azimuth = np.degrees(np.arctan2(float(back[0]), float(back[2])))
            sideways += abs((azimuth + 45) % 90 - 45) < 16
        assert min(elevations) > -20 and max(elevations) < 36 and 4 < np.mean(elevations) < 12
        assert 30 < sideways < 56

    def test_random_cameras_see_the_whole_object(self):
        mesh, positions = box((0.7, 0.3, 0.2)), []
        for seed in range(40):
            camera = random_camera(rng(seed), mesh, 80)
            pixels, depth = camera.project(mesh.vertices)
            assert (depth > 0).all()
            span = pixels[0].amax(0) - pixels[0].amin(0)
            assert float(span.max()) == pytest.approx(72, rel=1e-3)
            positions.append(camera.position[0])
        positions = torch.stack(positions)
        assert (positions.norm(dim=1) > 1).all()
        above = positions[:, 1] / positions.norm(dim=1)
        assert (above > -0.27).float().mean() > 0.75 and (above < 0.89).all()
        assert torch.equal(random_camera(rng(5), mesh, 80).intrinsics, random_camera(rng(5), mesh, 80).intrinsics)
