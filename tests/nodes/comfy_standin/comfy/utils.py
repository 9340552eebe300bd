"""Stand-in: the progress bar. Tests read `updates`."""

from . import model_management

updates: list[tuple[int, int, object]] = []


class ProgressBar:
    def __init__(self, total, node_id=None):
        self.total, self.current = total, 0

    def update_absolute(self, value, total=None, preview=None):
        model_management.throw_exception_if_processing_interrupted()
        self.total = self.total if total is None else total
        self.current = min(value, self.total)
        updates.append((self.current, self.total, preview))
