"""`project`: photos onto a mesh file."""

import json
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cli import main
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.meshing.export import save_mesh
from recon_lib.views.photo import save_image
from tests.helpers.shapes import box

RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)


@pytest.fixture
def folder(tmp_path):
    """A box, photos of two of its sides with masks and cameras."""
    mesh = box((0.5, 0.5, 0.5))
    save_mesh(mesh, tmp_path / "box.glb")
    for name, azimuth, color, side in (("front", 0.0, RED, 96), ("right", 90.0, BLUE, 80)):
        camera = Cameras.orbit(azimuth, 0.0, 3.0, 40.0, side, side)
        mask = (render_mesh(mesh, camera, supersample=1).masks > 0.5).float()
        save_image(torch.tensor(color)[:, None, None] * mask[0], tmp_path / f"{name}.png")
        save_image(mask[0].expand(3, -1, -1), tmp_path / f"{name}_mask.png")
        written = {"camera_to_world": camera.camera_to_world[0].tolist(), "intrinsics": camera.intrinsics[0].tolist(),
                   "height": side, "width": side}  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(written))
    return tmp_path


def run(folder, *options):
    paths = {name: str(folder / name) for name in ("box.glb", "front.png", "right.png", "made.glb")}
    photos = [paths["front.png"], paths["right.png"]]
    masks = [str(folder / f"{name}_mask.png") for name in ("front", "right")]
    return main(["project", paths["box.glb"], *photos, "-o", paths["made.glb"], "--mask", *masks, *options])


def test_photos_of_different_size_with_cameras(folder, capsys):
    cameras = [str(folder / f"{name}.json") for name in ("front", "right")]
    assert run(folder, "--camera", *cameras, "--size", "256", "--report", str(folder / "r.json")) == 0
    assert "given camera" in capsys.readouterr().out
    mesh = load_mesh(folder / "made.glb")
    around = Cameras.orbit([0.0, 90.0], 0.0, 3.0, 40.0, 64, 64)
    shown = render_mesh(replace(mesh, vertex_normals=None), around, shading="albedo").images[:, :, 32, 32]
    torch.testing.assert_close(shown, torch.tensor([RED, BLUE]), atol=0.02, rtol=0)
    rows = json.loads((folder / "r.json").read_text())["photos"]
    assert [row["photo"] for row in rows] == ["front.png", "right.png"]
    assert all(row["seen"] == pytest.approx(1 / 6, abs=0.04) for row in rows)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--camera", "one.json"], "give one for each"),
        (["--size", "4"], "--size"),
        (["--blend", "-1"], "--blend"),
    ],
)
def test_bad_options_are_told(folder, capsys, options, sentence):
    assert run(folder, *options) == 2
    assert sentence in capsys.readouterr().err and not (folder / "made.glb").exists()


@pytest.mark.slow
def test_photos_without_cameras_are_aligned(folder, capsys):
    assert run(folder, "--size", "256", "--report", str(folder / "r.json")) == 0
    row = json.loads((folder / "r.json").read_text())["photos"][0]
    assert row["fit"] > 0.4 and len(row["camera"]["camera_to_world"]) == 4
    assert "fit" in capsys.readouterr().out
