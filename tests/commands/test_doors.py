"""The command line as a door: whatever the arguments are, there is a result or one sentence, and no empty folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon_lib.cli import main
from recon_lib.commands import standard_output
from tests.helpers.stop_button import files

NUMBERS = (
    st.integers().map(str) | st.floats().map(str) | st.sampled_from(["1" + "0" * 400, "9" * 5000, "0x10", "1_0", ""])
)
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["a\0b", "\ud800", "x" * 300, "ü/" * 3000, "\udcff", ".", "..", "-", "/"]
)
OPTIONS = {
    "fit": (["rounds", "pixels", "resolution", "texture-size", "seed", "grid"], ["report", "preview"]),
    "reconstruct": (
        ["resolution", "texture-size", "seed", "cameras", "cues", "personalise"],
        ["mask", "device", "model", "report", "preview", "keep-views", "outpainter", "prompt", "system"],
    ),
    "evaluate": (["samples", "seed"], ["align", "camera", "json", "error-mesh"]),
    "mesh": (["faces", "smooth", "size-mm"], ["up"]),
    "data": (["count", "solids", "views", "backgrounds", "seed"], ["sheet", "meshes", "split", "up", "photos"]),
    "models": ([], ["folder"]),
}
PLACES = {
    "fit": ["{0}", "-o", "o.glb"], "reconstruct": ["{0}", "-o", "o.glb"], "evaluate": ["{0}", "{0}"],
    "mesh": ["{0}", "-o", "o.glb"],
    "data": ["--shards", "new/shards"], "models": [],
}  # fmt: skip


def told(capsys) -> str:
    """What was said on stderr: one sentence, or argparse's usage with its error."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1 or "error: " in said.splitlines()[-1]
    return said


def call(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


@st.composite
def commands(draw) -> list[str]:
    """A command with a photo, views or meshes that are not there, so that it must end with a sentence."""
    command = draw(st.sampled_from(sorted(PLACES)))
    numbers, texts = OPTIONS[command]
    arguments = [command, *(part.format(draw(TEXTS)) for part in PLACES[command])]
    for name, values in [*((name, NUMBERS) for name in numbers), *((name, TEXTS) for name in texts)]:
        if draw(st.integers(0, 3)) == 0:
            arguments.append(f"--{name}={draw(values)}")
    return arguments


def check_door(tmp_path_factory, capsys, arguments: list[str]) -> None:
    folder = tmp_path_factory.mktemp("door")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code = call(arguments)
    if code == 0:
        assert arguments[0] in ("models", "data"), "the others were given nothing to work on"
        capsys.readouterr()
        return
    assert code == 2
    told(capsys)
    assert not list(folder.iterdir()), "nothing is left of what did not work, not even a folder"


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(arguments=commands())
def test_any_arguments(tmp_path_factory, capsys, arguments):
    check_door(tmp_path_factory, capsys, arguments)


@pytest.mark.slow
@settings(max_examples=3000, derandomize=False, deadline=None, suppress_health_check=QUIET)
@given(arguments=commands())
def test_any_arguments_for_long(tmp_path_factory, capsys, arguments):
    check_door(tmp_path_factory, capsys, arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fit", "a\0b", "-o", "o.glb"], "argument views holds a NUL"),
        (["fit", "x" * 300, "-o", "o.glb"], "argument views has a part of 300 bytes"),
        (["fit", "v", "-o", "\ud800.glb"], "argument output holds a NUL or half of a character"),
        (["reconstruct", "p.png", "-o", "o.glb", "--model", "x" * 300], "There is no"),
        (["evaluate", "a.glb", "b.glb", "--samples", "1" + "0" * 30], "--samples is 1000"),
        (["evaluate", "a.glb", "b.glb", "--seed", "-1"], "--seed is -1"),
        (["mesh", "a.glb", "-o", "b.glb", "--faces", "3"], "--faces is 3"),
        (["mesh", "a.glb", "-o", "b.glb", "--size-mm", "0"], "--size-mm is 0"),
        (["data", "--shards", "s", "--solids", "-1"], "--solids is -1"),
        (["data", "--orbits", "s", "--solids", "1", "--views", "0"], "--views is 0"),
        (["data", "--shards", "s", "--backgrounds", "-3"], "--backgrounds is -3"),
        (["data", "--shards", "s", "--solids", "1", "--seed", str(2**64)], "--seed is 1844"),
        (["train", "zeroshape-w", "--shards", "s", "--out", "o", "--batch", "-1"], "--batch is -1"),
        (["train", "zeroshape-w", "--shards", "s", "--out", "o", "--rate", "nan"], "argument rate is nan"),
        (["train", "zeroshape-w", "--shards", "a\0b", "--out", "o"], "argument options holds a NUL"),
        (["train", "outpainter", "--samples", "s", "--out", "o", "--minutes=-1"], "--minutes is -1"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.png").touch()
    before = files(tmp_path)
    assert call(arguments) == 2
    said = told(capsys)
    assert sentence in said or ("reconstruct" in arguments and "p.png" in said)
    assert files(tmp_path) == before and len(list(tmp_path.iterdir())) == 1


# -- standard output -------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--help"], ["fit", "--help"]])
def test_a_full_disk_behind_standard_output(monkeypatch, capfd, arguments):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert call(arguments) == 2
    assert capfd.readouterr().err.startswith("Standard output cannot be written (No space left on device)")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="the system has no /dev/full")
def test_a_full_disk_up_to_the_end_of_the_process(repo_root):
    arguments = ["--help"]
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "recon_lib", *arguments]
        ended = subprocess.run(command, cwd=repo_root, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Standard output cannot be written (No space left on device)")
    assert ended.stderr.count("\n") == 1


def test_a_reader_that_has_gone(repo_root):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "recon_lib", "models"]
    ended = subprocess.run(command, cwd=repo_root, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_what_the_encoding_lacks_is_escaped(monkeypatch, tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        standard_output.write_stdout("größe \ud800\n")
    assert (tmp_path / "out").read_text() == "gr\\xf6\\xdfe \\ud800\n"


def test_without_a_console_nothing_is_written(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    standard_output.write_stdout("x")
