"""Warnings of the library, shown as text on the node that gave rise to them."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .host import show_text

log = logging.getLogger("recon3d")


class _Collected(logging.Handler):
    """The warnings of one thread, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.messages: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.messages[record.getMessage()] = None


@contextmanager
def warnings_on_node() -> Iterator[None]:
    """What is logged as a warning meanwhile stands on the node afterwards, besides in the log."""
    collected = _Collected()
    log.addHandler(collected)
    try:
        yield
    finally:
        log.removeHandler(collected)
    show_text("\n".join(f"{message[:1].upper()}{message[1:]}" for message in collected.messages))
