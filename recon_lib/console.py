"""Progress bars on a terminal."""

import sys

from .progress import Preview, Progress


class ConsoleProgress(Progress):
    """A tqdm bar per stage on stderr, removed when the stage is done; a line per stage if stderr is not a terminal.

    Ctrl-C needs no check: Python raises KeyboardInterrupt, which the command line handles.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar = None
        self._bar_title = ""

    def report(self, preview: Preview) -> None:
        from tqdm import tqdm

        if self._bar is None or self._bar_title != self.title:
            self.close()
            self._bar_title = self.title
            if sys.stderr is not None and not sys.stderr.isatty():
                sys.stderr.write(f"{self.title}\n")
                sys.stderr.flush()
            self._bar = tqdm(desc=self.title, total=self.total or None, file=sys.stderr, leave=False, disable=None)
        self._bar.update(self.done - self._bar.n)
        if self.total and self.done >= self.total:
            self.close()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
