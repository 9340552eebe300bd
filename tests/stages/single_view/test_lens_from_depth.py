"""The lens of a depth map: with a network that is told, and with the embedded one on solids in closed form."""

import logging
import math

import pytest
import torch
from torch import Tensor

from recon_lib.networks.focal import FocalNetwork
from recon_lib.stages.single_view import lens_from_depth as module
from recon_lib.stages.single_view.lens import default_lens, lens_from_fov
from recon_lib.stages.single_view.lens_from_depth import (
    LARGEST_FACTOR,
    depth_crop,
    focal_factor,
    lens_from_depth,
)

HEIGHT, WIDTH = 120, 160


def box_corner(lens: Tensor, distance: float = 4.0) -> Tensor:
    """z-depth [1,1,H,W] of a cube of side 2 that shows three of its sides."""
    v, u = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    ray = torch.stack(
        [(u - lens[0, 0, 2]) / lens[0, 0, 0], (v - lens[0, 1, 2]) / lens[0, 1, 1], torch.ones_like(u)], -1
    )
    turn, tilt = math.radians(35), math.radians(25)
    about_y = torch.tensor([[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [-math.sin(turn), 0, math.cos(turn)]])
    about_x = torch.tensor([[1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]])
    axes = about_x @ about_y  # its columns are the cube's axes
    origin, slope = -torch.tensor([0.0, 0, distance]) @ axes, ray @ axes
    near, far = ((side - origin) / slope for side in (-1.0, 1.0))
    enter, leave = torch.minimum(near, far).amax(-1), torch.maximum(near, far).amin(-1)
    return torch.where(enter < leave, enter, 0.0)[None, None]


def told(monkeypatch, factor: float) -> None:
    """The network finds this factor whatever it sees."""
    monkeypatch.setattr(FocalNetwork, "find", lambda self, depth, mask, focal: factor * focal)
    monkeypatch.setattr(module, "_network", FocalNetwork)


def test_the_lens_is_the_default_one_times_what_is_found(monkeypatch, caplog):
    told(monkeypatch, 1.5)
    default = default_lens(HEIGHT, WIDTH)
    with caplog.at_level(logging.INFO, "recon3d"):
        found = lens_from_depth(box_corner(default))
    torch.testing.assert_close(found[0].diagonal()[:2], 1.5 * default[0].diagonal()[:2])
    torch.testing.assert_close(found[0, :, 2], default[0, :, 2])
    assert "degrees over the longer side assumed" in caplog.text
    told(monkeypatch, 9.0)
    assert focal_factor(box_corner(default), default) == pytest.approx(LARGEST_FACTOR)


def test_a_few_pixels_tell_nothing(monkeypatch):
    told(monkeypatch, 2.0)
    lens, depth = default_lens(HEIGHT, WIDTH), torch.zeros(1, 1, HEIGHT, WIDTH)
    depth[..., 50:55, 50:55] = 3.0
    assert focal_factor(depth, lens) == 1.0
    depth[..., 10:110, 50:52] = 3.0  # a hair: many pixels, few of the crop's are covered
    assert depth_crop(depth, 64) is None and torch.equal(lens_from_depth(depth), lens)


def test_the_crop_is_the_objects():
    depth = torch.zeros(1, 1, HEIGHT, WIDTH)
    depth[..., 20:60, 90:130] = 3.0
    small, on, scale = depth_crop(depth, 32)
    assert scale == pytest.approx(32 * 0.85 / 40, rel=0.03)
    rows = on[0, 0].any(1).nonzero()
    assert float(rows.max() - rows.min() + 1) == pytest.approx(0.85 * 32, abs=1)
    torch.testing.assert_close(small[on], torch.full_like(small[on], 3.0))


@pytest.mark.parametrize("fov", [25.0, 40.0, 65.0])
def test_the_embedded_network_finds_the_lens_of_a_cube(fov):
    lens = lens_from_fov(fov, HEIGHT, WIDTH)
    depth = 7 * box_corner(lens, 1.6 / math.tan(math.radians(fov) / 2) + 1.5)
    found = float(lens_from_depth(depth)[0, 0, 0] / lens[0, 0, 0])
    assert found == pytest.approx(1, rel=0.2)
