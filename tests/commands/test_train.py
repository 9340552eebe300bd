from pathlib import Path

import pytest

from recon_lib.cli import main
from recon_lib.training.zeroshape_w import train as zeroshape_w


@pytest.fixture
def runs(monkeypatch):
    """Settings of the runs that were started, and their progress."""
    started = []
    monkeypatch.setattr(zeroshape_w, "train", lambda settings, progress: started.append((settings, progress)))
    return started


def test_the_systems_options_reach_its_training(runs):
    assert main(["train", "zeroshape-w", "--shards", "s", "--out", "o", "--size", "base", "--steps", "7"]) == 0
    ((settings, progress),) = runs
    assert (settings.shards, settings.out, settings.size, settings.steps) == (Path("s"), Path("o"), "base", 7)
    assert progress.total == 0


def test_help_of_a_system_lists_its_options(capsys, runs):
    with pytest.raises(SystemExit) as ended:
        main(["train", "zeroshape-w", "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and "--without-occluders" in said and "train zeroshape-w" in said
    assert runs == []


@pytest.mark.parametrize(
    "arguments", [["sculptor"], ["zeroshape-w"], ["zeroshape-w", "--shards", "s", "--out", "o", "--size", "xl"]]
)
def test_wrong_arguments(capsys, runs, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    assert ended.value.code == 2 and runs == []


def test_no_shards_is_one_sentence(capsys, tmp_path):
    assert main(["train", "zeroshape-w", "--shards", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "No rendered shard" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_outpainter_is_trained_on_its_samples(monkeypatch):
    from recon_lib.training.outpainter import train as outpainter

    started = []
    monkeypatch.setattr(outpainter, "train", lambda settings, progress: started.append(settings))
    assert main(["train", "outpainter", "--samples", "s", "--out", "o", "--minutes", "3"]) == 0
    assert (started[0].samples, started[0].out, started[0].minutes) == (Path("s"), Path("o"), 3.0)
