"""`mesh`: fewer triangles, another format, another size."""

import pytest
import torch
from trimesh.creation import icosphere

from recon_lib.cli import main
from recon_lib.meshes.files.mesh_io import load_mesh


@pytest.fixture
def ball(tmp_path):
    """A unit sphere of 1280 triangles, and a speck beside it."""
    ball, speck = icosphere(3), icosphere(1, radius=0.01)
    speck.apply_translation([3.0, 0.0, 0.0])
    (ball + speck).export(tmp_path / "ball.ply")
    return tmp_path / "ball.ply"


def test_simplified_cleaned_scaled_and_converted(ball, tmp_path, capsys):
    made = tmp_path / "made.stl"
    options = ["--largest", "--smooth", "2", "--faces", "300", "--size-mm", "50"]
    assert main(["mesh", str(ball), "-o", str(made), *options]) == 0
    assert "watertight" in capsys.readouterr().out
    mesh = load_mesh(made)
    assert len(mesh.faces) == pytest.approx(300, abs=4)
    assert (mesh.bounds[1] - mesh.bounds[0]).max() == pytest.approx(50, rel=1e-4)
    assert mesh.bounds.abs().max() < 30  # the speck is gone


def test_a_mesh_is_converted_as_it_is(ball, tmp_path):
    assert main(["mesh", str(ball), "-o", str(tmp_path / "same.obj")]) == 0
    before, after = load_mesh(ball), load_mesh(tmp_path / "same.obj")
    assert len(after.faces) == len(before.faces) and torch.allclose(after.bounds, before.bounds, atol=1e-5)


def test_its_own_file_is_not_replaced(ball, capsys):
    before = ball.read_bytes()
    assert main(["mesh", str(ball), "-o", str(ball), "--smooth", "3"]) == 2
    assert "would be replaced" in capsys.readouterr().err and ball.read_bytes() == before
