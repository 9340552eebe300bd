import pytest
import torch
from torch import Tensor

from recon_lib.cameras.distortion import Distortion, undistorted

INTRINSICS = torch.tensor([[110.0, 0, 62], [0, 105, 47], [0, 0, 1]], dtype=torch.float64)
HEIGHT, WIDTH = 96, 128
MODELS = {
    "SIMPLE_RADIAL": Distortion("brown", (-0.15, 0, 0, 0, 0, 0)),
    "RADIAL": Distortion("brown", (0.12, -0.05, 0, 0, 0, 0)),
    "OPENCV": Distortion("brown", (-0.1, 0.03, 0, 0, 0, 0), (0.01, -0.008)),
    "OPENCV with k3": Distortion("brown", (-0.1, 0.03, 0.02, 0.01, 0, 0), (0.004, 0.003)),
    "FULL_OPENCV": Distortion("rational", (0.1, 0.02, 0.01, 0.05, 0.02, 0.01), (0.003, 0.002)),
    "OPENCV_FISHEYE": Distortion("fisheye", (0.05, -0.02, 0.01, -0.003, 0, 0)),
}


def scene(points: Tensor) -> Tensor:
    """A smooth picture [3,...] as a function of points [...,2] on the plane z = 1."""
    x, y = points.unbind(-1)
    return torch.stack([0.5 + 0.4 * torch.sin(9 * x), 0.5 + 0.4 * torch.cos(8 * y), 0.5 + 0.3 * torch.sin(6 * (x + y))])


def plane() -> Tensor:
    """Points [H,W,2] of all pixels on the plane z = 1."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    pixels = torch.stack([x, y, torch.ones_like(x)], -1).double()
    return (pixels @ torch.linalg.inv(INTRINSICS).mT)[..., :2]


def distorted_picture(distortion: Distortion) -> Tensor:
    """What the lens shows of the scene [3,H,W]: each pixel's point is found by fixed-point iteration."""
    seen = plane()
    points = seen.clone()
    for _ in range(200):
        points = points - 0.5 * (torch.nan_to_num(distortion.distort(points)) - seen)
    return scene(points).float()


@pytest.mark.parametrize("name", MODELS)
def test_a_distorted_picture_becomes_the_pinhole_picture(name):
    distortion = MODELS[name]
    shown = distorted_picture(distortion)
    straight = scene(plane()).float()
    made = undistorted(shown, INTRINSICS, distortion)
    known = made[3] > 0
    inner = torch.zeros_like(known)
    inner[3:-3, 3:-3] = True
    before, after = ((picture - straight).abs()[:, known & inner].mean() for picture in (shown, made[:3]))
    assert after < 0.001
    assert before > 4 * after
    assert known.float().mean() > 0.8


def test_opencv_agrees_on_where_points_are_seen():
    """Figures of cv2.projectPoints and cv2.fisheye.distortPoints for (0.3, -0.2)."""
    point = torch.tensor([0.3, -0.2], dtype=torch.float64)
    r2 = 0.13
    k1, k2, k3, p1, p2 = -0.1, 0.03, 0.02, 0.004, 0.003
    factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    x = 0.3 * factor + 2 * p1 * -0.06 + p2 * (r2 + 0.18)
    y = -0.2 * factor + p1 * (r2 + 0.08) + 2 * p2 * -0.06
    assert Distortion("brown", (k1, k2, k3, 0, 0, 0), (p1, p2)).distort(point).tolist() == pytest.approx([x, y])
    equidistant = Distortion("fisheye").distort(point)
    assert float(equidistant.norm()) == pytest.approx(float(torch.tensor(0.13).sqrt().atan()), abs=1e-6)


def test_the_slope_is_that_of_the_radius():
    """Where the model folds over, which is where its radius stops growing, nothing is shown."""
    for distortion in (*MODELS.values(), Distortion("brown", (-0.4, 0, 0, 0, 0, 0))):
        bare = Distortion(distortion.model, distortion.k)
        r = torch.linspace(0.01, 3, 600, dtype=torch.float64)
        seen = bare.distort(torch.stack([r, r * 0], -1))[:, 0]
        folded = seen.isnan()
        assert (seen[~folded].diff() > 0).all()
    assert folded.any()
    assert float(r[folded].min()) == pytest.approx((1 / 1.2) ** 0.5, abs=0.01)


def test_distortions_below_what_pixels_show_change_nothing():
    picture = torch.rand(3, HEIGHT, WIDTH)
    made = undistorted(picture, INTRINSICS, Distortion("brown", (1e-7, 0, 0, 0, 0, 0)))
    assert torch.equal(made[:3], picture)
    assert made[3].min() == 1


def test_what_is_beyond_the_picture_is_not_known():
    made = undistorted(torch.ones(1, HEIGHT, WIDTH), INTRINSICS, MODELS["RADIAL"], "nearest")
    assert made[1, 0, 0] == 0
    assert made[1, 48, 64] == 1
