import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.fields.contraction import Frame
from recon_lib.progress import unchecked
from recon_lib.stages.fitting.radiance.settings import RadianceSettings
from recon_lib.stages.fitting.radiance.start import (
    BARRED,
    BESIDE,
    CUT,
    EMPTY,
    SOLID,
    Start,
    near_hull,
    proposal_model,
    scene_frame,
    spacing_of,
    starting_bias,
    starting_model,
)
from recon_lib.stages.fitting.sdf_grid.start import find_bounds
from tests.helpers.posed import around, box, posed, sphere

FRAME = Frame(torch.zeros(3), 1.0)
SMALL = RadianceSettings(levels=(12, 24, 48), table=5000)


def log_density(model, points):
    return model.read(torch.tensor(points)[:, None] / 2 + 0.5, torch.zeros(len(points), 1))[0].tolist()


def test_an_open_start_is_faint_everywhere():
    model = starting_model(FRAME, Start(None, None), SMALL, 0, unchecked)
    assert log_density(model, [[0.0, 0, 0], [0.9, 0.9, 0.9]]) == pytest.approx([EMPTY] * 2)
    assert [level.hashed for level in model.levels] == [False, True, True]


def test_a_hull_bars_what_lies_outside():
    model = starting_model(FRAME, Start(None, sphere()), SMALL, 0, unchecked)
    assert log_density(model, [[0.0, 0, 0], [0.95, 0.9, 0.0]]) == pytest.approx([SOLID, BARRED], abs=1e-3)
    assert model.bias_level == 2 and len(model.bias) == 48**3


def test_levels_finer_than_the_bias_hold_the_hulls_nodes_alone():
    settings = RadianceSettings(levels=(32, 80))
    model = starting_model(FRAME, Start(None, sphere(0.4)), settings, 0, unchecked)
    table = len(model.levels[1].table)
    radius = 0.4 + 2 * 2 / 31
    assert table == pytest.approx(4 / 3 * math.pi * radius**3 / (2 / 79) ** 3, rel=0.1)


def test_a_start_leaves_room_beside_it():
    model = starting_model(FRAME, Start(sphere(0.4), None), SMALL, 0, unchecked)
    assert log_density(model, [[0.0, 0, 0], [0.95, 0.9, 0.0]]) == pytest.approx([SOLID, BESIDE], abs=1e-3)


def test_without_a_shape_it_begins_with_what_the_masks_call_for():
    half = (0.5, 0.4, 0.3)
    views = posed(box(half), Cameras.orbit([25.0, 145.0, 265.0], 25.0, 3.0, 40.0, 48, 48))
    start = Start(None, None).or_hull(views, find_bounds(views), unchecked)
    model = starting_model(FRAME, start, SMALL, 0, unchecked)
    below = [0.0, -0.55, 0.0]  # in the cone under it that no camera above the horizon carves away
    assert float(start.hard.inside(torch.tensor([below]))) > 0
    assert log_density(model, [[0.0, 0, 0], below, [0.0, 0.9, 0.0]]) == pytest.approx([SOLID, CUT, BARRED], abs=1e-3)


def test_a_given_shape_and_a_given_hull_stay():
    views = posed(sphere(), around(3, 24))
    soft, hard = sphere(0.3), sphere(0.5)
    assert Start(soft, hard).or_hull(views, find_bounds(views), unchecked) == Start(soft, hard)
    assert Start(None, hard).or_hull(views, find_bounds(views), unchecked).soft.hull is hard


def test_a_start_within_a_hull():
    soft, hard = torch.tensor([1.0, -1.0, -1.0, 1.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    bias = starting_bias(soft, hard, 0.1).tolist()
    assert bias == pytest.approx([SOLID, BESIDE, BARRED, BARRED])


def test_nodes_near_a_hull():
    axis = torch.linspace(-1, 1, 9)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    near = near_hull(0.5 - nodes.norm(dim=-1), 17, 0.25)
    assert near[8, 8, 8] and near[8, 8, 15] and not near[0, 0, 0]


def test_an_empty_hull_is_refused():
    with pytest.raises(BadInput, match="hull"):
        starting_model(FRAME, Start(None, sphere(-1.0)), SMALL, 0, unchecked)


def test_scene_frame_holds_the_cameras():
    views = posed(sphere(), around(5, 8))
    frame = scene_frame(views)
    assert frame.contracted and frame.radius == pytest.approx(3.0, abs=0.05)
    assert spacing_of(frame, SMALL) == pytest.approx(12.0 / 47, abs=0.01)
    assert proposal_model(SMALL, 0).read(torch.zeros(1, 1, 3), torch.zeros(1, 1))[0].item() == pytest.approx(EMPTY)
