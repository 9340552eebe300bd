"""The errors a user can cause, each told in one sentence: what is wrong, where, and what to do."""


class BadInput(ValueError):
    """An input that no stage can work with; the message says what to change."""


class OutOfMemory(RuntimeError):
    """The work does not fit this machine even in its smallest pieces; the message says what to make smaller."""


class Interrupted(RuntimeError):
    """The user stopped the run. Raised by `Progress`, never swallowed by a stage."""
