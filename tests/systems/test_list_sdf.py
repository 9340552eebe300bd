import json

import pytest
import torch

from recon_lib.cli import main
from recon_lib.registry import find_system, load_part
from recon_lib.stages.single_view.upright_shape import WORLD_SIDE
from recon_lib.systems import list_sdf
from recon_lib.systems.list_sdf import reconstruct
from recon_lib.systems.list_sdf_options import Options
from recon_lib.views.photo import save_image
from tests.helpers.list_oracle import BLUE, HALF_AXES, RED, list_model, photo

SMALL = {"resolution": 24, "texture_size": 64}


@pytest.fixture(scope="module")
def result():
    image, mask = photo()
    return reconstruct(image, list_model(), mask=mask, options=Options(**SMALL))


def test_the_mesh_is_upright_and_wears_the_photo(result):
    mesh = result.mesh
    torch.testing.assert_close(mesh.vertices.amax(0), HALF_AXES * WORLD_SIDE, atol=0.04, rtol=0)
    covered = (mesh.uvs.clamp(0, 0.999) * 64).long()
    colors = mesh.texture[:, covered[:, 1], covered[:, 0]].mT
    toward = mesh.vertices[:, 2] > 0.1
    for side, color in ((-1, RED), (1, BLUE)):
        chosen = toward & (mesh.vertices[:, 0] * side > 0.15)
        torch.testing.assert_close(colors[chosen].median(0).values, torch.tensor(color), atol=0.05, rtol=0)


def test_what_it_tells_on_the_way(result):
    assert list(result.seconds) == ["upright shape", "extract", "texture"]
    assert result.report["elevation_roll_degrees"] == (pytest.approx(30, abs=1e-3), pytest.approx(12, abs=1e-3))
    assert result.report["coarse_points"] == 200


def test_on_the_ground_on_request():
    image, mask = photo(48)
    mesh = reconstruct(image, list_model(), mask=mask, options=Options(**SMALL, on_ground=True)).mesh
    assert mesh.vertices[:, 1].amin() == 0


def test_without_a_mask_the_packs_own_finds_it(monkeypatch):
    image, mask = photo(48)
    asked = []

    class Found:
        object, occluder = mask, torch.zeros_like(mask)

    monkeypatch.setattr(list_sdf, "load_model", asked.append)
    monkeypatch.setattr(list_sdf, "segment", lambda *arguments: Found)
    result = reconstruct(image, list_model(), options=Options(**SMALL))
    assert asked == ["zeroshape_w_mini"] and "mask" in result.seconds


def test_its_row():
    row = find_system("list")
    assert load_part(row.reconstruct) is reconstruct and load_part(row.options) is Options


def test_the_embedded_model_on_the_command_line(tmp_path):
    save_image(photo(64)[0][0], tmp_path / "photo.png")
    arguments = ["reconstruct", str(tmp_path / "photo.png"), "--system", "list", "--resolution", "32"]
    report = tmp_path / "report.json"
    assert main([*arguments, "--texture-size", "64", "-o", str(tmp_path / "o.glb"), "--report", str(report)]) == 0
    assert (tmp_path / "o.glb").stat().st_size > 1000
    assert len(json.loads(report.read_text())["details"]["elevation_roll_degrees"]) == 2


def test_without_weights_the_command_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("recon_lib.weights.registry.find_models", lambda *_: [])
    save_image(photo(32)[0][0], tmp_path / "photo.png")
    assert main(["reconstruct", str(tmp_path / "photo.png"), "--system", "list", "-o", str(tmp_path / "o.glb")]) == 2
    assert "No model for list is embedded in this copy; name a .safetensors file" in capsys.readouterr().err
