from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.errors import BadInput
from recon_lib.fields.field import Field
from recon_lib.networks.zeroshape_w.model import ZeroShapeWConfig
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view import lens_from_depth
from recon_lib.stages.single_view.lens import default_lens
from recon_lib.stages.single_view.object_crop import OBJECT_SHARE, OCCLUDED_SHARE
from recon_lib.stages.single_view.regress import FEATURE_PIXELS, complete_shape, visible_surface
from tests.helpers.oracle import (
    FOCAL,
    RED,
    SIDE,
    OracleNetwork,
    ball_distance,
    disk_picture,
    fit_ball,
    oracle_model,
    overlap,
    with_bar,
)  # fmt: skip

CENTRE, RADIUS = (150.0, 60.0), 45.0


@pytest.fixture(autouse=True)
def default_focal_length(monkeypatch):
    """The oracle's ball is no real thing. `test_lens_from_depth` has the other cases."""
    monkeypatch.setattr(lens_from_depth, "focal_factor", lambda depth, lens: 1.0)


@pytest.fixture(scope="module")
def scene():
    return disk_picture(140, 220, CENTRE, RADIUS)


@pytest.fixture(scope="module")
def surface(scene):
    return visible_surface(oracle_model(), scene[0])


def of_zeroshape():
    return oracle_model(OracleNetwork(ZeroShapeWConfig(image_size=SIDE, occluders=False, extent=3.5)))


class TestVisibleSurface:
    def test_the_camera_looks_at_the_ball_from_z(self, surface):
        cameras = surface.views.cameras
        torch.testing.assert_close(cameras.rotation[0], FLIP_YZ)
        slope = RADIUS / (FOCAL * round(2 * RADIUS / OBJECT_SHARE))
        wanted = torch.tensor([0, 0, float(ball_distance(slope))])
        torch.testing.assert_close(cameras.position[0], wanted, rtol=0.06, atol=0.05)
        pixel, _ = cameras.project(torch.zeros(1, 3))
        torch.testing.assert_close(pixel[0, 0], torch.tensor(CENTRE), rtol=0, atol=2.0)

    def test_points_lie_on_the_unit_ball_and_face_the_camera(self, surface):
        centre, radius = fit_ball(surface.points)
        assert centre.norm() < 0.06
        assert float(radius) == pytest.approx(1, abs=0.06)
        off = (surface.points - centre).norm(dim=1) / radius - 1
        assert off.abs().mean() < 0.01
        assert surface.points[:, 2].min() > -0.05

    def test_one_point_with_its_colour_for_each_masked_pixel(self, surface, scene):
        on = (surface.views.masks[0, 0] > 0.5) & (surface.views.depth[0, 0] > 0)
        assert len(surface.points) == len(surface.colors) == int(on.sum())
        assert overlap(on[None, None].float(), scene[1]) > 0.95
        torch.testing.assert_close(surface.colors.median(0).values, torch.tensor(RED))
        pixels, depth = surface.views.cameras.project(surface.points)
        torch.testing.assert_close(pixels[0], on.nonzero().flip(1) + 0.5, rtol=0, atol=1e-2)
        torch.testing.assert_close(depth[0], surface.views.depth[0, 0][on], rtol=1e-4, atol=1e-4)

    def test_what_hides_the_object_is_told(self, scene):
        found = visible_surface(oracle_model(), with_bar(scene[0], 140, 156))
        assert found.occluder[0, 0, 60, 148] > 0.5
        assert found.views.masks[0, 0, 60, 148] < 0.5
        assert not (found.occluder * (found.views.masks > 0.5)).any()

    def test_the_photo_is_looked_at_three_times(self, scene):
        """Twice for the masks, in the raw picture; once for the shape, in the object's crop with its masks."""
        network = OracleNetwork()
        model = oracle_model(network)
        found = visible_surface(model, with_bar(scene[0], 140, 156))
        complete_shape(model, found)
        assert [masks is None for masks in network.told] == [True, True, False]
        image, (seen, covered) = network.seen[-1][0], network.told[-1][0]
        assert overlap(seen, image[0] > 0.7) > 0.93 and overlap(covered, image[2] > 0.7) > 0.75
        rows = seen.any(1).nonzero()
        assert float(rows.max() - rows.min() + 1) / SIDE == pytest.approx(OCCLUDED_SHARE, abs=0.03)

    def test_a_users_mask_is_honoured(self, scene):
        image, mask = scene
        half = mask * (torch.arange(220) < CENTRE[0])
        found = visible_surface(oracle_model(), image, half)
        assert torch.equal(found.views.masks, half)
        assert not found.views.depth[half == 0].any()
        assert len(found.points) == int(half.sum())
        again = visible_surface(oracle_model(), image, half[:, 0])  # as a MASK socket gives it
        assert torch.equal(again.points, found.points)

    def test_a_users_mask_helps_where_nothing_is_found(self):
        image, mask = disk_picture(96, 96, (50, 50), 30, color=(0.2, 0.6, 0.3))
        found = visible_surface(oracle_model(), image, mask)
        assert len(found.points) and not found.occluder.any()
        with pytest.raises(BadInput, match="No object"):
            visible_surface(oracle_model(), image)

    def test_a_users_occluder_is_honoured_and_never_lies_on_the_object(self, scene):
        image, mask = scene
        own = torch.zeros_like(mask)
        own[..., :, 150:] = 1
        found = visible_surface(oracle_model(), with_bar(image, 20, 30), mask, occluder=own)
        assert torch.equal(found.occluder, own * (mask <= 0.5))
        none = visible_surface(oracle_model(), with_bar(image, 140, 156), occluder=torch.zeros(1, 70, 110))
        assert not none.occluder.any()

    def test_with_both_masks_given_nothing_is_segmented(self, scene):
        network = OracleNetwork()
        visible_surface(oracle_model(network), *scene, occluder=torch.zeros_like(scene[1]))
        assert not any(masks is None for masks in network.told)

    def test_a_users_depth_is_honoured_up_to_its_scale(self, surface, scene):
        own = surface.views.depth * 7 + 0.0
        own[..., : int(CENTRE[1]) - 20, :] = 0  # unknown there
        found = visible_surface(oracle_model(), *scene, depth=own, cameras=surface.views.cameras)
        known = (own > 0) & (scene[1] > 0)
        assert torch.equal(found.views.depth > 0, known)
        ratio = (found.views.depth / own)[known]
        assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-4)
        _, radius = fit_ball(found.points)
        assert float(radius) == pytest.approx(1, abs=0.1)

    def test_a_found_mask_keeps_to_the_users_depth_and_a_users_mask_does_not(self, surface, scene):
        image, disk = scene
        part = disk * (torch.arange(disk.shape[-1]) < CENTRE[0] + 10)  # beyond it is the wall
        depth = torch.where(part > 0, surface.views.depth, 3 * surface.views.depth.max())
        found = visible_surface(oracle_model(), image, depth=depth)
        wrong = (found.views.masks > 0.5) != (part > 0.5)
        assert float(wrong.sum()) < 0.02 * float(part.sum()), "the network sees the whole disk"
        own = visible_surface(oracle_model(), image, disk, depth=depth)
        assert torch.equal(own.views.masks, disk)

    @pytest.mark.parametrize("kind", ["depth", "inverse"])
    def test_a_depth_picture_is_aligned_to_what_the_network_predicts_with_the_occluder(self, scene, kind):
        network, (image, mask) = OracleNetwork(), scene
        bar = torch.zeros_like(mask)
        bar[..., 140:156] = 1
        plain = visible_surface(oracle_model(), image, mask, occluder=bar)
        picture = plain.views.depth.clamp_min(1) * 0.1 if kind == "depth" else 1 / plain.views.depth.clamp_min(1) - 0.1
        own = visible_surface(
            oracle_model(network),
            image,
            mask,
            occluder=bar,
            depth_picture=picture.expand(1, 3, -1, -1),
            depth_kind=kind,
        )
        assert len(network.told) == 1, "the same prediction aligns the depth and encodes the surface"
        assert network.told[0][0, 1].any(), "and it knows the occluder"
        on = own.views.depth > 0
        assert torch.equal(on, plain.views.depth > 0)
        torch.testing.assert_close(own.views.depth[on], plain.views.depth[on], rtol=2e-3, atol=2e-3)

    def test_a_found_mask_keeps_to_a_depth_picture(self, surface, scene):
        image, disk = scene
        part = disk * (torch.arange(disk.shape[-1]) < CENTRE[0] + 0.7 * RADIUS)  # beyond it is the wall
        picture = torch.where(part > 0, 1 / surface.views.depth.clamp_min(1), 0.05)
        network = OracleNetwork()
        found = visible_surface(oracle_model(network), image, depth_picture=picture, depth_kind="inverse")
        wrong = (found.views.masks > 0.5) != (part > 0.5)
        assert float(wrong.sum()) < 0.02 * float(part.sum())
        assert [masks is None for masks in network.told] == [True, True, False, False], "the crop is looked at again"

    def test_a_depth_picture_of_half_the_size_is_fitted(self, scene):
        picture = torch.linspace(0.2, 0.9, 220).expand(1, 1, 140, 220)
        whole = visible_surface(oracle_model(), *scene, depth_picture=picture)
        half = visible_surface(oracle_model(), *scene, depth_picture=picture[..., ::2, ::2])
        torch.testing.assert_close(half.points.mean(0), whole.points.mean(0), rtol=0.02, atol=0.02)

    def test_the_lens_of_a_depth_is_the_one_that_is_found(self, surface, scene, monkeypatch):
        monkeypatch.setattr(lens_from_depth, "focal_factor", lambda depth, lens: 2.0)
        own = visible_surface(oracle_model(), *scene, depth=surface.views.depth)
        lens = own.views.cameras.intrinsics[0, 0, 0] / default_lens(*scene[0].shape[-2:])[0, 0, 0]
        assert float(lens) == pytest.approx(2)

    @pytest.mark.parametrize("picture", [torch.ones(1, 1, 140, 100), torch.ones(2, 1, 140, 220)])
    def test_the_depth_of_another_picture_is_told(self, scene, picture):
        with pytest.raises(BadInput, match="this very image"):
            visible_surface(oracle_model(), *scene, depth_picture=picture)

    def test_depth_without_a_value_on_the_object(self, scene):
        with pytest.raises(BadInput, match="depth map is empty on the object"):
            visible_surface(oracle_model(), *scene, depth=1 - scene[1])

    def test_an_empty_picture(self):
        with pytest.raises(BadInput, match="No object was found"):
            visible_surface(oracle_model(), torch.full((1, 3, 64, 64), 0.5))

    def test_zeroshape_needs_a_mask(self, scene):
        with pytest.raises(BadInput, match="oracle needs the object's mask"):
            visible_surface(of_zeroshape(), scene[0])
        found = visible_surface(of_zeroshape(), *scene)
        assert not found.occluder.any()
        assert float(fit_ball(found.points)[1]) == pytest.approx(1, abs=0.06)


class TestCompleteShape:
    def test_the_whole_ball(self, surface):
        shape = complete_shape(oracle_model(), surface)
        assert isinstance(shape, Field)
        mesh = extract_mesh(shape, 48).mesh
        centre, radius = fit_ball(mesh.vertices)
        assert ((mesh.vertices - centre).norm(dim=1) / radius - 1).abs().max() < 0.02
        seen, seen_radius = fit_ball(surface.points)
        torch.testing.assert_close(centre, seen, rtol=0, atol=0.02)
        assert float(radius) == pytest.approx(float(seen_radius), abs=0.02)
        assert mesh.vertices.norm(dim=1).max() < 1.06

    def test_detail_is_some_pixels_of_the_network_at_the_ball(self, surface):
        """The ball of diameter 2 spans `OBJECT_SHARE` of the network's picture."""
        shape = complete_shape(oracle_model(), surface).field
        pixel = 2 / (OBJECT_SHARE * oracle_model().module.config.image_size)
        assert shape.min_feature_size == pytest.approx(FEATURE_PIXELS * pixel, rel=0.1)

    def test_its_silhouette_is_the_disk(self, surface):
        """The field, the camera and the mask agree: every third pixel's ray meets the ball or passes it."""
        shape = complete_shape(oracle_model(), surface)
        origin, direction = (x[0, ::3, ::3].reshape(-1, 3) for x in surface.views.cameras.rays())
        nearest = origin - (origin * direction).sum(1, keepdim=True) * direction
        inside = (shape.inside(nearest) > 0).reshape(surface.views.masks[0, 0, ::3, ::3].shape)
        assert overlap(inside.float(), surface.views.masks[0, 0, ::3, ::3]) > 0.95

    def test_half_a_disk_still_knows_its_ball(self, scene):
        """The world's unit is the completed shape's, not the visible part's."""
        image, mask = scene
        half = mask * (torch.arange(220) < CENTRE[0])
        shape = complete_shape(oracle_model(), visible_surface(oracle_model(), image, half))
        vertices = extract_mesh(shape, 32).mesh.vertices
        assert vertices.norm(dim=1).max() == pytest.approx(1, abs=0.08)

    def test_a_calibrated_surface_fits_the_world_too(self, scene):
        """Below a threshold of -2 the oracle's ball is 0.2 normalised units larger; it still fills the unit sphere."""
        model = oracle_model(OracleNetwork(ZeroShapeWConfig(image_size=SIDE, extent=3.5, threshold=-2.0)))
        surface = visible_surface(model, scene[0])
        vertices = extract_mesh(complete_shape(model, surface).field, 32).mesh.vertices
        centre, radius = fit_ball(vertices)
        assert float(fit_ball(surface.points)[1]) < 0.93
        assert ((vertices - centre).norm(dim=1) / radius - 1).abs().max() < 0.02
        assert vertices.norm(dim=1).max() == pytest.approx(1, abs=0.06)

    def test_what_was_encoded_is_used_for_that_surface_and_model_alone(self, scene):
        first, second = OracleNetwork(), OracleNetwork()
        surface = visible_surface(oracle_model(first), scene[0])
        seen = len(first.seen)
        handed_on = complete_shape(oracle_model(first), surface)
        assert len(first.seen) == seen
        anew = complete_shape(oracle_model(second), surface)
        assert len(second.seen) == 1, "another model looks for itself"
        points = torch.rand(200, 3) * 2 - 1
        torch.testing.assert_close(handed_on.inside(points), anew.inside(points), rtol=1e-3, atol=1e-3)
        assert handed_on.min_feature_size == pytest.approx(anew.min_feature_size)

    def test_nothing_of_the_object_is_left(self, surface):
        views = replace(surface.views, depth=surface.views.depth * 0)
        with pytest.raises(BadInput, match="Too little of the object is visible"):
            complete_shape(oracle_model(), replace(surface, views=views))


class TestLens:
    def test_a_given_camera_says_the_lens_whatever_its_pose(self, scene):
        camera = Cameras.orbit(70.0, 20.0, 9.0, 25.0, 140, 220)
        network = oracle_model()
        found = visible_surface(network, *scene, cameras=camera)
        torch.testing.assert_close(found.views.cameras.intrinsics, camera.intrinsics, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(found.views.cameras.rotation[0], FLIP_YZ)
        again = complete_shape(network, replace(found, encoded=None))
        torch.testing.assert_close(again.cameras.intrinsics, camera.intrinsics, rtol=1e-4, atol=1e-3)
        with pytest.raises(BadInput, match="very photo"):
            visible_surface(network, *scene, cameras=Cameras.orbit(0.0, 0.0, 3.0, 40.0, 64, 64))

    def test_a_network_that_finds_no_lens_gets_the_default_one(self, scene, monkeypatch):
        spec = replace(OracleNetwork().input_spec, finds_lens=False)
        monkeypatch.setattr(OracleNetwork, "input_spec", property(lambda self: spec))
        found = visible_surface(oracle_model(), *scene)
        torch.testing.assert_close(found.views.cameras.intrinsics, default_lens(140, 220), rtol=1e-4, atol=1e-2)


class TestTrustedDepth:
    def test_the_completed_shape_begins_where_the_users_depth_says(self, scene):
        image, mask = scene
        wall = mask * 3.0
        camera = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 140, 220)
        surface = visible_surface(oracle_model(), image, mask, wall, cameras=camera)
        assert surface.trusted and not visible_surface(oracle_model(), image, mask).trusted
        shape = complete_shape(oracle_model(), surface)
        front = surface.points[::97]
        toward_viewer = torch.tensor([0.0, 0.0, 0.02])
        assert (shape.inside(front + toward_viewer) < 0).all()
        inner = front[(front[:, :2].norm(dim=1) < 0.8)]
        assert len(inner) > 20 and (shape.inside(inner - toward_viewer) > 0).all()

    def test_nothing_is_completed_beyond_the_silhouette(self, scene):
        surface = visible_surface(oracle_model(), *scene)
        vertices = extract_mesh(complete_shape(oracle_model(), surface), 32, largest=True).mesh.vertices
        pixels, _ = surface.views.cameras.project(vertices)
        beyond = (pixels[0] - torch.tensor(CENTRE)).norm(dim=1) - RADIUS
        assert float(beyond.max()) < 3
