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
    after = Told()
    assert run(Doubling(after), tmp_path / "state")[1].resumed == 5, "what is finished is kept for the caller"
    assert after.reported == [(0, False), (5, False)]


def test_the_state_after_the_last_step_is_written_whatever_the_pause(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state", "key", pause=10**6)
    all_steps(Doubling(Progress()), "Doubling", 3, checkpoint, lambda: None)
    assert checkpoint.resume(lambda state: state)["done"] == 3


@pytest.mark.parametrize("done", [999, 6, 0, -1, True, 2.0, "2", None])
def test_steps_that_do_not_fit_the_run_start_anew(tmp_path, done):
    Checkpoint(tmp_path / "state", "key").write(lambda: {"done": done, "value": 7}, now=True)
    value, went = run(Doubling(Progress()), tmp_path / "state")
    assert value == run(Doubling(Progress()))[0] and went.resumed == 0
    assert sorted(files(tmp_path)) == ["state", "state.damaged"]


def test_a_loss_that_is_no_number_ends_it_and_leaves_the_state_before(tmp_path):
    with pytest.raises(BadInput, match="diverged"):
        run(Doubling(Progress(), diverges_at=3), tmp_path / "state")
    assert Checkpoint(tmp_path / "state", "key").resume(lambda state: state)["done"] == 2
