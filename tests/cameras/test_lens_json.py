import math

import pytest
import torch

from recon_lib.cameras.lens_json import is_scaled, lens_from_json, level_of, size_from_json
from recon_lib.errors import BadInput

WIDTH, HEIGHT = 80, 60
ANGLE = 2 * math.atan(40 / 100)
ANGLE_Y = 2 * math.atan(30 / 110)
K = [[100, 0, 42], [0, 110, 33], [0, 0, 1]]


def matrix(*levels, size=(WIDTH, HEIGHT)):
    lens = lens_from_json([level_of(level) for level in levels], *size, "a.png")
    return None if lens is None else lens.intrinsics


def four(*levels, size=(WIDTH, HEIGHT)):
    m = matrix(*levels, size=size)
    return [float(m[0, 0]), float(m[1, 1]), float(m[0, 2]), float(m[1, 2])]


FX_FY_CX_CY = {
    "nerfstudio": {"fl_x": 100, "fl_y": 110, "cx": 42, "cy": 33},
    "short": {"fx": 100, "fy": 110, "cx": 42, "cy": 33},
    "camel case": {"flX": 100, "flY": 110, "cX": 42, "cY": 33},
    "words": {"focal_length_x": 100, "focal_length_y": 110, "principal_point_x": 42, "principal_point_y": 33},
    "pairs": {"focal_length": [100, 110], "principal_point": [42, 33]},
    "K": {"K": K},
    "4x4": {"intrinsics": [[*row, 0] for row in K] + [[0, 0, 0, 1]]},
    "3x4": {"intrinsics": [[*row, 0] for row in K]},
    "flat": {"camera_matrix": [n for row in K for n in row]},
    "by columns": {"intrinsic_matrix": [100, 0, 0, 0, 110, 0, 42, 33, 1]},
    "four numbers": {"intrinsics": [100, 110, 42, 33]},
    "OpenCV's file": {"camera_matrix": {"rows": 3, "cols": 3, "data": [n for row in K for n in row]}},
    "an object inside": {"camera_intrinsics": {"fx": 100, "fy": 110, "cx": 42, "cy": 33}},
    "angles": {"camera_angle_x": ANGLE, "camera_angle_y": ANGLE_Y, "cx": 42, "cy": 33},
    "degrees": {"x_fov": math.degrees(ANGLE), "y_fov": math.degrees(ANGLE_Y), "cx": 42, "cy": 33},
    "fov in radians": {"fov_x": ANGLE, "fov_y": ANGLE_Y, "cx": 42, "cy": 33},
    "fov in degrees": {"fovx": math.degrees(ANGLE), "fovy": math.degrees(ANGLE_Y), "cx": 42, "cy": 33},
    "angle and matrix": {"camera_angle_x": ANGLE, "K": K},
    "fl_x and angle_y": {"fl_x": 100, "camera_angle_y": ANGLE_Y, "cx": 42, "cy": 33},
    "a sensor": {"focal_length": [45, 49.5], "sensor_width": 36, "cx": 42, "cy": 33},
    "nulls": {"fl_x": None, "K": K, "cx": None, "w": None},
}


@pytest.mark.parametrize("case", FX_FY_CX_CY)
def test_every_spelling(case):
    wanted = [100, 110, 42, 33]
    if case == "a sensor":
        wanted[1] = 110
    assert four(FX_FY_CX_CY[case]) == pytest.approx(wanted)
    assert four({}, FX_FY_CX_CY[case]) == pytest.approx(wanted)
    assert four({"w": 80, "h": 60}, FX_FY_CX_CY[case]) == pytest.approx(wanted)


def test_each_question_has_its_fallback():
    assert four({"fl_x": 100}) == [100, 100, 40, 30]
    assert four({"fl_y": 100}) == [100, 100, 40, 30]
    assert four({"camera_angle_x": ANGLE, "cx": 30}) == pytest.approx([100, 100, 30, 30])
    assert four({"camera_angle_y": ANGLE_Y}) == pytest.approx([110, 110, 40, 30])
    assert matrix({"cx": 40, "cy": 30}) is None
    assert matrix({}) is None


def test_the_frame_answers_before_the_file_in_whatever_spelling():
    shared = {"fl_x": 100, "fl_y": 110, "cx": 42, "cy": 33}
    assert four({"camera_angle_x": 2 * math.atan(40 / 50)}, shared) == pytest.approx([50, 55, 42, 33])
    assert four({"cx": 10}, shared) == [100, 110, 10, 33]
    assert four({"K": [[50, 0, 1.5], [0, 60, 2], [0, 0, 1]]}, shared) == [50, 60, 1.5, 2]


def test_numbers_are_of_the_size_that_is_told_with_them():
    full = {"fl_x": 200, "fl_y": 220, "cx": 84, "cy": 66, "w": 160, "h": 120}
    assert four(full) == pytest.approx([100, 110, 42, 33])
    assert four({}, full) == pytest.approx([100, 110, 42, 33])
    assert four({"fl_x": 100, "w": 80, "h": 60}, full) == pytest.approx([100, 110, 42, 33])
    assert four({"camera_angle_x": ANGLE, "w": 160, "h": 120}) == pytest.approx([100, 100, 40, 30])
    assert four({**full, "w": 161, "h": 119}, size=(80, 60))  # a reduced copy's sides are rounded


@pytest.mark.parametrize(
    "names",
    [
        {"w": 160, "h": 120},
        {"width": 160.0, "height": 120.0},
        {"image_width": 160, "image_height": 120},
        {"W": 160, "H": 120},
        {"resolution": [160, 120]},
        {"image_size": [160, 120]},
        {"image_shape": [120, 160, 3]},
        {"camera": {"width": 160, "height": 120}},
    ],
)
def test_sizes_in_every_spelling(names):
    assert size_from_json([level_of(names)], "a.png") == (160, 120)


def test_a_size_may_be_told_in_two_places():
    assert size_from_json([{"w": 160}, {"h": 120}], "a.png") == (160, 120)
    assert size_from_json([{}, {}], "a.png") is None


def test_copies_of_one_size():
    assert is_scaled((80, 60), (160, 120))
    assert is_scaled((126, 95), (1015, 761))
    assert is_scaled((127, 95), (1015, 761))
    assert not is_scaled((160, 160), (160, 240))
    assert not is_scaled((4, 4), (8, 6))


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ({"fl_x": "100"}, "fl_x of a.png is '100'"),
        ({"fl_x": True}, "fl_x of a.png is True"),
        ({"fl_x": 0}, "fl_x of a.png is 0; it must be above 0"),
        ({"fl_x": -3}, "fl_x of a.png is -3"),
        ({"fl_x": math.nan}, "fl_x of a.png is nan"),
        ({"fl_x": 10**400}, "fl_x of a.png is 1000"),
        ({"fl_x": 1.25}, "fl_x of a.png is 1.25 for 80x60 pixels"),
        ({"fl_x": 1e30}, "fl_x of a.png is 1e.30"),
        ({"fl_x": [100, 110]}, "fl_x of a.png is "),
        ({"fl_x": 100, "cx": "a"}, "cx of a.png is 'a'"),
        ({"fl_x": 100, "cx": 0.5, "cy": 0.5}, "give the centre in pixels"),
        ({"fl_x": 100, "cx": 0, "cy": 0}, "give the centre in pixels"),
        ({"fl_x": 100, "cx": 80, "cy": 60}, "lie outside its 80x60 pixels"),
        ({"fl_x": 100, "w": 80}, "give both or neither"),
        ({"fl_x": 100, "w": "80", "h": 60}, "w and h of a.png is '80'"),
        ({"fl_x": 100, "w": 0, "h": 0}, "w and h of a.png is 0"),
        ({"fl_x": 100, "w": math.inf, "h": 60}, "w and h of a.png is inf"),
        ({"fl_x": 100, "w": 10**400, "h": 60}, "w and h of a.png is 1000"),
        ({"fl_x": 100, "w": 80, "h": 120}, "are 80 and 120, its image has 80x60"),
        ({"camera_angle_x": 40}, "camera_angle_x of a.png, in radians, is 40"),
        ({"camera_angle_x": 0}, "camera_angle_x of a.png"),
        ({"fov_x": 190}, "field of view of a.png is 190"),
        ({"K": [[0] * 3] * 3}, "does not end in 0, 0, 1"),
        ({"K": [[0, 0, 0], [0, 0, 0], [0, 0, 1]]}, "intrinsic matrix's focal length of a.png is 0"),
        ({"K": [[1.2, 0, 0.5], [0, 1.6, 0.5], [0, 0, 1]]}, "is 1.2 for 80x60 pixels"),
        ({"K": [[100, 9, 40], [0, 100, 30], [0, 0, 1]]}, "has a skew of 9"),
        ({"K": [[100, 0], [0, 100]]}, "has 4 numbers"),
        ({"K": [[100, "0", 40], [0, 100, 30], [0, 0, 1]]}, "intrinsic matrix of a.png is '0'"),
        ({"K": [[[100]]]}, "intrinsic matrix of a.png is "),
        ({"focal_length": 50, "sensor_width": 0}, "sensor_width of a.png"),
        ({"is_fisheye": True, "fl_x": 100}, "lens FISHEYE"),
    ],
)
def test_what_is_malformed(level, sentence):
    for levels in ([level, {}], [{}, level]):
        with pytest.raises(BadInput, match=sentence) as caught:
            matrix(*levels)
        assert len(str(caught.value)) < 300


def test_the_matrix_is_of_double_precision():
    assert matrix({"fl_x": 100}).dtype == torch.float64
