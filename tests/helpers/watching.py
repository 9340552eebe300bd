"""What tests of runs look on with."""

from recon_lib.errors import Interrupted
from recon_lib.progress import Progress


def losses_of(monkeypatch, run):
    """Every step's loss from here on; `run` is a class of `Run`."""
    losses, learn = [], run._learn

    def remembered(self, batch):
        terms = learn(self, batch)
        losses.append(terms["loss"])
        return terms

    monkeypatch.setattr(run, "_learn", remembered)
    return losses


class StopAfter(Progress):
    """Interrupts once so many steps are done."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def check(self):
        if self.done >= self.steps:
            raise Interrupted
