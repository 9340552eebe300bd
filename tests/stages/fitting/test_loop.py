"""Around the steps of any fit: what is message, kept, gone on from and refused."""

import pytest

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.fitting.checkpoint import Checkpoint
from recon_lib.stages.fitting.loop import all_steps
from tests.helpers.stop_button import files


class Told(Progress):
    """Notes what is reported; stops the stage after so many steps."""

    def __init__(self, stop_after: int = 10**9) -> None:
        super().__init__()
        self.stop_after, self.reported = stop_after, []

    def report(self, preview) -> None:
        self.reported.append((self.done, callable(preview)))
        if self.done == self.stop_after:
            raise Interrupted


class Doubling:
    """Its value tells whether a step was left out or done twice."""

    def __init__(self, progress: Progress, diverges_at: int = 10**9) -> None:
        self.progress, self.done, self.value, self.diverges_at = progress, 0, 1, diverges_at

    def advance(self) -> float:
        self.done, self.value = self.done + 1, 2 * self.value + self.done
        return float("nan") if self.done == self.diverges_at else 0.5

    def preview(self) -> None:
        return None

    def state(self) -> dict:
        return {"done": self.done, "value": self.value}

    def load_state(self, state: dict) -> None:
        self.done, self.value = state["done"], state["value"]


def run(fit: Doubling, path=None, total: int = 5):
    return all_steps(fit, "Doubling", total, path and Checkpoint(path, "key", pause=0.0), lambda: fit.value)


def test_every_step_is_told_once_with_its_preview():
    progress = Told()
    value, went = run(Doubling(progress))
    assert value == run(Doubling(Progress()))[0] > 2**5 and went.resumed == 0 and went.seconds > 0
    assert (progress.title, progress.total) == ("Doubling", 5)
    assert progress.reported == [(0, False), *((step, True) for step in range(1, 6))]


@pytest.mark.parametrize("step", [1, 4])
def test_stopped_and_run_again_takes_each_step_once(tmp_path, step):
    with pytest.raises(Interrupted):
        run(Doubling(Told(step)), tmp_path / "state")
    again = Told()
    value, went = run(Doubling(again), tmp_path / "state")
    assert value == run(Doubling(Progress()))[0] and went.resumed == step
    assert again.reported[:2] == [(0, False), (step, False)] and again.done == 5
    assert not files(tmp_path), "the checkpoint goes when the result is there"


def test_no_state_is_kept_of_the_last_step():
    """It would cost a writing and be removed at once."""

    class Kept(Checkpoint):
        def __init__(self) -> None:
            self.written = []

        def read(self) -> None:
            return None

        def write(self, state) -> None:
            self.written.append(state()["done"])

        def remove(self) -> None:
            self.written.append("removed")

    kept, fit = Kept(), Doubling(Progress())
    all_steps(fit, "Doubling", 3, kept, lambda: kept.written.append("result"))
    assert kept.written == [1, 2, "result", "removed"]


def test_a_loss_that_is_no_number_ends_it_and_leaves_the_state_before(tmp_path):
    with pytest.raises(BadInput, match="diverged"):
        run(Doubling(Progress(), diverges_at=3), tmp_path / "state")
    assert Checkpoint(tmp_path / "state", "key").read()["done"] == 2
