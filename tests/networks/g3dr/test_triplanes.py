import pytest
import torch
import torch.nn.functional as F

from recon_lib.networks.g3dr.triplanes import ALL_AXES, PUBLISHED_AXES, KnotPlanes, knots


def planes(batch=1, channels=5, side=8, seed=0):
    return torch.randn(batch, 3, channels, side, side, generator=torch.Generator().manual_seed(seed))


def read_as_published(planes, points, axes, levels=3):
    """Sum over planes and resolutions of `grid_sample`: [N,C] of planes [3,C,N,N] at points [N,3]."""
    total = 0
    for plane, pair in zip(planes, axes, strict=True):
        for level in range(levels):
            small = F.interpolate(plane[None], scale_factor=0.5**level, mode="bilinear", antialias=True)
            small = small if level else plane[None]
            grid = points[None, None, :, list(pair)]
            total = total + F.grid_sample(small, grid, padding_mode="zeros", align_corners=False)[0, :, 0].mT
    return total


def points(count=200, seed=1):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("axes", [PUBLISHED_AXES, ALL_AXES])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_one_reading_is_the_sum_of_all_resolutions(axes, levels):
    p = planes()
    found = KnotPlanes.of(p, axes, levels).read(points())
    torch.testing.assert_close(found, read_as_published(p[0], points(), axes, levels), atol=1e-5, rtol=1e-5)


def test_the_border_too():
    p, corners = planes(), torch.tensor([[-1.0, -1, -1], [1, 1, 1], [-1, 1, 0.3]])
    found = KnotPlanes.of(p, ALL_AXES).read(corners)
    torch.testing.assert_close(found, read_as_published(p[0], corners, ALL_AXES), atol=1e-5, rtol=1e-5)


def test_each_object_reads_its_own_planes():
    p = planes(3)
    batch = torch.arange(200) % 3
    found = KnotPlanes.of(p, ALL_AXES).read(points(), batch)
    for i in range(3):
        alone = KnotPlanes.of(p[i : i + 1], ALL_AXES)
        torch.testing.assert_close(found[batch == i], alone.read(points()[batch == i]))
        torch.testing.assert_close(KnotPlanes.of(p, ALL_AXES).each()[i].table, alone.table)


@pytest.mark.parametrize("axes", [PUBLISHED_AXES, ALL_AXES])
def test_a_lattice_is_the_sum_of_three_planes(axes):
    p, axis = KnotPlanes.of(planes(), axes), torch.linspace(-1, 1, 7)
    maps = p.on_lattice(axis)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    index = torch.stack(torch.meshgrid(*[torch.arange(7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    summed = sum(m[index[:, a], index[:, b]] for m, (a, b) in zip(maps, axes, strict=True))
    torch.testing.assert_close(summed, p.read(nodes), atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_planes():
    p = planes(side=4).requires_grad_()
    KnotPlanes.of(p, ALL_AXES).read(points(20)).square().sum().backward()
    q = p.detach().requires_grad_()
    read_as_published(q[0], points(20), ALL_AXES).square().sum().backward()
    torch.testing.assert_close(p.grad, q.grad, atol=1e-4, rtol=1e-4)


def test_planes_that_cannot_be_halved():
    with pytest.raises(ValueError, match="cannot be halved"):
        knots(torch.zeros(1, 6, 6))
