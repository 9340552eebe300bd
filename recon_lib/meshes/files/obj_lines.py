"""The lines of an OBJ file by their first word, and numbers out of many lines at once.

A file of a million faces has millions of lines: they are told apart and counted by NumPy on the file's bytes, and a
Python loop sees none of them unless they hold what is not plainly numbers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SPACE, NEWLINE, SLASH = 32, 10, 47
FLOATS, CORNERS = b"0123456789+-.eE \t\n", b"0123456789-/ \t\n"
LARGEST_INDEX = 2**40
AS_SPACES = bytes.maketrans(b"\t/", b"  ")


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of one kind, each without its newline but with its first word."""

    text: "Text"
    rows: np.ndarray  # [L] numbers of the lines in the file

    @cached_property
    def widths(self) -> np.ndarray:
        """[L] words after the first."""
        return self.text.widths[self.rows] - 1

    @cached_property
    def block(self) -> bytes:
        """The lines one after another."""
        breaks = np.flatnonzero(np.diff(self.rows) != 1) + 1
        first = self.text.begins[self.rows[np.concatenate([[0], breaks])]]
        last = self.text.ends[self.rows[np.concatenate([breaks - 1, [len(self.rows) - 1]])]]
        content = self.text.content
        return b"\n".join(content[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True))

    def words(self) -> list[list[str]]:
        """The words of each line after the first, up to a comment."""
        return [line.partition("#")[0].split()[1:] for line in self.block.decode().split("\n")]

    def numbers(self, word: bytes) -> np.ndarray | None:
        """All numbers [sum of widths] float64 of lines that begin with `word`; None if there is anything else."""
        if not self._holds_only(word, FLOATS):
            return None
        return _parsed(self.block.translate(AS_SPACES, word), float, int(self.widths.sum()))

    def corners(self, word: bytes) -> np.ndarray | None:
        """v and vt (0: none) [sum of widths,2] int64 of faces whose corners are all written alike; None otherwise."""
        if not self._holds_only(word, CORNERS):
            return None
        block = self.block
        content = np.frombuffer(block, np.uint8)
        starts = _starts(content)
        starts = starts[content[starts] != word[0]]
        slashes = np.flatnonzero(content == SLASH)
        count = len(slashes) // max(len(starts), 1)
        if count > 2 or count * len(starts) != len(slashes):
            return None
        if count:
            slashes = slashes.reshape(-1, count)
            if int(slashes[-1, -1]) == len(content) - 1 or (content[slashes[:, -1] + 1] <= SPACE).any():
                return None  # 7/
            if not ((slashes[:, 0] > starts).all() and (slashes[:-1, -1] < starts[1:]).all()):
                return None
        width = count + 1
        if count == 2:
            empty = slashes[:, 1] - slashes[:, 0] == 1
            if empty.any() and not empty.all():
                return None
            width -= int(empty.all())
        values = _parsed(block.translate(AS_SPACES, word), np.int64, width * len(starts))
        if values is None or (len(values) and np.abs(values).max() >= LARGEST_INDEX):
            return None
        table = values.reshape(-1, width)
        if width in (1, count):  # 7 and 7//2
            return np.stack([table[:, 0], np.zeros(len(table), np.int64)], 1)
        return table[:, :2]

    def _holds_only(self, word: bytes, characters: bytes) -> bool:
        return self.block.count(word) == len(self.rows) and not self.block.translate(None, characters + word)


class Text:
    """An OBJ file's lines, told apart by their first words."""

    def __init__(self, text: str) -> None:
        self.content = text.encode()
        content = np.frombuffer(self.content, np.uint8)
        breaks = np.flatnonzero(content == NEWLINE)
        self.begins = np.concatenate([[0], breaks + 1])
        self.ends = np.append(breaks, len(content))
        starts = _starts(content)
        first = np.searchsorted(starts, self.begins)
        self.widths = np.diff(np.append(first, len(starts)))  # [L] words
        filled = np.flatnonzero(self.widths)
        at = starts[first[filled]]
        padded = np.concatenate([content, np.full(3, SPACE, np.uint8)])
        self._heads = np.stack([padded[at + k] for k in range(3)], 1)  # [F,3] the first characters of lines with any
        self._filled = filled

    def of(self, word: str) -> Lines:
        """The lines that begin with a word of one or two letters."""
        heads, letters = self._heads, word.encode()
        found = heads[:, len(letters)] <= SPACE
        for place, letter in enumerate(letters):
            found &= heads[:, place] == letter
        return Lines(self, self._filled[found])

    def settings(self) -> list[tuple[int, str, str]]:
        """The number, first word and rest of each `usemtl` and `mtllib` line."""
        rows = self._filled[np.isin(self._heads[:, 0], (ord("u"), ord("m")))]
        found = []
        for row in rows.tolist():
            word, *rest = self.content[self.begins[row] : self.ends[row]].decode().split(None, 1)
            if word in ("usemtl", "mtllib"):
                found.append((row, word, "".join(rest).strip()))
        return found


def _starts(content: np.ndarray) -> np.ndarray:
    """Where words begin in bytes; what is no space and no control character is part of a word."""
    inside = content > SPACE
    starts = np.flatnonzero(inside[1:] > inside[:-1]) + 1
    return np.concatenate([[0], starts]) if len(inside) and inside[0] else starts


def _parsed(block: bytes, kind: type, count: int) -> np.ndarray | None:
    """The block's numbers if they are `count`: NumPy stops at what is none."""
    try:
        values = np.fromstring(block, kind, sep=" ")
    except ValueError:
        return None
    return values if len(values) == count else None
