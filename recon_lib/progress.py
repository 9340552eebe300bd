"""Progress of long stages: steps, previews, interruption."""

import logging
from collections.abc import Callable

from torch import Tensor

log = logging.getLogger("recon3d")

Preview = Tensor | Callable[[], Tensor] | None  # [3,H,W] in 0-1, or a function that draws one on demand


class Progress:
    """Step counter without display. Hosts (console, ComfyUI) subclass it and override `report` and `check`.

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
    """No-op in place of `Progress.check`, for work that cannot be interrupted."""


def draw(preview: Preview) -> Tensor | None:
    """Image [3,H,W] of the preview, which is called if it is a function."""
    return preview() if callable(preview) else preview
