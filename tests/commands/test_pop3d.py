import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch

from recon_lib.cli import main
from recon_lib.commands import pop3d
from recon_lib.commands.reconstruct import result_sheet
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.systems.pop3d import loop as system
from recon_lib.views.posed_images import load_views
from recon_lib.views.views import Views
from tests.commands.test_reconstruct import answer, octahedron, photo, use  # noqa: F401


@dataclass(frozen=True)
class Call:
    image: torch.Tensor
    painter: object
    options: system.Options
    given: dict


def grown(image: torch.Tensor) -> SimpleNamespace:
    """What the loop returns: the answer of the first half, with one painted view."""
    first = answer(image)
    views = Views.cat([first.surface.views, replace(first.surface.views, images=image * 0.5)])
    gap = SimpleNamespace(preview=lambda: image)
    return SimpleNamespace(
        **vars(first) | {"mesh": octahedron(), "views": views, "outpaint_masks": (gap,), "report": {"views": 2}}
    )


@pytest.fixture
def calls(monkeypatch) -> list[Call]:
    use(monkeypatch, None)
    seen: list[Call] = []

    def reconstruct(image, model, painter, *, options, **given):
        seen.append(Call(image, painter, options, given))
        return grown(image)

    monkeypatch.setattr(system, "reconstruct", reconstruct)
    return seen


def test_options_reach_the_loop_and_views_are_kept(calls, photo, tmp_path):  # noqa: F811
    out, kept = tmp_path / "out.glb", tmp_path / "views"
    told = ["--cameras", "5", "--prompt", "a cup", "--outpainter", "plain", "--keep-views", str(kept), "--seed", "7"]
    told += ["--kind", "mug", "--outline", "painted", "--cues", "0.5"]
    files = ["--report", str(tmp_path / "r.json"), "--preview", str(tmp_path / "sheet.png")]
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(out), *told, *files]) == 0
    (call,) = calls
    assert isinstance(call.painter, PlainPainter)
    assert (call.options.cameras, call.options.prompt, call.options.seed) == (5, "a cup", 7)
    assert (call.options.personalize, call.options.kind) == (0, "mug")
    assert (call.options.outline, call.options.cues) == ("painted", 0.5)
    assert call.given["checkpoint"] == tmp_path / ".out.pop3d"
    assert len(load_views(kept)) == 2
    assert json.loads((tmp_path / "r.json").read_text())["details"] == {"views": 2}
    assert out.is_file()
    assert (tmp_path / "sheet.png").is_file()


def test_what_is_usual_is_the_loops_own(calls, photo, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pop3d, "choose_painter", lambda name, device: name)
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(tmp_path / "out.glb")]) == 0
    (call,) = calls
    assert call.options == system.Options()


def test_the_embedded_painter_may_learn(calls, photo, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pop3d, "choose_painter", lambda name, device: name)
    out = str(tmp_path / "out.glb")
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", out, "--personalise", "3"]) == 0
    (call,) = calls
    assert (call.painter, call.options.personalize, call.options.kind) == ("embedded", 3, "object")


def test_the_sheet_shows_painted_views(photo):  # noqa: F811
    image = torch.rand(1, 3, 40, 60)
    assert result_sheet(image, grown(image)).numel() > result_sheet(image, answer(image)).numel()
    assert [tile.label for tile in pop3d.tiles(grown(image))] == ["lacking in view 2", "view 2"]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (["--cameras", "0"], "--cameras is 0"),
        (["--cameras", "40"], "--cameras is 40"),
        (["--cues", "-0.5"], "--cues is -0.5"),
        (["--personalise", "-1"], "--personalise is -1"),
        (["--personalise", "2", "--outpainter", "plain"], "painter that can learn"),
        (["--outpainter", "nowhere"], "no folder of a diffusers pipeline"),
        (["--keep-views", "."], "exists already"),
    ],
)
def test_what_cannot_work_is_told_before_any_work(calls, photo, tmp_path, capsys, told, sentence):  # noqa: F811
    out = tmp_path / "out.glb"
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", str(out), *told]) != 0
    assert sentence in capsys.readouterr().err
    assert not calls
    assert not out.exists()


def test_a_folder_that_cannot_paint(calls, photo, tmp_path, capsys):  # noqa: F811
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "MarigoldDepthPipeline"}')
    out = str(tmp_path / "out.glb")
    assert main(["reconstruct", str(photo), "--system", "pop3d", "-o", out, "--outpainter", str(folder)]) != 0
    assert "no pipeline that can paint" in capsys.readouterr().err
