"""Which objects benchmarks of colour and shape choose."""

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.colored_solids import add_arguments, colored_solids, is_colored, seen, spread, write
from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import box


def colored(mesh: Mesh) -> Mesh:
    return replace(mesh, vertex_colors=(mesh.vertices * 0.4 + 0.5).clamp(0, 1))


def chosen(*words: str) -> list[tuple[str, Mesh]]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return colored_solids(parser.parse_args(words))


@pytest.fixture
def folder(tmp_path):
    """Five coloured boxes, and between them by name: an open one and one of a single colour."""
    solid = colored(box((0.5, 0.4, 0.3)))
    plain = replace(solid, vertex_colors=torch.full_like(solid.vertices, 0.5))
    meshes = dict.fromkeys(("a", "c", "e", "g", "i"), solid)
    meshes |= {"b": replace(solid, faces=solid.faces[1:]), "d": plain}
    for name, mesh in meshes.items():
        np.savez(tmp_path / f"{name}.npz", v=mesh.vertices, f=mesh.faces, vc=(mesh.vertex_colors * 255).byte())
    return tmp_path


def test_only_closed_meshes_of_several_colours_are_taken(folder):
    solids = chosen("--meshes", str(folder), "--up", "y", "--count", "99")
    assert [name for name, _ in solids] == ["a", "c", "e", "g", "i"]
    assert all(float(mesh.vertices.norm(dim=-1).max()) == pytest.approx(1) for _, mesh in solids)


def test_they_are_spread_from_the_first_to_the_last(folder):
    names = [[name for name, _ in chosen("--meshes", str(folder), "--count", str(count))] for count in (1, 2, 3)]
    assert names == [["a"], ["a", "i"], ["a", "e", "i"]]


@pytest.mark.parametrize(
    ("number", "count", "indices"),
    [(9, 3, [0, 4, 8]), (4, 4, [0, 1, 2, 3]), (2, 5, [0, 1]), (0, 3, []), (7, 0, []), (7, 1, [0])],
)
def test_indices_are_spread(number, count, indices):
    assert spread(number, count) == indices


def test_a_texture_is_colour_enough():
    plain = box((0.5, 0.4, 0.3))
    flat = replace(plain, vertex_colors=torch.full_like(plain.vertices, 0.5))
    assert not is_colored(plain) and not is_colored(flat) and is_colored(colored(plain))
    assert is_colored(replace(plain, uvs=torch.zeros(len(plain.vertices), 2), texture=torch.rand(3, 4, 4)))


def test_true_views_show_the_surfaces_own_colours_over_white():
    mesh = replace(box((0.5, 0.5, 0.5)), vertex_colors=torch.tensor([0.2, 0.4, 0.6]).expand(8, 3))
    views = seen(mesh, Cameras.orbit(0.0, 0.0, 3.0, 40.0, 24, 24))
    assert torch.allclose(views.images[0, :, 12, 12], torch.tensor([0.2, 0.4, 0.6]), atol=1e-4)
    assert (views.images[0, :, 0, 0] == 1).all() and views.masks[0, 0, [0, 12], [0, 12]].tolist() == [0, 1]
    assert float(views.depth[0, 0, 12, 12]) == pytest.approx(2.5, abs=1e-3)


def test_a_report_is_written_only_where_it_is_asked_for(tmp_path):
    write(None, {"a": 1})
    write(tmp_path / "report.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert json.loads((tmp_path / "report.json").read_text()) == {"a": 1}
