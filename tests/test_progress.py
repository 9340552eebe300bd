import pytest
import torch

from recon_lib.errors import Interrupted
from recon_lib.progress import Progress, draw


class Recorder(Progress):
    """Keeps what it is told and interrupts once `limit` steps are done."""

    def __init__(self, limit=10**9):
        super().__init__()
        self.seen, self.limit = [], limit

    def check(self):
        if self.done >= self.limit:
            raise Interrupted

    def report(self, preview):
        self.seen.append((self.title, self.done, self.total, draw(preview) is not None))


def test_counts_steps_of_each_stage_from_zero():
    progress = Recorder()
    progress.start("depth", 5)
    progress.step()
    progress.step(torch.zeros(3, 2, 2), steps=4)
    progress.start("mesh", 2)
    assert progress.seen == [
        ("depth", 0, 5, False),
        ("depth", 1, 5, False),
        ("depth", 5, 5, True),
        ("mesh", 0, 2, False),
    ]


def test_an_interrupt_comes_before_the_step_is_counted():
    progress = Recorder(limit=2)
    progress.start("depth", 5)
    progress.step()
    progress.step()
    with pytest.raises(Interrupted):
        progress.step()
    assert progress.done == 2


def test_the_plain_one_shows_and_stops_nothing():
    progress = Progress()
    progress.start("depth", 1)
    progress.step(lambda: pytest.fail("nobody looks, so nothing is drawn"))
    assert (progress.done, progress.total) == (1, 1)


def test_draw_calls_functions_and_passes_images():
    image = torch.zeros(3, 2, 2)
    assert draw(None) is None
    assert draw(image) is image
    assert draw(lambda: image) is image
