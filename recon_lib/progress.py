"""How a long stage tells what it does, shows what it has, and learns that the user wants it to stop."""

import logging
from collections.abc import Callable

from torch import Tensor

log = logging.getLogger("recon3d")

Preview = Tensor | Callable[[], Tensor] | None  # [3,H,W] in 0-1, or a function that draws one when it is wanted


class Progress:
    """Counts steps and shows nothing. Hosts (console, ComfyUI) derive from it and override `report` and `check`.

    A stage calls `start` once, then `step` after each unit of work. `step` raises what the host raises on
    interrupt (`Interrupted`, or ComfyUI's own exception), so stages must not catch broadly around it.
    """

    def __init__(self) -> None:
        self.title = ""
        self.total = 0
        self.done = 0

    def start(self, title: str, total: int) -> None:
        """Begin a stage of `total` steps."""
        self.check()
        self.title, self.total, self.done = title, total, 0
        self.report(None)

    def step(self, preview: Preview = None, steps: int = 1) -> None:
        """Finish `steps` units of work; `preview` is drawn only by hosts that can show it."""
        self.check()
        self.done += steps
        self.report(preview)

    def check(self) -> None:
        """Raise if the user asked to stop. Cheap: call it inside inner loops."""

    def report(self, preview: Preview) -> None:
        """Show `done` of `total`."""


def unchecked() -> None:
    """In the place of `Progress.check` where nobody can interrupt."""


def draw(preview: Preview) -> Tensor | None:
    """The preview's image [3,H,W], calling it if it is a function."""
    return preview() if callable(preview) else preview
