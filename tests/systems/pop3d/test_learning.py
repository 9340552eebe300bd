"""When a loop's painter learns, what, and what is kept of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.fitting.checkpoint import remove_checkpoint
from recon_lib.systems.pop3d import learning
from recon_lib.systems.pop3d.learning import Learner, learned_views
from recon_lib.views.views import Views

PAINTER = SimpleNamespace(name="untuned")


def views(count: int) -> Views:
    return Views(torch.zeros(count, 3, 4, 4), Cameras.orbit([9.0 * i for i in range(count)], 0, 3, 40, 4, 4),
                 torch.ones(count, 1, 4, 4))  # fmt: skip


@pytest.fixture
def lessons(monkeypatch) -> list[tuple]:
    """What was learned: from which painter, of how many views, as what, with which seed. Files hold the count."""
    taken = []

    def personalize(painter, views, target, *, kind, seed, progress):
        progress.check()
        taken.append((painter.name, len(views), kind, seed))
        Path(target).write_text(str(len(views)))
        return SimpleNamespace(name=f"learned {len(views)}")

    def with_lora(painter, target):
        return SimpleNamespace(name=f"learned {Path(target).read_text()}")

    monkeypatch.setattr(learning, "personalize", personalize)
    monkeypatch.setattr(learning, "with_lora", with_lora)
    return taken


def names(learner: Learner, counts: range) -> list[str]:
    return [learner.painter_after(views(count), Progress()).name for count in counts]


def test_it_learns_first_and_then_every_so_many_views():
    assert [learned_views(count, 1) for count in range(1, 5)] == [1, 2, 3, 4]
    assert [learned_views(count, 3) for count in range(1, 9)] == [1, 1, 1, 4, 4, 4, 7, 7]


def test_each_lesson_begins_with_the_untuned_painter(lessons):
    learner = Learner(PAINTER, 2, "mug", seed=10)
    assert names(learner, range(1, 5)) == ["learned 1", "learned 1", "learned 3", "learned 3"]
    assert lessons == [("untuned", 1, "mug", 11), ("untuned", 3, "mug", 13)]


def test_zero_is_never(lessons):
    assert names(Learner(PAINTER, 0), range(1, 5)) == ["untuned"] * 4
    assert not lessons


def test_a_loop_that_goes_on_has_the_painter_that_it_had(lessons, tmp_path):
    """It stopped with four views; the last lesson had been of three."""
    fresh = Learner(PAINTER, 2, seed=1)
    assert names(fresh, range(4, 5)) == ["learned 3"]
    assert lessons == [("untuned", 3, "object", 4)]


def test_lessons_are_kept_beside_a_checkpoint(lessons, tmp_path):
    beside = tmp_path / ".a [1].pop3d-key"
    assert names(Learner(PAINTER, 2, beside=beside), range(1, 4)) == ["learned 1", "learned 1", "learned 3"]
    again = Learner(PAINTER, 2, beside=beside)
    assert names(again, range(3, 6)) == ["learned 3", "learned 3", "learned 5"]
    assert [count for _, count, *_ in lessons] == [1, 3, 5]
    other = tmp_path / ".a 1.pop3d-key-1.safetensors"
    other.touch()
    remove_checkpoint(tmp_path / ".a [1].pop3d")
    assert list(tmp_path.iterdir()) == [other], "another output's stays"


@pytest.mark.parametrize("damage", ["changed", "cut", "no digest", "digest"])
def test_a_damaged_lesson_is_taken_again(lessons, tmp_path, damage):
    beside = tmp_path / ".a.pop3d-key"
    names(Learner(PAINTER, 1, beside=beside), range(1, 2))
    file = tmp_path / ".a.pop3d-key-1.safetensors"
    digest = file.with_suffix(".sha256")
    {
        "changed": lambda: file.write_text("2"), "cut": lambda: file.write_bytes(b""), "no digest": digest.unlink,
        "digest": lambda: digest.write_bytes(b"\xff"),
    }[damage]()  # fmt: skip
    assert names(Learner(PAINTER, 1, beside=beside), range(1, 2)) == ["learned 1"]
    assert len(lessons) == 2 and file.read_text() == "1"
    assert names(Learner(PAINTER, 1, beside=beside), range(1, 2)) == ["learned 1"] and len(lessons) == 2


def test_without_a_checkpoint_nothing_is_left(lessons, tmp_path, monkeypatch):
    monkeypatch.setattr(learning.tempfile, "tempdir", str(tmp_path))
    learner = Learner(PAINTER, 1)
    names(learner, range(1, 3))
    assert len(list(tmp_path.iterdir())) == 1, "one folder of its own"
    del learner
    assert not list(tmp_path.iterdir())


def test_it_can_be_stopped(lessons):
    class Stopped(Progress):
        def check(self) -> None:
            raise Interrupted

    with pytest.raises(Interrupted):
        Learner(PAINTER, 1).painter_after(views(1), Stopped())
