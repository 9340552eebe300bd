"""A stop button that is pressed at its n-th check, and the files that a run leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recon_lib.errors import Interrupted
from recon_lib.progress import Progress

Job = Callable[[Progress], object]


class StopButton(Progress):
    """Raises `Interrupted` at check number `at`, counted from 1, and counts the checks."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.at, self.looks = at, 0

    def check(self) -> None:
        self.looks += 1
        if self.looks == self.at:
            raise Interrupted


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, hidden ones too, with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def looks_of(job: Job) -> int:
    """Number of checks of the button in the whole job."""
    button = StopButton()
    job(button)
    return button.looks


def stop_everywhere(job: Job, folder: Path, looks: int, places: int = 5) -> None:
    """Stop the job at its first check, its last, and some between: it must end there, and leave `folder` as it is.

    The error that comes out must be the very one that the button raised.
    """
    before = files(folder)
    for at in sorted({1, looks, *(1 + i * (looks - 1) // (places - 1) for i in range(places))}):
        button = StopButton(at)
        with pytest.raises(Interrupted) as caught:
            job(button)
        assert caught.type is Interrupted
        assert button.looks == at, "the stage went on after the stop"
        assert files(folder) == before, f"stopped at look {at}, something stayed behind"
