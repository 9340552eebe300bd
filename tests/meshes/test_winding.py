import math

import pytest
import torch

from recon_lib.meshes.winding import solid_angles, winding_numbers
from tests.helpers.shapes import ball, box, quad


def directions(count: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(0)), dim=-1)


def test_an_octant_is_an_eighth():
    corners = torch.eye(3)
    assert solid_angles(corners).item() == pytest.approx(1 / 8)
    assert solid_angles(corners.flip(0)).item() == pytest.approx(-1 / 8), "seen from its back"
    assert solid_angles(torch.zeros(2, 3, 3)).tolist() == [0, 0]


def test_a_ball_winds_once_around_its_inside():
    triangles = ball(4).triangles
    points = directions(600) * torch.linspace(0, 2, 600)[:, None]
    points = points[(points.norm(dim=-1) - 1).abs() > 0.02]
    found = winding_numbers(triangles, points)
    assert (found - (points.norm(dim=-1) < 1).float()).abs().max() < 0.02
    twice = winding_numbers(torch.cat([triangles, triangles * 0.5]), points[:50])
    assert (twice - 2).abs().max() < 0.03, "bodies that overlap count each"
    assert torch.allclose(winding_numbers(triangles.flip(1), points), -found, atol=1e-3), "inside out"


def test_open_sheets_by_their_solid_angle():
    """A square of side 2 seen from height 1 over its middle fills a sixth of all directions, as a cube's face does."""
    found = winding_numbers(quad().triangles, torch.tensor([[0.0, 0, -1], [0, 0, 1]]))
    assert found.tolist() == pytest.approx([1 / 6, -1 / 6], abs=1e-5)


def test_far_clusters_agree_with_single_triangles():
    generator = torch.Generator().manual_seed(1)
    soup = torch.randn(3000, 1, 3, generator=generator) + 0.05 * torch.randn(3000, 3, 3, generator=generator)
    points = torch.randn(200, 3, generator=generator) * 1.5
    exact = solid_angles(soup[None] - points[:, None, None]).sum(1)
    assert (winding_numbers(soup, points) - exact).abs().max() < 0.01


def test_nothing_winds_around_nothing():
    assert winding_numbers(torch.zeros(0, 3, 3), torch.zeros(2, 3)).tolist() == [0, 0]
    assert winding_numbers(box().triangles, torch.zeros(0, 3)).shape == (0,)
    assert math.isfinite(float(winding_numbers(torch.zeros(5, 3, 3), torch.zeros(1, 3))))


def test_the_user_can_stop():
    with pytest.raises(InterruptedError):
        winding_numbers(ball(2).triangles, torch.zeros(1, 3), check=stop)


def stop() -> None:
    raise InterruptedError
