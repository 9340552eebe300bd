"""Truth, rival masks and view consistency of the benchmark of outpaint masks."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from benchmarks.outpaint_masks import MASKS, Scene, Sum, Tally, cell, means, outpaint_masks, scene_rows
from benchmarks.outpaint_truth import (
    MeanPainter,
    Truth,
    counts,
    depth_masks,
    incoherence,
    point_colors,
    sheets,
    squared_error,
)
from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.outpainting.mask import find_outpaint_mask
from recon_lib.stages.outpainting.outpaint import painter_input
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.views.square_crop import SquareCrop
from recon_lib.views.views import Views
from tests.helpers.shapes import ball, box

SIZE = 48


def orbit(*azimuths: float) -> Cameras:
    return Cameras.orbit(list(azimuths), 0.0, 3.5, 40.0, SIZE, SIZE)


def colored(mesh: Mesh) -> Mesh:
    """Colours that say where a point is."""
    return replace(mesh, vertex_colors=(mesh.vertices * 0.4 + 0.5).clamp(0, 1))


def pictured(mesh: Mesh, cameras: Cameras) -> Views:
    return render_mesh(mesh, cameras, shading="albedo", supersample=2).as_views(cameras)


def two_boxes() -> Mesh:
    """A long one, from z = 0.6 to -0.2, in front of a wide one, whose front is at z = -0.3."""
    near, far = box((0.2, 0.2, 0.4)), box((0.62, 0.5, 0.1))
    vertices = torch.cat([near.vertices + torch.tensor([0, 0, 0.2]), far.vertices - torch.tensor([0, 0, 0.4])])
    return colored(Mesh(vertices, torch.cat([near.faces, far.faces + 8])))


@pytest.fixture(scope="module")
def globe() -> Mesh:
    return colored(ball(4).mapped(lambda v: v * 0.8))


class TestTruth:
    @pytest.mark.parametrize("max_view_angle", [75.0, 50.0])
    def test_a_ball_is_seen_up_to_the_grazing_angle(self, globe, max_view_angle):
        truth = Truth.of(globe, orbit(90.0), orbit(0.0), max_view_angle)
        shape = render_mesh(globe, orbit(90.0), supersample=1)
        points = orbit(90.0).unproject(shape.depth)
        toward = F.normalize(orbit(0.0).position - points, dim=-1)
        angle = torch.rad2deg(torch.acos((toward * F.normalize(points, dim=-1)).sum(-1).clamp(-1, 1)))[:, None]
        assert torch.equal(truth.hit, shape.masks > 0.5)
        assert truth.seen[truth.hit & (angle < max_view_angle - 3)].all()
        assert not truth.seen[truth.hit & (angle > max_view_angle + 3)].any()
        assert torch.equal(truth.unseen | truth.seen, truth.hit)

    def test_the_first_view_again_lacks_only_its_rim(self, globe):
        truth = Truth.of(globe, orbit(0.0), orbit(0.0))
        assert truth.unseen.sum() < 0.1 * truth.hit.sum()
        assert not truth.unseen[..., SIZE // 2 - 10 : SIZE // 2 + 10, SIZE // 2 - 10 : SIZE // 2 + 10].any()

    def test_every_camera_is_told_apart(self, globe):
        truth = Truth.of(globe, orbit(90.0), orbit(90.0, -90.0))
        middle = (..., SIZE // 2, SIZE // 2)
        assert truth.seen_by[middle].flatten().tolist() == [True, False]
        assert truth.seen[middle].all()

    def test_what_stands_behind_something_is_unseen(self):
        mesh = two_boxes()
        truth = Truth.of(mesh, orbit(35.0), orbit(0.0))
        points = orbit(35.0).unproject(rasterized_depth(mesh, orbit(35.0)))
        front = truth.hit[:, 0] & ((points[..., 2] + 0.3).abs() < 1e-3)  # of the rear box
        scale = (3.5 - 0.6) / (3.5 + 0.3)  # its points appear on the near box's front face at this size
        shadow = front & (points[..., :2].abs().amax(-1) < 0.19 / scale)
        lit = front & (points[..., :2].abs().amax(-1) > 0.21 / scale)
        assert shadow.sum() > 5 and not truth.seen[:, 0][shadow].any()
        assert lit.sum() > 10 and truth.seen[:, 0][lit].all()

    def test_corners_the_other_way_round_change_nothing(self, globe):
        turned = replace(globe, faces=globe.faces.flip(-1))
        one, other = (Truth.of(mesh, orbit(60.0), orbit(0.0)) for mesh in (globe, turned))
        assert torch.equal(one.seen, other.seen)


def rasterized_depth(mesh: Mesh, cameras: Cameras) -> torch.Tensor:
    return render_mesh(mesh, cameras, supersample=1).depth


def test_pixels_are_counted():
    hit = torch.tensor([1, 1, 1, 1, 0, 0], dtype=torch.bool).view(1, 1, 1, 6)
    seen = torch.tensor([1, 1, 0, 0, 0, 0], dtype=torch.bool).view(1, 1, 1, 6)
    painted = torch.tensor([0.0, 1, 1, 0, 1, 0]).view(1, 1, 1, 6)
    counted = counts(painted, Truth(hit, seen))
    assert counted == {"right": 1, "wasted": 1, "beside": 1, "missed": 1}
    row = Tally({"right": 6, "wasted": 2, "beside": 4, "missed": 3}).row()
    assert row["recall"] == pytest.approx(6 / 9)
    assert (row["precision"], row["strict"]) == (0.75, 0.5)


def test_psnr_goes_by_the_pixels_that_are_asked_for():
    image, truth = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.1)
    truth[..., 2:, :] = 0.9
    upper = torch.arange(4).view(1, 1, 4, 1).expand(1, 1, 4, 4) < 2
    assert squared_error(image, truth, upper) == (pytest.approx(0.24), 24)
    total = Sum()
    assert math.isnan(total.psnr)
    total.add(image, truth, upper)
    assert total.psnr == pytest.approx(20.0, abs=1e-4)
    equal = Sum()
    equal.add(truth, truth, upper)
    assert equal.psnr == math.inf


class TestRivals:
    def full(self, mesh: Mesh, *earlier: float, at: float):
        views = pictured(mesh, orbit(*earlier))
        hull = mesh.mapped(lambda v: v * 1.1)
        return views, hull, find_outpaint_mask(views, orbit(at), hull, mesh)

    def test_sheets_lie_on_the_surface_and_turn_to_their_own_cameras(self, globe):
        surface = sheets(pictured(globe, orbit(0.0, 90.0)))
        assert (surface.vertices.norm(dim=1) - 0.8).abs().max() < 0.01
        centres = surface.triangles.mean(1)
        assert ((surface.face_normals * centres).sum(-1) > 0).all()
        near = centres[:, [2, 0]] > 0.8**2 / 3.5 - 0.05  # what the one and the other camera can see of a ball
        assert near.any(1).all() and not near.all(0).any()

    def test_sheets_do_not_span_jumps(self):
        surface = sheets(pictured(two_boxes(), orbit(0.0)))
        z = surface.triangles[..., 2]
        assert (z.amax(-1) - z.amin(-1)).max() < 0.2

    def test_depth_alone_ends_where_its_sheets_end(self, globe):
        views, hull, full = self.full(globe, 0.0, at=90.0)
        own, outline = depth_masks(views, orbit(90.0), hull, full)
        right = slice(SIZE // 2 + 4, None)  # of the picture from the right: the object's rear half, which nobody saw
        assert not own.masks[..., right].any() and not own.seen[..., right].any()
        assert outline.masks[..., right].sum() == (full.depth[..., right] > 0).sum()
        assert own.seen[..., : SIZE // 2 - 4].sum() > 50

    def test_depth_alone_paints_the_back_of_its_sheets(self, globe):
        views, hull, full = self.full(globe, 0.0, at=180.0)
        own, _ = depth_masks(views, orbit(180.0), hull, full)
        assert not own.seen.any() and own.masks.sum() > 300

    def test_depth_alone_looks_through_what_nobody_saw(self):
        mesh = two_boxes()
        views, hull, full = self.full(mesh, 0.0, at=50.0)
        _, outline = depth_masks(views, orbit(50.0), hull, full)
        side = Truth.of(mesh, orbit(50.0), views.cameras).unseen  # of the long box, before the wide one's seen front
        assert outline.seen[side].sum() > 5 and not full.seen[side].any()

    def test_each_mask_divides_its_region(self, globe):
        views, hull, full = self.full(globe, 0.0, at=60.0)
        for outpaint_mask in depth_masks(views, orbit(60.0), hull, full):
            assert torch.equal(outpaint_mask.masks + outpaint_mask.seen, outpaint_mask.silhouettes)
            assert (outpaint_mask.images.movedim(1, -1)[outpaint_mask.masks[:, 0] > 0.5] == 0.5).all()

    def test_the_mean_colour_is_that_of_the_object(self, globe):
        one = replace(globe, vertex_colors=torch.tensor([[0.2, 0.4, 0.6]]).expand(len(globe.vertices), 3))
        painter = MeanPainter(pictured(one, orbit(0.0, 40.0)), side=32)
        torch.testing.assert_close(painter.color.flatten(), torch.tensor([0.2, 0.4, 0.6]), atol=1e-3, rtol=0)
        _, _, full = self.full(globe, 0.0, at=180.0)
        image, alpha = painter.paint(painter_input(full, SquareCrop.around(full.silhouettes[0, 0]), 32))
        on = alpha[:, 0] > 0.5
        assert on.any() and (image.movedim(1, -1)[on] - painter.color.flatten()).abs().max() < 1e-6
        assert (image.movedim(1, -1)[~on] == 1).all()

    def test_only_the_named_masks_are_computed(self, globe):
        views, hull, _ = self.full(globe, 0.0, at=60.0)
        masks = outpaint_masks(views, orbit(60.0), hull, globe, ("whole", "wide seam"))
        assert list(masks) == ["whole", "wide seam"]
        assert torch.equal(masks["whole"].masks, masks["whole"].silhouettes) and not masks["whole"].seen.any()
        assert 0 < masks["wide seam"].masks.sum() < masks["whole"].masks.sum()


class TestIncoherence:
    def test_views_that_agree_do_not_contradict(self):
        colors = torch.rand(1, 50, 3).expand(4, 50, 3)
        assert incoherence(colors, torch.ones(4, 50, dtype=torch.bool)) == (0, 0)

    def test_shuffled_points_are_alike_by_chance(self):
        colors = torch.rand(2, 20_000, 3)
        relative, difference = incoherence(colors, torch.ones(2, 20_000, dtype=torch.bool))
        assert relative == pytest.approx(1, abs=0.02)
        assert difference == pytest.approx(1 / 3, abs=0.01)  # of two numbers drawn evenly from 0 to 1

    def test_flat_paint_gains_nothing(self):
        """Flat views agree among themselves, but not with the photo: a share of exactly chance."""
        colors = torch.full((4, 1000, 3), 0.5)
        colors[0] = torch.rand(1000, 3)
        relative, difference = incoherence(colors, torch.ones(4, 1000, dtype=torch.bool))
        assert relative == pytest.approx(1, abs=1e-6)
        assert difference == pytest.approx(0.25 / 2, abs=0.01)  # half of the pairs have the photo in them

    def test_only_points_that_both_see_count(self):
        colors = torch.rand(2, 10, 3)
        colors[1, :5] = colors[0, :5]
        seen = torch.ones(2, 10, dtype=torch.bool)
        seen[1, 5:] = False
        assert incoherence(colors, seen) == (0, 0)
        seen[1] = False
        assert all(math.isnan(value) for value in incoherence(colors, seen))

    def test_points_have_their_own_colours_in_pictures(self, globe):
        views = pictured(globe, orbit(0.0, 45.0))
        colors, seen = point_colors(globe, views.images, views.cameras)
        points, _, _ = globe.sample_surface(len(seen[0]), 0)
        wrong = (colors - (points * 0.4 + 0.5)).abs().amax(-1)[seen]
        assert wrong.mean() < 0.02 and wrong.quantile(0.95) < 0.08  # outlines are blended with white
        assert incoherence(colors, seen)[0] < 0.03


def test_rows_of_a_ball(globe):
    """True views, so every figure has its place; the hull-based mask misses next to nothing."""
    scene = Scene.of("ball", globe, SIZE, cameras=3)
    rows = scene_rows(scene, PlainPainter(SIZE), 0)
    assert list(rows) == [*MASKS, "truth"]
    assert rows["hull"]["recall"] == rows["whole"]["recall"] == 1
    assert rows["whole"]["precision"] < rows["wide seam"]["precision"] < rows["hull"]["precision"]
    assert rows["depth"]["recall"] < 0.7 < rows["hull"]["recall"] <= rows["wide seam"]["recall"]
    assert rows["whole"]["seen dB"] + 5 < rows["wide seam"]["seen dB"] < rows["hull"]["seen dB"]
    assert rows["hull"]["apart"] < rows["wide seam"]["apart"] < rows["whole"]["apart"]


def test_means_leave_out_what_an_object_has_not():
    averages = means(
        {"a": {"hull": {"recall": 1.0, "seen dB": math.inf}}, "b": {"hull": {"recall": 0.5, "seen dB": 30.0}}}
    )
    assert averages == {"hull": {"recall": 0.75, "seen dB": 30.0}}
    assert [cell(averages["hull"], column).strip() for column in ("recall", "seen dB", "apart")] == [
        "0.750",
        "30.00",
        "",
    ]
