"""Resumable runs: what stays when one is cut off, what goes at its end, whose folders are replaced."""

from pathlib import Path

import pytest
import torch

from recon_lib.commands.resumable import MARKER, check_outputs, check_replaceable, keep_views, resumable
from recon_lib.errors import BadInput, Interrupted
from recon_lib.files import written_whole
from recon_lib.progress import Progress
from recon_lib.views.posed_images import load_views
from tests.helpers.hulls import around, ball_mask, masked
from tests.helpers.stop_button import StopButton, files, looks_of

CAMERAS = around(2, 16)
VIEWS = masked(CAMERAS, ball_mask(CAMERAS, 0.5))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, BadInput, MemoryError])
def test_the_checkpoint_stays_on_any_exception_and_goes_at_the_end(tmp_path, error):
    output = tmp_path / "o.glb"
    with pytest.raises(error), resumable(output, "fit") as checkpoint:
        checkpoint.touch()
        raise error
    assert names(tmp_path) == [".o.glb.fit"]
    with resumable(output, "fit") as checkpoint:
        assert checkpoint.is_file()
        checkpoint.with_name(f"{checkpoint.name}-fit").touch()
        output.touch()
    assert names(tmp_path) == ["o.glb"]


def test_what_a_killed_run_left_half_written_goes_at_the_end(tmp_path):
    output, report = tmp_path / "o.obj", tmp_path / "r.json"
    parts = []
    for path in (output, tmp_path / "o.mtl", tmp_path / "o.png", report, tmp_path / ".o.obj.fit", tmp_path / "x.obj"):
        with written_whole(path) as beside:
            parts.append(beside)
            beside.touch()
        path.rename(beside)
    with resumable(output, "fit", (report, None)):
        pass
    assert list(tmp_path.iterdir()) == [parts[-1]], "another output's"


def test_outputs_that_differ_in_the_ending_alone_are_two(tmp_path):
    with resumable(tmp_path / "o.glb", "fit") as one, resumable(tmp_path / "o.obj", "fit") as other:
        assert one != other


@pytest.mark.parametrize("other", ["fit", "pop3d"])
def test_one_output_is_written_by_one_run(tmp_path, other):
    with resumable(tmp_path / "o.glb", "fit"), pytest.raises(BadInput, match="Another run"):
        resumable(tmp_path / "o.glb", other).__enter__()


def test_the_longest_name_of_an_output(tmp_path):
    with resumable(tmp_path / f"{'ü' * 125}.glb", "pop3d") as checkpoint, written_whole(checkpoint) as beside:
        beside.touch()
    assert not list(tmp_path.iterdir())


class TestOutputs:
    @pytest.mark.parametrize(
        "places",
        [
            {"preview": "in/photo.png"},
            {"preview": "in/../in/photo.png"},
            {"report": "in/views.json"},
            {"views": "out"},
            {"views": "."},
            {"views": "out/o.glb"},
            {"views": "in/photo.png/v"},
            {"views": "x" * 300},
            {"output": "out/o.txt"},
            {"report": "in/photo.png/r.json"},
        ],
    )
    def test_what_cannot_be_is_told(self, tmp_path, monkeypatch, places):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "in").mkdir()
        inputs = (Path("in/photo.png"), Path("in/views.json"), None)
        for path in inputs[:2]:
            path.touch()
        usual = {"output": "out/o.glb", "report": None, "preview": None}
        given = {name: place and Path(place) for name, place in {**usual, **places}.items()}
        with pytest.raises(BadInput):
            check_outputs(**given, inputs=inputs)
        assert names(tmp_path) == ["in"]

    def test_a_long_name_in_no_encoding(self, tmp_path):
        with resumable(tmp_path / f"{chr(0xDCFF) * 130}.glb", "fit") as checkpoint:
            checkpoint.touch()
        assert not list(tmp_path.iterdir())


class TestKeepViews:
    def test_they_are_read_again(self, tmp_path):
        keep_views(VIEWS, tmp_path / "views", Progress())
        assert torch.equal(load_views(tmp_path / "views").masks, VIEWS.masks)
        assert MARKER in names(tmp_path / "views")
        check_replaceable(tmp_path / "views")

    @pytest.mark.parametrize("content", [b"", b"[1", b"{}", b"\xff", b"[" * 10**5])
    def test_a_damaged_marker_is_no_permission(self, tmp_path, content):
        keep_views(VIEWS, tmp_path / "views", Progress())
        (tmp_path / "views" / MARKER).write_bytes(content)
        with pytest.raises(BadInput, match="holds files of others"):
            check_replaceable(tmp_path / "views")

    def test_stopped_anywhere_the_folder_of_before_stays(self, tmp_path):
        folder = tmp_path / "views"
        keep_views(VIEWS[:1], folder, Progress())
        before = files(tmp_path)
        for at in range(1, looks_of(lambda progress: keep_views(VIEWS, tmp_path / "other", progress)) + 1):
            with pytest.raises(Interrupted):
                keep_views(VIEWS, folder, StopButton(at))
            assert {name: each for name, each in files(tmp_path).items() if not name.startswith("other")} == before

    def test_what_a_killed_run_left_goes(self, tmp_path):
        (tmp_path / ".views.12345678.part" / "new").mkdir(parents=True)
        (tmp_path / ".views.mine").mkdir()
        keep_views(VIEWS, tmp_path / "views", Progress())
        assert names(tmp_path) == [".views.mine", "views"]
