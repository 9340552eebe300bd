"""`fit`: a folder of posed pictures in, a textured mesh out, in the folder's own world."""

import json

import pytest
import torch
from PIL import Image

from recon_lib.cli import main
from recon_lib.commands import fit as command
from recon_lib.errors import Interrupted
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.stages.fitting.sdf_grid import fit as stage
from recon_lib.views.posed_images import save_views
from tests.helpers.posed import around, posed, sphere

QUICK = ["--grid", "32", "--rounds", "2", "--resolution", "24", "--texture-size", "64"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_views(posed(sphere(), around(4, 32)), tmp_path_factory.mktemp("views") / "ball")


def test_mesh_report_and_sheet_are_written(folder, tmp_path, capsys):
    out, told, sheet = (tmp_path / name for name in ("new/out.glb", "r.json", "s.png"))
    names = ["--report", str(told), "--preview", str(sheet), "--seed", "7"]
    assert main(["fit", str(folder), "-o", str(out), *QUICK, *names]) == 0
    radius = load_mesh(out).vertices.norm(dim=-1)
    assert radius.mean().item() == pytest.approx(0.6, abs=0.03), "the world is the folder's"
    report = json.loads(told.read_text())
    assert set(report["seconds"]) == {"load", "fit", "extract", "texture", "save"}
    assert (report["views"], report["seed"], report["grid"], report["fit"]["rounds"]) == (4, 7, 32, 2)
    assert report["mesh"]["file"] == "out.glb"
    assert torch.tensor(report["mesh"]["bounds"]).abs().mean().item() == pytest.approx(0.6, abs=0.05)
    assert Image.open(sheet).size[0] > 4 * 256
    assert [p.name for p in out.parent.iterdir()] == ["out.glb"], "no checkpoint is left"
    assert not capsys.readouterr().out


def test_options_reach_the_fit(folder, tmp_path, monkeypatch):
    seen = {}

    def fit_volsdf(views, **options):
        seen.update(options)
        raise Interrupted

    monkeypatch.setattr(stage, "fit_volsdf", fit_volsdf)
    options = ["--grid", "192", "--rounds", "9", "--pixels", "64", "--seed", "3"]
    assert main(["fit", str(folder), "-o", str(tmp_path / "o.glb"), *options]) == 130
    settings = seen["settings"]
    assert (settings.levels[-1].nodes, settings.levels[-1].rounds, settings.side, seen["seed"]) == (192, 9, 64, 3)
    assert seen["checkpoint"].parent == tmp_path, "the same command finds it again"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "--rounds is 0"),
        (["--pixels", "3"], "--pixels is 3"),
        (["--report", "r.txt"], "r.txt does not end in .json"),
    ],
)
def test_wrong_options_are_told_before_anything_is_read(tmp_path, capsys, options, message):
    assert main(["fit", str(tmp_path / "nowhere"), "-o", str(tmp_path / "o.glb"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_without_views_is_told(tmp_path, capsys):
    assert main(["fit", str(tmp_path), "-o", str(tmp_path / "o.glb")]) == 2
    assert "transforms.json" in capsys.readouterr().err
    assert main(["fit", str(tmp_path), "-o", str(tmp_path / "o.xyz")]) == 2
    assert "o.xyz does not end in" in capsys.readouterr().err


def test_pictures_without_masks_are_told(tmp_path, capsys):
    views = posed(sphere(), around(2, 16))
    bare = type(views)(views.images, views.cameras, torch.ones_like(views.masks))
    folder = save_views(bare, tmp_path / "bare")
    assert main(["fit", str(folder), "-o", str(tmp_path / "o.glb"), *QUICK]) == 2
    assert "masks that mark the object" in capsys.readouterr().err
    assert not (tmp_path / "o.glb").exists()


def test_the_stopwatch_adds_up(monkeypatch):
    times = iter([10.0, 12.5, 13.0])
    monkeypatch.setattr(command.time, "perf_counter", lambda: next(times))
    watch = command.Stopwatch()
    watch.lap("a")
    watch.lap("b")
    assert watch.laps == {"a": 2.5, "b": 0.5}
