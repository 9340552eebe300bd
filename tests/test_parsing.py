import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.errors import BadInput
from recon_lib.parsing import (
    MAX_JSON_BYTES,
    check_path,
    check_text,
    checked_name,
    is_file,
    number,
    parse_json,
    read_json,
    shown,
    whole_number,
)

VALUE = {"größe": [1, 2.5, "ä"]}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)
def test_json_of_every_encoding_that_editors_write(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes(json.dumps(VALUE, ensure_ascii=False).encode(encoding))
    assert read_json(tmp_path / "a.json", "It") == VALUE


def test_json_text_may_begin_with_a_byte_order_mark():
    assert parse_json("\ufeff[1]", "It") == [1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[1, 2", "It is not JSON"),
        ("", "It is not JSON"),
        (b"\xff\xfe\x00", "It is not JSON"),
        (b"\x81", "It is not JSON"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("[" * 66 + "]" * 66, "nested too deeply"),
        ("9" * 10_000, "It is not JSON"),
    ],
)
def test_what_is_no_json(content, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        parse_json(content, "It")
    assert len(str(caught.value)) < 300


def test_depth_up_to_the_limit_is_read():
    assert parse_json("[" * 65 + "]" * 65, "It")
    assert parse_json("3", "It") == 3


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadInput, match="could not be read"):
        read_json(tmp_path / "none.json", "It")
    with pytest.raises(BadInput, match="is no file"):
        read_json(tmp_path, "It")
    with pytest.raises(BadInput, match="255"):
        read_json(tmp_path / ("a" * 300), "It")
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(BadInput, match="more than 256 MB"):
        read_json(tmp_path / "big.json", "It")


def test_numbers():
    assert number(3, "n") == 3.0
    assert number(-0.5, "n", -1, 1) == -0.5
    for value in (True, "3", None, [1], math.nan, math.inf, 10**400):
        with pytest.raises(BadInput, match=r"n is .*finite number"):
            number(value, "n")
    with pytest.raises(BadInput, match="from 0 to 1"):
        number(2, "n", 0, 1)


def test_whole_numbers():
    assert whole_number(3.0, "n", 0, 5) == 3
    for value in (True, 3.5, "3", None, math.nan, -math.inf, 10**400, 10**5000, -1, 6):
        with pytest.raises(BadInput, match=r"n is .*whole number from 0 to 5"):
            whole_number(value, "n", 0, 5)


def test_names():
    assert checked_name("images/größe.png", "n") == "images/größe.png"
    assert checked_name("a/" * 200 + "b", "n")
    for value in ("", " ", None, 3, "a\0b", "a\ud800", "é" * 128, "a/" * 3000):
        with pytest.raises(BadInput, match="n is"):
            checked_name(value, "n")


def test_values_are_cut_in_sentences():
    assert shown("photo.png") == "'photo.png'"
    for value in ("x" * 10**6, [[list(range(99))] * 99] * 99, 10**400, 10**5000, "a\nb\ud800", {1: 2}):
        text = shown(value)
        assert len(text) <= 120
        assert text.isprintable()


# -- whatever comes in -------------------------------------------------------------------------------

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


@given(ANYTHING)
def test_a_number_comes_through_or_is_told(value):
    for parse, kind in ((whole_number, int), (number, float)):
        found = or_message(lambda parse=parse: parse(value, "x", -5, 5))
        assert isinstance(found, str) or (type(found) is kind and -5 <= found <= 5 and found == value)


@given(ANYTHING)
def test_shown_values_are_short_and_on_one_line(value):
    assert len(shown(value)) <= 120 and shown(value).isprintable()


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 256, "ü" * 128, "/".join(["x" * 200] * 30)])
def test_paths_that_no_file_system_takes(path):
    assert told(lambda: check_path("The photo", path)).startswith("The photo ")
    assert not is_file(path)


def test_paths_that_are_good():
    for path in ("a b/ü.glb", "x" * 255, "not-utf8-\udcff"):
        assert str(check_path("The photo", path)) == path
    assert check_text("x" * 5000, "The prompt")


@given(JSON)
def test_json_comes_back(value):
    assert parse_json(json.dumps(value), "The file") == value


@given(st.binary(max_size=60) | st.text('[]{}:,"0123456789.eE-+ \\uNaN', max_size=60))
def test_any_bytes_are_json_or_told(content):
    or_message(lambda: parse_json(content, "The file"))
