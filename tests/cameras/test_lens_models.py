import pytest

from recon_lib.cameras.lens_json import level_of
from recon_lib.cameras.lens_models import distortion_from_json
from recon_lib.errors import BadInput


def distortion(**values):
    return distortion_from_json(level_of(values), "a.png")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"camera_model": "PINHOLE"},
        {"camera_model": "opencv", "k1": 0, "k2": 0.0, "p1": 0},
        {"camera_model": "Simple Pinhole"},
        {"camera_model": None},
        {"is_fisheye": False},
        {"fisheye": 0},
        {"is_fisheye": "false"},
        {"model": "iPhone 12"},
        {"lens": 50.0},
        {"type": "frame"},
        {"distortion_params": [0, 0, 0, 0, 0, 0]},
        {"ortho_scale": 6.0, "spherical_harmonics": 3},
        {"camera": {"model": "PINHOLE"}},
    ],
)
def test_pinhole(values):
    assert distortion(**values) is None


@pytest.mark.parametrize(
    "values",
    [
        {"camera_model": "OPENCV", "k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4},
        {"camera_model": "PINHOLE", "k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4},
        {"dist_coeffs": [0.1, 0.2, 0.3, 0.4]},
        {"dist_coeffs": [[0.1, 0.2, 0.3, 0.4, 0.0]]},
        {"distortion_coefficients": {"rows": 1, "cols": 4, "data": [0.1, 0.2, 0.3, 0.4]}},
        {"distCoeffs": [[0.1], [0.2], [0.3], [0.4]]},
        {"distortion_params": [0.1, 0.2, 0, 0, 0.3, 0.4]},
        {"distortion": {"k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4}},
        {"radial_distortion": [0.1, 0.2, 0], "tangential_distortion": [0.3, 0.4]},
        {"distortion_model": "plumb_bob", "k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4},
    ],
)
def test_brown(values):
    found = distortion(**values)
    assert (found.model, found.k, found.p) == ("brown", (0.1, 0.2, 0, 0, 0, 0), (0.3, 0.4))


def test_other_models():
    assert distortion(camera_model="SIMPLE_RADIAL", k1=0.1).k[0] == 0.1
    assert distortion(camera_model="SIMPLE_RADIAL", k=0.1).k[0] == 0.1
    assert distortion(camera_model="FULL_OPENCV", k1=0.1, k4=0.2).model == "rational"
    assert distortion(k1=0.1, k6=0.2).model == "rational"
    assert distortion(k1=0.1, k4=0.2).model == "brown"  # nerfstudio's fourth
    for values in (
        {"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k2": 0.2, "k3": 0.3, "k4": 0.4},
        {"is_fisheye": True, "k1": 0.1, "k2": 0.2, "k3": 0.3, "k4": 0.4},
        {"camera_model": "fisheye", "distortion_params": [0.1, 0.2, 0.3, 0.4]},
        {"distortion_model": "equidistant", "D": 3, "dist_coeffs": [0.1, 0.2, 0.3, 0.4]},
    ):
        found = distortion(**values)
        assert (found.model, found.k) == ("fisheye", (0.1, 0.2, 0.3, 0.4, 0, 0))
    assert distortion(camera_model="OPENCV_FISHEYE", k1=0).model == "fisheye"  # equidistant is no pinhole either


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"camera_model": "OPENCV_FISHEYE"}, "lens OPENCV_FISHEYE, without coefficients"),
        ({"is_fisheye": True}, "lens FISHEYE, without coefficients"),
        ({"fisheye": 1}, "lens FISHEYE"),
        ({"isFisheye": "true"}, "lens FISHEYE"),
        ({"camera_model": "EQUIRECTANGULAR"}, "cameramodel 'EQUIRECTANGULAR'"),
        ({"camera_model": "whatever"}, "cameramodel 'whatever'"),
        ({"camera_model": 3}, "cameramodel 3"),
        ({"camera_type": "spherical"}, "cameratype 'spherical'"),
        ({"projection": "orthographic"}, "projection 'orthographic'"),
        ({"model": "Thin Prism Fisheye"}, "model 'Thin Prism Fisheye'"),
        ({"camera": {"model": "panoramic"}}, "model 'panoramic'"),
        ({"equirectangular": True}, "says equirectangular: True"),
        ({"is_orthographic": True}, "says isorthographic"),
        ({"latlong": True}, "says latlong"),
        ({"ftheta_p0": 0.1}, "says fthetap0"),
        ({"is_360": True}, "says is360"),
        ({"k1": "x"}, "k1 of a.png is 'x'"),
        ({"k1": float("nan")}, "k1 of a.png is nan"),
        ({"k1": 1e9}, "k1 of a.png is 1000000000"),
        ({"dist_coeffs": [0.1, 0, 0, 0, 0, 0, 0, 0, 0.3]}, "9 numbers of distortion"),
        ({"dist_coeffs": [None, 0, 0, 0]}, "k1 of a.png is None"),
        ({"s1": 0.1}, "lens coefficient s1"),
    ],
)
def test_refused_by_name(values, sentence):
    with pytest.raises(BadInput, match=sentence.replace("(", r"\(")):
        distortion(**values)
