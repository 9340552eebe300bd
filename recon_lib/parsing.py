"""Bounded readers of what people write: JSON, numbers, names. Whatever is wrong is one sentence (`BadInput`)."""

import json
import math
import numbers
import os
import reprlib
from pathlib import Path

from .errors import BadInput

MAX_JSON_BYTES = 1 << 28  # of a file
MAX_JSON_DEPTH = 64  # lists and objects inside each other
MAX_NAME_BYTES = 255  # of one part of a path, in UTF-8: what file systems take
MAX_PATH_BYTES = 4096
SEEDS = 0, 2**64 - 1  # what torch's generators take
RESOLUTIONS = 8, 1024  # cells per side of an extracted grid
TEXTURE_SIZES = 16, 8192  # texels per side
MAX_SHOWN = 60  # characters of a value in a sentence


def shown(value: object) -> str:
    """A value as a sentence may quote it: printable, on one line, at most about `MAX_SHOWN` characters."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = MAX_SHOWN
    short.maxlist = short.maxdict = short.maxtuple = short.maxset = 4
    short.maxlevel = 2
    try:
        text = short.repr(value)
    except (ValueError, RecursionError):  # integers of more digits than Python prints
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 2 * MAX_SHOWN else f"{text[: 2 * MAX_SHOWN - 3]}..."


def number(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """`value` as a finite float in low..high. Booleans, strings, NaN and integers beyond floats are refused."""
    try:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError
        result = float(value)
    except (TypeError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise BadInput(f"{name} is {shown(value)}; a finite number is needed.")
    if not low <= result <= high:
        raise BadInput(f"{name} is {shown(value)}; a number from {low:g} to {high:g} is needed.")
    return result


def whole_number(value: object, name: str, low: int, high: int) -> int:
    """`value` as an int in low..high; floats without a fraction count, as JSON writers make them."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    result = int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else low - 1
    if not low <= result <= high:
        raise BadInput(f"{name} is {shown(value)}; a whole number from {low} to {high} is needed.")
    return result


def checked_name(value: object, name: str) -> str:
    """A file name or path that file systems can hold: no NUL, no lone surrogates, no part beyond 255 bytes."""
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is {shown(value)}; the name of a file is needed.")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise BadInput(f"{name} is {shown(value)}, which holds characters that no file name can have; rename it.")
    longest = max(len(part) for part in encoded.replace(b"\\", b"/").split(b"/"))
    if longest > MAX_NAME_BYTES or len(encoded) > MAX_PATH_BYTES:
        raise BadInput(
            f"{name} is {shown(value)} of {len(encoded)} bytes; a name has at most {MAX_NAME_BYTES}, rename it."
        )
    return value


def check_text(text: str, name: str) -> str:
    """The text. Raises `BadInput` for a NUL and for half of a surrogate pair, which no file can hold.

    Surrogates by which Python writes undecodable bytes of file names are allowed.
    """
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        text = "\0"
    if "\0" in text:
        raise BadInput(f"{name} holds a NUL or half of a character, which no file name can have; write it again.")
    return text


def check_path(name: str, path: Path | str) -> Path:
    """The path of a file on this machine. Raises `BadInput` for one that no file system takes."""
    check_text(str(path), name)
    path = Path(path)
    sizes = [len(os.fsencode(part)) for part in path.parts]
    if max(sizes, default=0) > MAX_NAME_BYTES:
        raise BadInput(f"{name} has a part of {max(sizes)} bytes; a name has at most {MAX_NAME_BYTES}, shorten it.")
    if sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        raise BadInput(f"{name} is a path of {sum(sizes)} bytes; a path has at most {MAX_PATH_BYTES}, shorten it.")
    return path


def is_file(path: Path | str) -> bool:
    """Whether there is such a file; False for paths that cannot exist."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def read_json(path: Path | str, name: str) -> object:
    """The value in a JSON file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark, or in Windows' 8 bits.

    name: what the file is, for sentences, such as "The camera file view.json".
    """
    path = Path(checked_name(str(path), name))
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"{name} is no file; name the JSON file itself.")
        if path.stat().st_size > MAX_JSON_BYTES:
            raise BadInput(f"{name} has more than {MAX_JSON_BYTES >> 20} MB; it is no list of settings or cameras.")
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{name} could not be read ({error.strerror}); check its name.") from error
    return parse_json(content, name)


def parse_json(content: bytes | str, name: str) -> object:
    """The value of JSON text; objects and lists at most `MAX_JSON_DEPTH` deep."""
    try:
        value = json.loads(_text(content) if isinstance(content, bytes) else content.removeprefix("\ufeff"))
    except RecursionError as error:
        raise BadInput(f"{name} is nested too deeply; at most {MAX_JSON_DEPTH} levels are read.") from error
    except ValueError as error:
        raise BadInput(f"{name} is not JSON ({str(error)[: 2 * MAX_SHOWN]}); write it again.") from error
    if _is_deeper(value, MAX_JSON_DEPTH):
        raise BadInput(f"{name} is nested too deeply; at most {MAX_JSON_DEPTH} levels are read.")
    return value


def _text(content: bytes) -> str:
    """Text of JSON in any of Unicode's encodings, else in Windows' code page of western languages."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _is_deeper(value: object, depth: int) -> bool:
    """True if lists and objects lie more than `depth` deep inside each other."""
    level = [value]
    for _ in range(depth + 1):
        inner = [part for part in level if isinstance(part, list | dict)]
        if not inner:
            return False
        level = [part for one in inner for part in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(part, list | dict) for part in level)
