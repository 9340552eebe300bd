"""`fit`: a folder of posed pictures in, a textured mesh out, in the folder's own world."""

import json

import pytest
import torch
from PIL import Image

from recon_lib.cli import main
from recon_lib.commands import fit_outputs as command
from recon_lib.commands.resumable import resumable
from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.stages.fitting.sdf_grid import fit as stage
from recon_lib.stages.meshing import export, extract
from recon_lib.views.posed_images import save_views
from tests.helpers.posed import around, posed, sphere

QUICK = ["--grid", "32", "--rounds", "2", "--resolution", "24", "--texture-size", "64"]

MODULES = {"extract_mesh": extract, "save_mesh": export}


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
        (["--rounds", "1" + "0" * 400], "--rounds is 1000"),
        (["--pixels", "3"], "--pixels is 3"),
        (["--resolution", "0"], "--resolution is 0"),
        (["--resolution", "2000"], "--resolution is 2000"),
        (["--texture-size", "0"], "--texture-size is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--seed", str(2**64)], "--seed is 18446744073709551616"),
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


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory) -> bytes:
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp("whole") / "o.glb"
    assert main(["fit", str(folder), "-o", str(out), *QUICK]) == 0
    return out.read_bytes()


class TestNothingIsLost:
    """Cut off at any moment after the fit, the same command does not fit again and gives the same bytes."""

    @pytest.mark.parametrize("moment", ["extract_mesh", "save_mesh"])
    def test_stopped_after_the_fit(self, folder, tmp_path, monkeypatch, whole, moment):
        def stop(*_, **__):
            raise Interrupted

        out, told = tmp_path / "new" / "o.glb", tmp_path / "r.json"
        arguments = ["fit", str(folder), "-o", str(out), *QUICK, "--report", str(told)]
        with monkeypatch.context() as stopped:
            stopped.setattr(MODULES[moment], moment, stop)
            assert main(arguments) == 130
        assert ".o.glb.fit" in [path.name for path in out.parent.iterdir()]
        assert main(arguments) == 0
        report = json.loads(told.read_text())["fit"]
        assert report["resumed"] == report["rounds"], "all of them"
        assert out.read_bytes() == whole
        assert [path.name for path in out.parent.iterdir()] == ["o.glb"]

    def test_a_full_disk_loses_no_rounds(self, folder, tmp_path, monkeypatch, capsys, whole):
        def full(*_, **__):
            raise BadInput("o.glb could not be written (No space left on device); check space and rights.")

        out = tmp_path / "o.glb"
        with monkeypatch.context() as stopped:
            stopped.setattr(MODULES["save_mesh"], "save_mesh", full)
            assert main(["fit", str(folder), "-o", str(out), *QUICK]) == 2
        assert "check space and rights" in capsys.readouterr().err
        assert main(["fit", str(folder), "-o", str(out), *QUICK]) == 0
        assert out.read_bytes() == whole

    def test_a_second_run_on_one_output_is_told_at_its_start(self, folder, tmp_path, capsys):
        out = tmp_path / "o.glb"
        with resumable(out, "fit"):
            assert main(["fit", str(tmp_path / "nowhere"), "-o", str(out)]) == 2
        assert "Another run is writing" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
