from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.fields.decoded import DecodedField
from recon_lib.fields.field import Field
from recon_lib.fields.observed import SLAB, ObservedField, edge_distance, seen_depth, without_flying_pixels
from recon_lib.stages.meshing.extract import extract_mesh

SIDE, DISTANCE = 64, 4.0
CAMERA = Cameras.orbit(0.0, 0.0, DISTANCE, 40.0, SIDE, SIDE)
BOX = torch.tensor([[-1.15] * 3, [1.15] * 3])


@dataclass(frozen=True)
class Ball:
    """A decoder that knows a ball of that radius."""

    module: nn.Module
    radius: float
    camera_to_decoder: torch.Tensor
    extent: float = 2.0

    def query(self, points: torch.Tensor) -> torch.Tensor:
        return 10 * (self.radius - points.norm(dim=-1))


def ball(radius: float) -> DecodedField:
    return DecodedField(Ball(nn.Identity(), radius, torch.eye(4)), torch.eye(4), BOX, min_feature_size=0.2)


def square(left: int, right: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., left:right, left:right] = 1
    return mask


def on_axis(*z: float) -> torch.Tensor:
    return torch.tensor([[0.0, 0.0, each] for each in z])


class TestObservedField:
    def test_free_before_the_seen_surface_and_solid_right_behind_it(self):
        mask = square(16, 48)
        shape = ObservedField.of(ball(0.6), CAMERA, mask, mask * 0, mask * DISTANCE)  # a wall through the origin
        values = shape.inside(on_axis(0.5, 0.1, 0.0, -0.02, -0.5))
        assert (values[:2] < 0).all() and values[2].abs() < 1e-4 and (values[3:] > 0).all()
        behind_the_ball = ObservedField.of(ball(0.1), CAMERA, mask, mask * 0, mask * (DISTANCE + 0.3))
        values = behind_the_ball.inside(on_axis(0.05, -0.29, -0.31, -0.3 - 2 * SLAB))
        assert (values[[0, 1, 3]] < 0).all() and values[2] > 0

    def test_values_are_linear_around_the_seen_surface(self):
        mask = square(16, 48)
        shape = ObservedField.of(ball(1.0), CAMERA, mask, mask * 0, mask * DISTANCE, slope=10.0)
        torch.testing.assert_close(shape.inside(on_axis(0.03, 0.01, -0.01)), torch.tensor([-0.3, -0.1, 0.1]))

    def test_nothing_beyond_the_silhouette_but_behind_an_occluder(self):
        mask, occluder = square(16, 48), torch.zeros(1, 1, SIDE, SIDE)
        occluder[..., 48:] = 1
        shape = ObservedField.of(ball(1.0), CAMERA, mask, occluder)
        at = torch.tensor([[0.5, 0.0, 0.0], [0.8, 0.0, 0.0], [-0.8, 0.0, 0.0]])  # within, right of it, left of it
        assert (shape.inside(at) > 0).tolist() == [True, True, False]

    def test_beyond_the_picture_nothing_is_known(self):
        mask = torch.zeros(1, 1, SIDE, SIDE)
        mask[..., 32:] = 1  # the object reaches beyond the right border
        near = Cameras.orbit(0.0, 0.0, 2.0, 30.0, SIDE, SIDE)
        shape = ObservedField.of(ball(1.0), near, mask, mask * 0)
        at = torch.tensor([[0.9, 0.0, 0.0], [-0.4, 0.0, 0.0]])
        assert (shape.inside(at) > 0).tolist() == [True, False]

    def test_the_extracted_surface_keeps_to_a_seen_wall(self):
        mask = square(16, 48)
        shape = ObservedField.of(ball(0.9), CAMERA, mask, mask * 0, mask * (DISTANCE - 0.3))
        vertices = extract_mesh(shape, 48, largest=True).mesh.vertices
        assert float(vertices[:, 2].max()) == pytest.approx(0.3, abs=0.02)
        pixels, _ = CAMERA.project(vertices)
        assert float(pixels.min()) > 15 and float(pixels.max()) < 49

    def test_a_thin_pole_that_the_mask_shows_is_extracted(self):
        mask = torch.zeros(1, 1, SIDE, SIDE)
        mask[..., 8:56, 31:33] = 1
        shape = ObservedField.of(ball(0.0), CAMERA, mask, mask * 0, mask * DISTANCE)
        low, high = extract_mesh(shape, 96, largest=True).mesh.bounds
        assert float(high[1] - low[1]) > 1.9 and float(high[0] - low[0]) < 0.15

    def test_is_a_field_with_features_as_fine_as_the_picture_where_depth_is_known(self):
        mask = square(16, 48)
        assert ObservedField.of(ball(0.9), CAMERA, mask, mask * 0, mask * DISTANCE).min_feature_size <= SLAB
        shape = ObservedField.of(ball(0.9), CAMERA, mask, mask * 0)
        assert isinstance(shape, Field) and shape.module is shape.field.module
        assert shape.min_feature_size == shape.field.min_feature_size  # a silhouette alone only cuts
        assert torch.equal(shape.bounds, BOX)
        with pytest.raises(NotImplementedError):
            shape.color(torch.zeros(1, 3))

    def test_all_pieces_that_the_picture_shows_are_extracted(self):
        mask = square(10, 26) + square(40, 50)
        shape = ObservedField.of(ball(0.0), CAMERA, mask, mask * 0, mask * DISTANCE)
        low, high = extract_mesh(shape, 64, largest=True).mesh.bounds
        assert float(low[0]) < -0.8 and float(high[0]) > 0.6
        assert shape.observed(on_axis(0.0, -SLAB)).tolist() == [False, False]
        x = (18 - SIDE / 2) * DISTANCE / float(CAMERA.intrinsics[0, 0, 0])
        seen = shape.observed(torch.tensor([[x, -x, 0.01], [x, -x, -SLAB], [x, -x, 0.2], [x, -x, -0.2]]))
        assert seen.tolist() == [True, True, False, False]

    def test_says_what_does_not_fit(self):
        mask = square(16, 48)
        with pytest.raises(BadInput, match="one view"):
            ObservedField.of(ball(1.0), Cameras.cat([CAMERA, CAMERA]), mask, mask * 0)
        with pytest.raises(BadInput, match="depth"):
            ObservedField.of(ball(1.0), CAMERA, mask, mask * 0, torch.ones(1, 1, 8, 8))


class TestSeenDepth:
    def test_bilinear_on_a_slope_and_sharp_at_an_edge(self):
        depth = (2 + 0.01 * torch.arange(8.0)).repeat(8, 1)[None, None]
        depth[..., 4:] += 1
        value, known = seen_depth(depth, torch.tensor([[2.25, 3.0], [3.9, 3.0], [4.1, 3.0]]))
        torch.testing.assert_close(value, torch.tensor([2.0175, 2.03, 3.04]))
        assert known.all()

    def test_unknown_pixels_and_those_beyond_the_border(self):
        depth = torch.ones(1, 1, 4, 4)
        depth[..., 2:] = 0
        value, known = seen_depth(depth, torch.tensor([[1.9, 1.0], [2.1, 1.0], [-0.5, 1.0], [1.0, 9.0], [1e9, 0.0]]))
        assert known.tolist() == [True, False, False, False, False]
        assert value.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_flying_pixels_are_dropped_and_slopes_kept():
    depth = torch.ones(1, 1, 5, 9)
    depth[..., 4] = 1.5
    depth[..., 5:] = 2.0
    kept = without_flying_pixels(depth)
    assert not kept[..., 4].any() and torch.equal(kept[..., 5:], depth[..., 5:]) and kept[..., :4].all()
    slope = (1 + 0.04 * torch.arange(9.0)).repeat(5, 1)[None, None]
    assert torch.equal(without_flying_pixels(slope), slope)


def test_edge_distance_is_signed_and_the_border_is_no_edge():
    region = torch.zeros(1, 1, 3, 8, dtype=torch.bool)
    region[..., 4:] = True
    assert edge_distance(region)[0, 0, 1].tolist() == [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5]
    assert (edge_distance(region | True) > 100).all()
    with pytest.raises(BadInput, match="empty"):
        edge_distance(region & False)


class TestAskedAtItsDetail:
    """The network holds nothing finer than a share of `min_feature_size`; extraction asks it no more finely."""

    def shape(self, radius: float = 0.6, feature: float = 0.2) -> ObservedField:
        mask = square(0, SIDE)
        return ObservedField.of(replace(ball(radius), min_feature_size=feature), CAMERA, mask, mask * 0)

    def test_the_surface_stays_and_the_network_is_asked_less(self):
        fine, coarse = (extract_mesh(self.shape(feature=size), 192) for size in (0.0, 0.04))
        everywhere = 49**3  # nodes of the first level
        assert coarse.evaluations - everywhere < 0.25 * (fine.evaluations - everywhere)
        for extraction in (fine, coarse):
            torch.testing.assert_close(
                extraction.mesh.vertices.norm(dim=-1),
                torch.full((len(extraction.mesh.vertices),), 0.6),
                atol=4e-3,
                rtol=0,
            )

    def test_a_lattice_as_coarse_as_the_network_is_asked_directly(self, monkeypatch):
        monkeypatch.setattr(ObservedField, "interpolated", None)  # would raise if it were called
        assert extract_mesh(self.shape(feature=0.1), 48).evaluations > 0

    def test_the_silhouette_stays_as_fine_as_the_picture(self):
        mask = square(20, 44)
        field = ObservedField.of(ball(0.9), CAMERA, mask, mask * 0)
        found = extract_mesh(field, 96).mesh.vertices
        pixels = CAMERA.project(found)[0][0]
        assert pixels.amin() > 19.25 and pixels.amax() < 44.75  # fairing swells an edge by a part of a pixel

    def test_the_field_itself_stays_as_it_was(self):
        shape = self.shape()
        extract_mesh(shape, 64)
        assert shape.asked == 0 and shape.field.values is None


def test_bumps_are_the_networks_unless_depth_is_known():
    mask = square(16, 48)
    assert ball(0.6).bumps == pytest.approx(8 * 0.2 / 1.5)
    assert ObservedField.of(ball(0.6), CAMERA, mask, mask * 0).bumps == ball(0.6).bumps
    assert ObservedField.of(ball(0.6), CAMERA, mask, mask * 0, mask * DISTANCE).bumps == 0
