"""Scan conversion against a test of every pixel with every triangle."""

import pytest
import torch

from recon_lib.render.coverage import covered_pixels, cross, doubled_area


def drawn(corners, height, width, chunk=1 << 20):
    """Hit counts [T,H,W] of `covered_pixels`."""
    counts = torch.zeros(len(corners), height, width, dtype=torch.long)
    for triangle, x, y in covered_pixels(corners, height, width, chunk):
        counts.index_put_((triangle, y, x), torch.ones_like(x), accumulate=True)
    return counts


def brute_force(corners, height, width):
    """Smallest signed distance [T,H,W] of each pixel centre to the triangle's edges, positive inside."""
    x, y = torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy")
    point = torch.stack([x, y], -1).double()
    corners = corners.double()
    sides = corners.roll(-1, 1) - corners
    offset = point[None, None] - corners[:, :, None, None]  # [T,3,H,W,2]
    distance = cross(sides[:, :, None, None].expand_as(offset), offset) / sides.norm(dim=-1)[:, :, None, None]
    return (distance * doubled_area(corners).sign()[:, None, None, None]).amin(1)


@pytest.mark.parametrize("spread", [3.0, 40.0, 300.0])
def test_covers_what_a_test_of_every_pixel_covers(spread):
    middle = torch.rand(150, 1, 2) * 60 - 5
    corners = middle + torch.randn(150, 3, 2) * spread
    counts, distance = drawn(corners, 48, 50), brute_force(corners, 48, 50)
    assert counts.max() == 1
    clear = distance.abs() > 1e-3  # nearer than that, rounding may decide
    assert torch.equal((counts > 0)[clear], (distance > 0)[clear])
    assert 0 < int((counts > 0).sum()) < counts.numel()


def test_slivers_and_level_edges():
    corners = torch.tensor([[[2.0, 3.0], [30.0, 3.0], [2.0, 3.6]], [[1.0, 10.5], [31.0, 10.5], [16.0, 20.5]]])
    counts, distance = drawn(corners, 32, 32), brute_force(corners, 32, 32)
    clear = distance.abs() > 1e-3
    assert torch.equal((counts > 0)[clear], (distance > 0)[clear])
    assert counts[1, 10, 2:30].all()  # centres exactly on an edge belong to the triangle


def test_a_fan_leaves_no_cracks():
    angle = torch.linspace(0, 2 * torch.pi, 200)
    rim = torch.stack([angle.cos(), angle.sin()], -1) * 100 + 31.7
    hub = torch.tensor([31.7, 31.7]).expand(199, 2)
    counts = drawn(torch.stack([hub, rim[:-1], rim[1:]], 1), 64, 64)
    assert (counts.sum(0) >= 1).all()


def test_small_chunks_change_nothing():
    corners = torch.rand(80, 3, 2) * 40
    assert torch.equal(drawn(corners, 40, 40, chunk=50), drawn(corners, 40, 40))


def test_useless_triangles_cover_nothing():
    line = [[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]]
    broken = [[1.0, 1.0], [float("nan"), 5.0], [9.0, 2.0]]
    endless = [[1.0, 1.0], [float("inf"), 5.0], [9.0, 2.0]]
    outside = [[-9.0, -9.0], [-2.0, -9.0], [-2.0, -3.0]]
    assert drawn(torch.tensor([line, broken, endless, outside]), 16, 16).sum() == 0
    assert list(covered_pixels(torch.zeros(0, 3, 2), 4, 4)) == []


def test_both_windings_count():
    corners = torch.tensor([[[1.0, 1.0], [9.0, 1.0], [1.0, 9.0]]])
    assert torch.equal(drawn(corners, 10, 10), drawn(corners.flip(1), 10, 10))
