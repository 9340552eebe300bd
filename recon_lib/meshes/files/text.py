"""Text and numbers of mesh files, whoever wrote them."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from ...errors import BadInput


def decoded(content: bytes) -> str:
    """Text in UTF-8, UTF-16 with a mark, or Latin-1; with lines that a backslash breaks joined again."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\\\n", " ")


def table(rows: Sequence[Sequence[str]], name: str) -> np.ndarray:
    """Rows of equally many numbers [N,K] float64. Raises `BadInput` for words and for NaN or infinite numbers."""
    width = len(rows[0]) if rows else 0
    try:
        if any(len(row) != width for row in rows):
            raise ValueError("rows of different lengths")
        # much faster than an array of nested words
        values = np.fromiter(map(float, chain.from_iterable(rows)), np.float64).reshape(len(rows), width)
    except ValueError as error:
        raise BadInput(f"{name} is damaged or truncated (a coordinate is no number); get it again.") from error
    return check_numbers(values, name)


def check_numbers(values: np.ndarray, name: str) -> np.ndarray:
    """The values. Raises `BadInput` for NaN or infinite ones."""
    if not np.isfinite(values).all():
        raise BadInput(f"{name} holds NaN or infinite coordinates; save it anew.")
    return values
