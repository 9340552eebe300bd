"""Errors with a message for the user, in one sentence: what is wrong, where, and what to do."""


class BadInput(ValueError):
    """Invalid input; the message says what to change."""


class OutOfMemory(RuntimeError):
    """Not enough memory even for the smallest chunks; the message says what to make smaller."""


class Interrupted(RuntimeError):
    """The user stopped the run. Raised by `Progress`, never swallowed by a stage."""
