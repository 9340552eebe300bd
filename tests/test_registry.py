"""One row a system; and a system that nobody has heard of works everywhere, by its own file and its row alone."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from recon_lib.cli import main
from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.registry import find_system, load_part, registered, systems
from tests.helpers import toy_system
from tests.helpers.shapes import is_ball

PARTS = ("network", "trainer", "reconstruct", "options")


@pytest.mark.parametrize("row", systems(), ids=lambda row: row.name)
def test_every_part_is_there(row, repo_root):
    for part in PARTS:
        if getattr(row, part):
            load_part(getattr(row, part))
    if row.trainer:
        assert all(
            callable(getattr(load_part(row.trainer), name)) for name in ("add_arguments", "settings_from", "train")
        )
    if row.reconstruct:
        assert find_system(row.model).network
    if row.workflow:
        assert (repo_root / "workflows" / row.workflow).is_file()
        assert (repo_root / "workflows" / "api" / row.workflow).is_file()
        assert row.title.split(" (")[0].removeprefix("after ") in (repo_root / "README.md").read_text(encoding="utf-8")


def test_an_unknown_system_is_told():
    with pytest.raises(BadInput, match="No system is called 'nerf-o-matic'; there are: zeroshape-w"):
        find_system("nerf-o-matic")


@pytest.fixture
def toy(tmp_path):
    """The row, and weights with their card in a folder."""
    weights = tmp_path / "models" / "toy.safetensors"
    weights.parent.mkdir()
    save_file({"radius": torch.tensor(1.25)}, weights)
    card = {"system": "toy-ball", "licence": "none", "config": {"size": "mini"}}
    weights.with_suffix(".json").write_text(json.dumps(card))
    with registered(toy_system.ROW):
        yield weights


@pytest.fixture
def photo(tmp_path) -> Path:
    Image.new("RGB", (64, 64), (90, 90, 200)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_registered_row_goes_again():
    with registered(toy_system.ROW):
        assert find_system("toy-ball") is toy_system.ROW
    assert toy_system.ROW not in systems()


def test_reconstruct(toy, photo, tmp_path):
    out, report = tmp_path / "o.glb", tmp_path / "r.json"
    arguments = ["--system", "toy-ball", "--model", str(toy), "--resolution", "24", "--texture-size", "32"]
    assert main(["reconstruct", str(photo), "-o", str(out), *arguments, "--bounces", "5", "--report", str(report)]) == 0
    assert is_ball(load_mesh(out).vertices)
    assert json.loads(report.read_text())["details"]["bounces"] == 5


def test_models(toy, capsys):
    assert main(["models", "--folder", str(toy.parent)]) == 0
    assert "toy-ball" in capsys.readouterr().out


def test_a_training_run(toy, tmp_path):
    assert main(["train", "toy-ball", "--out", str(tmp_path / "run")]) == 0
    trained = load_file(tmp_path / "run" / "toy_ball_mini.safetensors")["radius"]
    assert 1.0 < float(trained) < 2.0
    assert json.loads((tmp_path / "run" / "toy_ball_mini.json").read_text())["system"] == "toy-ball"
