import pytest
import torch

from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.surface_distance import distance_to_surface, distance_to_triangles

TRIANGLE = torch.tensor([[0.0, 0, 0], [4, 0, 0], [0, 3, 0]])


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        ((1.0, 1.0, 0.0), 0.0),  # on it
        ((1.0, 1.0, -2.0), 2.0),  # over the inside
        ((2.0, -1.5, 0.0), 1.5),  # beside an edge
        ((2.0, -3.0, 4.0), 5.0),  # beside an edge and above
        ((-3.0, -4.0, 0.0), 5.0),  # beyond a corner
        ((7.0, 0.0, 4.0), 5.0),
        ((3.6, 3.2, 0.0), 2.32),  # beside the long edge, 3 x + 4 y = 12
    ],
)
def test_one_triangle_by_hand(point, distance):
    for corners in (TRIANGLE, TRIANGLE.flip(0)):
        found = distance_to_triangles(torch.tensor([point]), corners[None])
        assert found.item() == pytest.approx(distance, abs=1e-6)


def test_against_dense_sampling():
    generator = torch.Generator().manual_seed(0)
    triangles, points = torch.randn(30, 3, 3, generator=generator), 2 * torch.randn(30, 3, generator=generator)
    exact = distance_to_triangles(points, triangles)
    steps = torch.linspace(0, 1, 150)
    u, v = torch.meshgrid(steps, steps, indexing="ij")
    weights = torch.stack([1 - u, u * (1 - v), u * v], -1).reshape(-1, 3)
    for i in range(30):
        dense = (weights @ triangles[i] - points[i]).norm(dim=-1).min().item()
        assert dense - 0.03 <= exact[i].item() <= dense + 1e-5


def test_triangles_without_area_are_their_edges():
    flat = torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]])
    points = torch.tensor([[2.0, 1, 0], [5, 0, 0]])
    assert distance_to_triangles(points, flat.expand(2, 3, 3)).tolist() == pytest.approx([1, 2])
    spot = torch.ones(1, 3, 3)
    assert distance_to_triangles(torch.zeros(1, 3), spot).item() == pytest.approx(3**0.5)


@pytest.mark.parametrize(("samples", "exact"), [(300, 0.97), (20000, 0.995)])
def test_distances_from_a_box_have_no_sampling_floor(samples, exact):
    from trimesh.creation import box

    shape = box((2.0, 2.0, 2.0))
    mesh = Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))
    points = torch.rand(500, 3) * 4 - 2
    outside = (points.abs() - 1).clamp_min(0).norm(dim=-1)
    inside = (1 - points.abs()).amin(-1).clamp_min(0)
    excess = distance_to_surface(points, mesh, samples) - (outside + inside)
    assert excess.min() > -1e-5  # never too small
    assert (excess < 1e-5).double().mean() >= exact  # the rest: inside, about as far from two faces
    assert excess.max() < 0.1
