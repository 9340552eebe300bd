"""Recorded losses and interruption of training runs."""

from recon_lib.errors import Interrupted
from recon_lib.progress import Progress


def losses_of(monkeypatch, run):
    """Losses of all later steps; `run` is a subclass of `Run`."""
    losses, train_step = [], run._train_step

    def recorded(self, batch):
        terms = train_step(self, batch)
        losses.append(terms["loss"])
        return terms

    monkeypatch.setattr(run, "_train_step", recorded)
    return losses


class StopAfter(Progress):
    """Interrupts after so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def check(self):
        if self.done >= self.steps:
            raise Interrupted
