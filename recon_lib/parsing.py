"""Bounded parsing of values from outside: numbers, text, paths, JSON. Imports no torch, so that `--help` is quick."""

import json
import math
import numbers
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from .errors import BadInput

SEEDS = 0, 2**64 - 1  # what torch's generators take
RESOLUTIONS = 8, 1024  # cells per side of an extracted grid
TEXTURE_SIZES = 16, 8192  # texels per side
LARGEST = sys.float_info.max
LONGEST_NAME = 255  # bytes of a file or folder name, on all usual file systems
LONGEST_PATH = 4096  # bytes
LONGEST_NUMBER = 40  # digits of a number in JSON
DEEPEST_JSON = 64  # brackets inside each other
LARGEST_JSON = 64 << 20  # bytes


def shown(value: object, longest: int = 80) -> str:
    """A value for an error message: its text, cut to `longest` characters, on one line."""
    try:
        text = str(value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a number of thousands of digits"
    text = "".join(c if c.isprintable() else "?" for c in text[: longest + 1])
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def whole_number(what: str, value: Any, low: int, high: int, usual: int | None = None) -> int:
    """The integer `value`. Raises `BadInput` unless it is one from `low` to `high`."""
    whole = not isinstance(value, bool) and isinstance(value, numbers.Integral)
    if not whole or not low <= int(value) <= high:
        hint = "" if usual is None else f", {usual} is usual"
        raise BadInput(f"{what} is {shown(value)}; give a whole number from {low} to {high}{hint}.")
    return int(value)


def real_number(what: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """The number `value` as a float. Raises `BadInput` unless it is finite and lies in `low` to `high`."""
    real: Any = float("nan") if isinstance(value, bool) or not isinstance(value, numbers.Real) else value
    if not (abs(real) <= LARGEST and low <= real <= high):  # so is NaN refused
        between = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
        raise BadInput(f"{what} is {shown(value)}; give a finite number{between}.")
    return float(real)


def check_text(what: str, text: str) -> str:
    """The text. Raises `BadInput` when it holds a NUL or half of a surrogate pair, which no file can."""
    try:
        text.encode("utf-8", "surrogateescape")  # undecodable bytes of file names are allowed
    except UnicodeEncodeError:
        text = "\0"
    if "\0" in text:
        raise BadInput(f"{what} holds a character that no name can hold (NUL or half of a pair); write it again.")
    return text


def check_path(what: str, path: Path | str) -> Path:
    """The path. Raises `BadInput` for one that no file system takes: NUL, lone surrogates, names that are too long."""
    check_text(what, str(path))
    path = Path(path)
    sizes = [len(os.fsencode(part)) for part in path.parts]
    if max(sizes, default=0) > LONGEST_NAME:
        raise BadInput(f"{what} has a name of {max(sizes)} bytes in it; file systems take {LONGEST_NAME}, shorten it.")
    if sum(sizes) + len(sizes) > LONGEST_PATH:
        raise BadInput(f"{what} is a path of {sum(sizes)} bytes; use one of at most {LONGEST_PATH}.")
    return path


def is_file(path: Path | str) -> bool:
    """Whether there is such a file; False for paths that cannot exist."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def read_json(path: Path, what: str, remedy: str = "write it again", largest: int = LARGEST_JSON) -> Any:
    """The value in a JSON file; see `parse_json`."""
    try:
        if path.stat().st_size > largest:
            raise BadInput(f"{what} has more than {largest >> 10} KB, too much for its kind; {remedy}.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"{what} could not be read ({getattr(error, 'strerror', error)}); check its name.") from error
    return parse_json(content, what, remedy)


def parse_json(content: bytes | str, what: str, remedy: str = "write it again") -> Any:
    """The value that `content` holds: UTF-8, -16 or -32 with or without a byte order mark, or Windows' 8 bits.

    Raises `BadInput` when it is not JSON, nested deeper than 64, or holds NaN, infinity, numbers of more than 40
    digits or lone surrogates.
    """
    try:
        text = _decoded(content) if isinstance(content, bytes) else content
        value = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refused)
        _check_nesting(value)
    except RecursionError as error:
        raise BadInput(f"{what} cannot be read as JSON (nested too deep); {remedy}.") from error
    except ValueError as error:  # JSON's and Unicode's own errors are of this kind
        raise BadInput(f"{what} cannot be read as JSON ({shown(error)}); {remedy}.") from error
    return value


def _decoded(content: bytes) -> str:
    """Text of JSON in whatever encoding an editor wrote it."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refused(digits)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"the number {shown(constant, 20)} is not finite")


def _check_nesting(value: object) -> None:
    """Raise `ValueError` for deep nesting and for text that cannot be written. Walks without recursion."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST_JSON:
            raise ValueError(f"nested deeper than {DEEPEST_JSON}")
        inner: list = []
        for each in level:
            if isinstance(each, Mapping):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str):
                each.encode("utf-8")
        level = inner
