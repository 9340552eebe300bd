"""Values from outside: what is meant comes through, everything else is one short sentence."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.errors import BadInput
from recon_lib.parsing import check_path, check_text, is_file, parse_json, read_json, real_number, shown, whole_number

WRONG = (None, True, "3", [], {}, 3.0, math.nan, math.inf, 10**400, -(10**5000), object())
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers())
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def told(call) -> str:
    with pytest.raises(BadInput) as caught:
        call()
    return checked(str(caught.value))


def checked(message: str) -> str:
    assert message.endswith(".") and "\n" not in message and len(message) < 300
    return message


def or_message(call) -> object:
    """What the call gives, or the sentence with which it refuses."""
    try:
        return call()
    except BadInput as error:
        return checked(str(error))


@pytest.mark.parametrize("value", WRONG, ids=map(str, range(len(WRONG))))
def test_what_is_no_whole_number_in_the_range(value):
    assert told(lambda: whole_number("rounds", value, 1, 400, 14)).startswith("rounds is ")


@pytest.mark.parametrize("value", [*WRONG[:5], *WRONG[6:], -1, 1j], ids=map(str, range(len(WRONG) + 1)))
def test_what_is_no_real_number_in_the_range(value):
    assert told(lambda: real_number("cues", value, 0, 10)).startswith("cues is ")


@given(ANYTHING)
def test_a_number_comes_through_or_is_told(value):
    for parse, kind in ((whole_number, int), (real_number, float)):
        found = or_message(lambda parse=parse: parse("x", value, -5, 5))
        assert isinstance(found, str) or (type(found) is kind and -5 <= found <= 5 and found == value)


@given(st.text(), st.integers(2, 50))
def test_shown_text_is_short_and_on_one_line(text, longest):
    short = shown(text, longest)
    assert len(short) <= longest and "\n" not in short and short.isprintable()


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 256, "ü" * 128, "/".join(["x" * 200] * 30)])
def test_paths_that_no_file_system_takes(path):
    assert told(lambda: check_path("The photo", path)).startswith("The photo ")
    assert not is_file(path)


def test_paths_that_are_good(tmp_path):
    for path in ("a b/ü.glb", "x" * 255, "not-utf8-\udcff"):
        assert str(check_path("The photo", path)) == path
    assert check_text("The prompt", "x" * 5000)


@given(JSON)
def test_json_comes_back(value):
    assert parse_json(json.dumps(value), "The file") == value


DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = {
    "empty": b"", "binary": b"\x00\xff", "deep": DEEP, "deep without end": b'{"a":' * 100_000,
    "65 levels": b"[" * 65 + b"]" * 65,
    "NaN": b"[NaN]", "infinity": b"[-Infinity]", "too large": b"[1e999]", "digits": b"[" + b"1" * 400 + b"]",
    "thousands of digits": b"[" + b"1" * 9000 + b"]",
    "half of a pair": b'["\\ud800"]', "half as key": b'{"\\udfff": 1}',
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_json_that_cannot_be_used(tmp_path, kind):
    path = tmp_path / "card.json"
    path.write_bytes(BROKEN[kind])
    message = told(lambda: read_json(path, "The card card.json", "get it again"))
    assert message.startswith("The card card.json cannot be read as JSON") and message.endswith("; get it again.")


@given(st.binary(max_size=60) | st.text('[]{}:,"0123456789.eE-+ \\uNaN', max_size=60))
def test_any_bytes_are_json_or_told(content):
    or_message(lambda: parse_json(content, "The file"))


def test_files_of_json_that_are_missing_or_huge(tmp_path):
    assert "could not be read" in told(lambda: read_json(tmp_path / "none.json", "The card"))
    (tmp_path / "large.json").write_bytes(b" " * 3000)
    assert "more than 2 KB" in told(lambda: read_json(tmp_path / "large.json", "The card", largest=2048))
