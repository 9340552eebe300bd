"""The curve of the training is the table's."""

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_training_curve", ROOT / "tools" / "make_training_curve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_table(tool):
    assert tool.PICTURE.read_text(encoding="utf-8") == tool.drawn(tool.rows_of(tool.PAGE.read_text(encoding="utf-8")))


def test_points_lie_where_hours_and_f_say(tool):
    page = "## F against hours\n\n| v | h | a | b | c | d |\n|---|---|---|---|---|---|\n"
    page += "| 1 | 2.0 | | | 0.40 | 0.30 |\n| 2 | 4.0 (and 1 more) | 0.5 | 0.4 | 0.50 | 0.60 |\n\n## Queue\n| x | y |\n"
    rows = tool.rows_of(page)
    assert tool.points_of(rows, 4) == [(2.0, 0.40), (4.0, 0.50)] and tool.points_of(rows, 2) == [(4.0, 0.5)]
    lines = ElementTree.fromstring(tool.drawn(rows)).findall("{*}polyline")
    points = [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in lines]
    (x0, y0), (x1, y1) = points[3]
    assert y0 == tool.HEIGHT - tool.BOTTOM and y1 == tool.TOP, "from the lowest to the highest"
    assert x1 - tool.LEFT == pytest.approx(2 * (x0 - tool.LEFT), abs=0.1), "twice the hours"
