"""Solids whose seen and unseen parts are known in closed form."""

import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.evaluation.occluded import occluded_surface_figures
from tests.helpers.shapes import ball, box, open_box

SAMPLES, DISTANCE = 6000, 4.0


def moved(mesh, z=0.0, scale=1.0):
    return Mesh(mesh.vertices * scale + torch.tensor([0.0, 0.0, z]), mesh.faces)


def joined(*meshes):
    starts = [0]
    for mesh in meshes:
        starts.append(starts[-1] + len(mesh.vertices))
    faces = torch.cat([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)])
    return Mesh(torch.cat([mesh.vertices for mesh in meshes]), faces)


def figures(predicted, truth, elevation=0.0):
    camera = Cameras.orbit(0.0, elevation, DISTANCE, 60, 64, 64)
    return occluded_surface_figures(predicted, truth, camera, 1.0, samples=SAMPLES)


def share(mesh, elevation=0.0):
    return figures(mesh, mesh, elevation)["unseen"]["share_of_truth"]


def test_a_ball_shows_the_cap_before_its_tangents():
    assert share(ball()) == pytest.approx((1 + 1 / DISTANCE) / 2, abs=0.02)


def test_a_box_shows_its_front():
    half = (0.5, 0.3, 0.7)
    front, rest = 4 * 0.5 * 0.3, 8 * 0.5 * 0.7 + 8 * 0.3 * 0.7 + 4 * 0.5 * 0.3
    assert share(box(half)) == pytest.approx(rest / (front + rest), abs=0.02)


@pytest.mark.parametrize(("elevation", "hidden"), [(-90.0, 4 / 5), (90.0, 0.0)])
def test_a_cup_shows_its_inside_from_above_and_its_floor_from_below(elevation, hidden):
    """A cube without its lid, of sheet: of its five faces the four walls hide behind the floor."""
    assert share(open_box(), elevation) == pytest.approx(hidden, abs=0.02)


class TestTwoBallsOneBehindTheOther:
    front, back = moved(ball(), 0.6, 0.5), moved(ball(), -0.6, 0.4)
    truth = joined(front, back)

    def test_the_one_behind_is_hidden(self):
        seen = 0.5**2 * (1 - 0.5 / (DISTANCE - 0.6)) / 2
        assert share(self.truth) == pytest.approx(1 - seen / (0.5**2 + 0.4**2), abs=0.02)

    def test_leaving_it_out_costs_the_unseen_part_alone(self):
        without = figures(self.front, self.truth)
        whole = figures(self.truth, self.truth)
        for name in ("chamfer_unsquared", "f_score_0.05", "normal_consistency"):
            assert without["seen"][name] == pytest.approx(whole["seen"][name], abs=0.02)
        assert without["unseen"]["predicted_to_truth"] < 0.05
        # a point p of the ball behind is |p - 0.6 z| - 0.5 away from the full ball in front; its far side hides too
        away = 1.2 + 0.4**2 / (3 * 1.2) - 0.5  # mean distance from a sphere of 0.4 to a point 1.2 away, less the radius
        behind = 0.4**2 / (0.4**2 + 0.5**2 * (1 + 0.5 / (DISTANCE - 0.6)) / 2)
        assert without["unseen"]["truth_to_predicted"] == pytest.approx(behind * away, rel=0.06)


def test_concentric_balls_are_as_far_apart_in_both_parts():
    parts = figures(moved(ball(), 0.0, 0.92), ball())
    for part in parts.values():
        assert part["chamfer_unsquared"] == pytest.approx(0.08, abs=0.015)
        assert part["f_score_0.05"] == 0 and part["f_score_0.1"] > 0.8
        assert part["normal_consistency"] > 0.99


def test_each_surface_is_split_by_itself():
    """A plate before a ball: from behind the camera sees none of what belongs to its far side."""
    plate = box((0.8, 0.8, 0.01))
    both = figures(moved(plate, 0.9), ball())
    assert both["seen"]["share_of_predicted"] == pytest.approx(0.5, abs=0.02)
    assert both["unseen"]["predicted_to_truth"] > 0.05  # the true far side, not the near one beside it


def test_what_has_no_such_part_has_no_figures():
    cup = Mesh(torch.tensor([[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]]), torch.tensor([[0, 1, 2]]))
    parts = figures(cup, ball())
    assert parts["unseen"]["share_of_predicted"] == 0 and parts["unseen"]["chamfer_unsquared"] is None
    assert parts["seen"]["chamfer_unsquared"] > 0


def test_compare_meshes_offers_it():
    camera = Cameras.orbit(0.0, 0.0, DISTANCE, 60, 64, 64)
    compared = compare_meshes(ball(), ball(), camera=camera, split="both", samples=2000)
    assert compared["unseen"]["share_of_predicted"] == pytest.approx((1 + 1 / DISTANCE) / 2, abs=0.03)
    assert math.isclose(compared["seen"]["share_of_truth"] + compared["unseen"]["share_of_truth"], 1)
    with pytest.raises(BadInput, match="Split 'mine' is unknown; choose truth, both"):
        compare_meshes(ball(), ball(), split="mine")


def test_without_a_camera_it_says_so():
    with pytest.raises(BadInput, match="No camera says what is seen"):
        occluded_surface_figures(ball(), ball(), Cameras.orbit(0.0)[:0], 1.0)
