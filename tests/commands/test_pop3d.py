"""`reconstruct --system pop3d`: its options reach the loop, its views are kept."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from recon_lib.cli import main
from recon_lib.commands.reconstruct_outputs import _painted_tiles, result_sheet
from recon_lib.systems.pop3d import loop as system
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.views.posed_images import load_views
from recon_lib.views.views import Views
from tests.commands.test_reconstruct import answer, photo, use  # noqa: F401
from tests.helpers.stop_button import files


def grown(image: torch.Tensor) -> Reconstruction:
    """What the loop returns: the answer of the first half, with one painted view."""
    first = answer(image)
    views = Views.cat([first.views, replace(first.views, images=image * 0.5)])
    outpaint_mask = SimpleNamespace(preview=lambda: image)
    return replace(first, views=views, outpaint_masks=(outpaint_mask,), report={"views": 2})


@pytest.fixture
def calls(monkeypatch) -> list[dict]:
    use(monkeypatch, None)
    seen: list[dict] = []

    def reconstruct(image, model, **arguments):
        seen.append(arguments)
        return grown(image)

    monkeypatch.setattr(system, "reconstruct", reconstruct)
    return seen


def test_options_reach_the_loop_and_views_are_kept(calls, photo, tmp_path):  # noqa: F811
    out, folder = tmp_path / "out.glb", tmp_path / "views"
    options = ["--cameras", "5", "--prompt", "a cup", "--outpainter", "plain", "--keep-views", str(folder)]
    options += ["--seed", "7", "--kind", "mug", "--outline", "painted", "--cues", "0.5"]
    files = ["--report", str(tmp_path / "r.json"), "--preview", str(tmp_path / "sheet.png")]
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(out), *options, *files]) == 0
    (call,) = calls
    assert call["options"] == system.Options(
        cameras=5, prompt="a cup", outpainter="plain", seed=7, kind="mug", outline="painted", cues=0.5
    )
    assert call["checkpoint"] == tmp_path / ".out.glb.pop3d"
    assert len(load_views(folder)) == 2
    assert json.loads((tmp_path / "r.json").read_text())["details"] == {"views": 2}
    assert out.is_file()
    assert (tmp_path / "sheet.png").is_file()


def test_what_is_usual_is_the_loops_own(calls, photo, tmp_path):  # noqa: F811
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(tmp_path / "out.glb")]) == 0
    assert calls[0]["options"] == system.Options()


def test_the_embedded_painter_may_learn(calls, photo, tmp_path):  # noqa: F811
    out = str(tmp_path / "out.glb")
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", out, "--personalise", "3"]) == 0
    assert calls[0]["options"] == system.Options(personalize=3)


def test_the_sheet_shows_painted_views(photo):  # noqa: F811
    image = torch.rand(1, 3, 40, 60)
    assert result_sheet(image, grown(image)).numel() > result_sheet(image, answer(image)).numel()
    assert [tile.label for tile in _painted_tiles(grown(image))] == ["lacking in view 2", "view 2"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--cameras", "0"], "cameras is 0"),
        (["--cameras", "40"], "cameras is 40"),
        (["--cues", "-0.5"], "cues is -0.5"),
        (["--personalise", "-1"], "personalise is -1"),
        (["--personalise", "2", "--outpainter", "plain"], "plain painter cannot learn"),
        (["--outpainter", "nowhere"], "no folder of a diffusers pipeline"),
        (["--cues", "inf"], "cues is inf"),
        (["--resolution", "1" + "0" * 30], "--resolution is 1000"),
        (["--texture-size", "0"], "--texture-size is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--seed", str(2**64)], "--seed is 1844"),
        (["--outpainter", "x" * 5000], "no folder of a diffusers pipeline"),
        (["--keep-views", "."], "holds files of others"),
        (["--keep-views", "FOLDER/photo.png/v"], "choose another folder"),
        (["--keep-views", "FOLDER/photo.png"], "choose another folder"),
        (["--device", "meta"], "is not available"),
        (["--device", "cuda:99"], "is not available"),
        (["--device", "nonsense"], "is not available"),
        (["--device", "\ud800"], "argument device holds"),
    ],
)
def test_what_cannot_work_is_told_before_any_work(calls, photo, tmp_path, capsys, options, sentence):  # noqa: F811
    out, options = tmp_path / "out.glb", [option.replace("FOLDER", str(tmp_path)) for option in options]
    before = files(tmp_path)
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(out), *options]) == 2
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1
    assert files(tmp_path) == before
    assert not calls
    assert not out.exists()


def test_kept_views_are_replaced_by_a_rerun_and_nothing_else(calls, photo, tmp_path, capsys):  # noqa: F811
    """The same command again; not where somebody put or changed a file."""
    folder = tmp_path / "views"
    command = [
        "reconstruct",
        str(photo),
        "--system",
        "pop3d",
        "-o",
        str(tmp_path / "out.glb"),
        "--keep-views",
        str(folder),
    ]
    folder.mkdir()
    assert main(command) == 0
    first = files(folder)
    assert main(command) == 0 and files(folder) == first
    picture = folder / "images" / "0001.png"
    for change in (lambda: (folder / "notes.txt").touch(), lambda: picture.write_bytes(b"mine"), picture.unlink):
        change()
        before = files(tmp_path)
        calls.clear()
        assert main(command) == 2 and "holds files of others" in capsys.readouterr().err
        assert files(tmp_path) == before and not calls
        shutil.rmtree(folder)
        assert main(command) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.glb", "photo.png", "views"]
