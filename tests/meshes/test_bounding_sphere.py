import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.bounding_sphere import bounding_sphere


def test_two_points_and_one():
    centre, radius = bounding_sphere(torch.tensor([[1.0, 0, 0], [3.0, 0, 0], [2.0, 0.5, 0]]))
    assert centre.tolist() == pytest.approx([2, 0, 0])
    assert radius == pytest.approx(1)
    assert bounding_sphere(torch.ones(4, 3))[1] == 0


def test_shapes_in_closed_form():
    triangle = torch.tensor([[1.0, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
    assert bounding_sphere(triangle)[1] == pytest.approx(1)
    cube = torch.cartesian_prod(*[torch.tensor([0.0, 2.0])] * 3)
    centre, radius = bounding_sphere(cube)
    assert centre.tolist() == pytest.approx([1, 1, 1])
    assert radius == pytest.approx(3**0.5)
    tetrahedron = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    assert bounding_sphere(tetrahedron)[1] == pytest.approx(3**0.5)


def test_points_inside_a_known_sphere_do_not_matter():
    generator = torch.Generator().manual_seed(1)
    inner = torch.randn(2000, 3, generator=generator)
    inner = inner / inner.norm(dim=-1, keepdim=True) * 0.99
    outer = torch.tensor([[1.0, 0, 0], [-1.0, 0, 0]])
    offset = torch.tensor([3.0, -2.0, 7.0])
    centre, radius = bounding_sphere(torch.cat([inner, outer]) + offset)
    assert radius == pytest.approx(1, abs=1e-6)
    assert torch.allclose(centre.float(), offset, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_holds_all_points_and_no_smaller_sphere_does(seed):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(300, 3, generator=generator) * torch.rand(3, generator=generator)
    if seed % 3 == 0:
        points = points.round(decimals=1)  # many equal and coplanar points
    centre, radius = bounding_sphere(points)
    distance = (points.double() - centre).norm(dim=-1)
    assert distance.max() <= radius * (1 + 1e-8)
    # optimal: the touching points pull from all sides, so every step away from one comes nearer to none of them
    touching = points.double()[distance > radius * (1 - 1e-7)]
    for direction in torch.nn.functional.normalize(torch.randn(200, 3, generator=generator).double(), dim=-1):
        moved = (touching - (centre + 1e-3 * radius * direction)).norm(dim=-1).max()
        assert moved > radius * (1 - 1e-9)


def test_refuses_nothing_and_nan():
    with pytest.raises(BadInput, match="no point"):
        bounding_sphere(torch.zeros(0, 3))
    with pytest.raises(BadInput, match="NaN"):
        bounding_sphere(torch.full((2, 3), float("nan")))
