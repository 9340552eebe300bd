"""What the benchmark of the whole loop measures."""

from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from benchmarks import pop3d
from benchmarks.pop3d import ELEVATION, FOV, Object, figures, grown, in_true_world, input_psnr, means, methods, seen
from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import box


@pytest.fixture(scope="module")
def thing() -> Object:
    """A box of many colours that no turn maps onto itself."""
    plain = box((0.5, 0.3, 0.7))
    vertices = torch.cat([plain.vertices, plain.vertices * 0.4 + torch.tensor([0.1, 0.6, 0.2])])
    faces = torch.cat([plain.faces, plain.faces + len(plain.vertices)])
    mesh = Mesh(vertices, faces, vertex_colors=(vertices * 0.5 + 0.5).clamp(0, 1))
    cameras = Cameras.orbit([30.0 + 45 * i for i in range(8)], ELEVATION, 3.5, FOV, 48, 48)
    return Object("box", mesh, seen(mesh, cameras))


def view_aligned(thing: Object) -> Mesh:
    """The truth as a perfect system would return it: in the first camera's frame, at another scale and place."""
    pose = torch.linalg.inv(thing.views.cameras.camera_to_world[0])
    moved = thing.mesh.mapped(lambda v: (v @ pose[:3, :3].T + pose[:3, 3]) @ FLIP_YZ)
    return moved.mapped(lambda v: 0.7 * v + torch.tensor([0.2, -0.1, 0.3]))


def test_the_truth_in_another_frame_comes_back(thing):
    back = in_true_world(view_aligned(thing), thing.mesh, thing.views.cameras[0])
    assert float((back.vertices - thing.mesh.vertices).norm(dim=-1).max()) < 0.02


def test_a_perfect_mesh_has_perfect_figures(thing):
    found = figures(view_aligned(thing), thing, thing.views[0])
    assert found["chamfer"] < 0.03
    assert min(found[name] for name in ("f_0.05", "f_seen", "f_unseen")) > 0.97
    assert found["psnr"] > 25
    assert found["ssim"] > 0.9


def test_a_mesh_of_another_shape_has_worse_ones(thing):
    good = figures(view_aligned(thing), thing, thing.views[0])
    flat = view_aligned(thing).mapped(lambda v: v * torch.tensor([1.0, 1.0, 0.3]))
    bad = figures(flat, thing, thing.views[0])
    assert bad["chamfer"] > 2 * good["chamfer"]
    assert bad["psnr"] < good["psnr"]


def test_the_input_is_compared_where_both_show_the_object(thing):
    assert input_psnr(thing.mesh, thing.views[0]) > 60
    darker = replace(thing.mesh, vertex_colors=(thing.mesh.vertex_colors - 0.1).clamp_min(0))
    assert input_psnr(darker, thing.views[0]) == pytest.approx(20, abs=2)


def test_means_are_over_the_objects_that_have_the_figure():
    assert means([{"a": 1.0, "failed": 0}, {"failed": 1}]) == {"a": 1.0, "failed": 0.5}


def test_painters_that_can_learn_stand_there_twice(monkeypatch):
    assert methods(["embedded", "plain"], 0) == ["zeroshape-w", "embedded", "plain"]
    assert methods(["embedded", "plain"], 2) == ["zeroshape-w", "embedded", "embedded + learns", "plain"]
    asked, told = [], {"cameras": 4, "resolution": 32, "outline": "painted", "cues": 0.5}
    monkeypatch.setattr(pop3d, "load_painter", lambda name, device: name)
    monkeypatch.setattr(pop3d.pop3d, "reconstruct", lambda *given, options, **_: asked.append((given[2], options)))
    for method in ("embedded", "embedded + learns"):
        grown(method, None, None, None, Namespace(**told, personalize=2))
    assert [painter for painter, _ in asked] == ["embedded", "embedded"]
    assert [options for _, options in asked] == [pop3d.pop3d.Options(**told, personalize=every) for every in (0, 2)]
