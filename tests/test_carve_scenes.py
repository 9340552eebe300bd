"""What the carving benchmark takes for the truth."""

import math

import pytest
import torch
import trimesh

from benchmarks.carve import agreement, as_views, quality
from benchmarks.carve_scenes import cameras_around, eroded, mesh_scene, overlap, recall, simple_scenes, solid_voxels
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.carving.carve import carve
from tests.helpers.shapes import box

RESOLUTION = 40


@pytest.fixture(scope="module")
def cameras():
    return cameras_around(12, 96)


def test_voxels_of_a_box():
    inside = solid_voxels(box((0.5, 0.25, 0.75)), 32)
    z, y, x = inside.nonzero().T
    ends = [(int(axis.min()), int(axis.max())) for axis in (x, y, z)]
    assert ends == [(8, 23), (12, 19), (4, 27)]
    assert int(inside.sum()) == 16 * 8 * 24


def test_a_hollow_mesh_is_hollow():
    outer, inner = trimesh.creation.icosphere(3), trimesh.creation.icosphere(3, radius=0.5)
    inner.invert()
    both = trimesh.util.concatenate([outer, inner])
    inside = solid_voxels(Mesh(torch.tensor(both.vertices).float(), torch.tensor(both.faces).long()), RESOLUTION)
    volume = float(inside.sum()) * (2 / RESOLUTION) ** 3
    assert volume == pytest.approx(4 / 3 * math.pi * (1 - 0.125), rel=0.02)


def test_exact_hulls_hold_their_solids(cameras):
    for scene in simple_scenes(cameras, RESOLUTION):
        assert recall(scene.truth, scene.hull) < 1 == recall(scene.hull, scene.truth)
        assert overlap(carve(as_views(cameras, scene.masks), RESOLUTION, margin=0.0).occupancy, scene.hull) > 0.96


def test_a_cube_is_the_same_as_closed_form_and_as_mesh(cameras):
    _, cube, _ = simple_scenes(cameras, RESOLUTION)
    meshed = mesh_scene("cube", box((0.5, 0.5, 0.5)), cameras, RESOLUTION)
    assert torch.equal(meshed.truth, cube.truth)
    assert overlap(meshed.hull, cube.hull) > 0.99
    assert (meshed.masks - cube.masks).abs().mean() < 1e-3


def test_figures_of_a_ball(cameras):
    figures = quality(next(simple_scenes(cameras, RESOLUTION)))
    assert figures["dropped"] == 0
    assert figures["agreement"] == 1
    assert figures["recall m=0"] > 0.998 and figures["true"] == figures["dilated"] == 1 and figures["eroded"] > 0.99
    assert figures["IoU m=def"] < figures["IoU m=0"]


def test_an_outline_that_erosion_takes_away_is_left_out(cameras):
    """A plate that two of the cameras look at along its face, there some two pixels wide."""
    plate = mesh_scene("plate", box((0.5, 0.5, 0.03)), cameras, RESOLUTION)
    gone = sum(not eroded(plate.masks[i : i + 1]).any() for i in range(len(cameras)))
    figures = quality(plate)
    assert figures["dropped"] == gone > 0
    assert figures["true"] == 1


def test_agreement_sees_a_difference(cameras):
    scene = next(simple_scenes(cameras, RESOLUTION))
    carving = carve(as_views(cameras, scene.masks), RESOLUTION)
    carving.occupancy[20, 20] = False
    assert 0.99 < agreement(carving) < 1


def test_erosion_takes_the_corners_too():
    masks = torch.zeros(1, 1, 7, 7)
    masks[..., 2:5, 2:5] = 0.6
    assert eroded(masks).nonzero().tolist() == [[0, 0, 3, 3]]
