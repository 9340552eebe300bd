import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.stages.meshing import mesh_to_field as stage
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.meshing.mesh_to_field import mesh_to_field
from tests.helpers.shapes import ball, box, open_box, quad


def box_distance(points: torch.Tensor, half: torch.Tensor) -> torch.Tensor:
    q = points.abs() - half
    return q.clamp_min(0).norm(dim=-1) + q.amax(-1).clamp_max(0)


@pytest.mark.parametrize("half", [(0.5, 0.5, 0.5), (0.8, 0.2, 0.5)])
def test_a_box(half):
    field = mesh_to_field(box(half), 48)
    exact = box_distance(field.cells.positions(), torch.tensor(half)).view_as(field.distance)
    error, spacing = (field.distance - exact).abs(), field.cells.spacing
    assert error[exact.abs() < spacing].max() < 1e-4 * spacing, "exact beside the surface"
    assert error.max() < 0.5 * spacing and error.mean() < 0.05 * spacing
    assert torch.equal(field.distance < 0, exact < 0)
    assert field.bounds[1, 0] == pytest.approx(1.1 * half[0], abs=1e-5)


def test_many_small_triangles():
    field = mesh_to_field(ball(5), 40)
    exact = (field.cells.positions().norm(dim=-1) - 1).view_as(field.distance)
    near = exact.abs() < field.cells.spacing
    assert (field.distance - exact).abs()[near].max() < 0.1 * field.cells.spacing


def test_more_triangles_than_samples(monkeypatch):
    monkeypatch.setattr(stage, "MOST_SAMPLES", 4000)
    field = mesh_to_field(ball(4), 32)
    assert (field.distance - (field.cells.positions().norm(dim=-1) - 1).view_as(field.distance)).abs().mean() < 0.02


def test_bodies_that_cross_are_one():
    shifted = torch.cat([box().vertices, box().vertices + torch.tensor([0.4, 0.0, 0.0])])
    field = mesh_to_field(Mesh(shifted, torch.cat([box().faces, box().faces + 8])), 48)
    assert float(field.inside(torch.tensor([[0.2, 0.0, 0.0]]))) > 0
    inner = extract_mesh(field, 48, largest=False).mesh
    assert inner.bounds[1, 0] == pytest.approx(0.9, abs=0.03)


def test_a_box_without_lid_is_closed_by_a_smooth_lid():
    """On the lid the winding number is one half: at the rim it is the box's, in the middle it sags inward."""
    field = mesh_to_field(open_box(), 64)
    mesh = extract_mesh(field, 64).mesh
    assert mesh.bounds[1, 1] == pytest.approx(0.5, abs=0.03)
    # the square of side 1 at distance d takes 1/2 of all directions only at d = 0: the lid passes through its middle
    middle = mesh.vertices[mesh.vertices[:, [0, 2]].norm(dim=1) < 0.1]
    assert middle[:, 1].max() == pytest.approx(0.5, abs=0.05)
    above, below = field.inside(torch.tensor([[0.0, 0.6, 0.0], [0.0, 0.4, 0.0]])).tolist()
    assert above == pytest.approx(-0.1, abs=0.04) and below == pytest.approx(0.1, abs=0.04), "a distance there as well"


def test_inside_out_is_turned_back(caplog):
    field = mesh_to_field(Mesh(box().vertices, box().faces.flip(1)), 24)
    assert float(field.inside(torch.zeros(1, 3))) == pytest.approx(0.5, abs=0.05)
    assert "inside out" in caplog.text


def test_colours_come_along():
    colors = (box().vertices + 0.5).clamp(0, 1)
    field = mesh_to_field(Mesh(box().vertices, box().faces, vertex_colors=colors), 24)
    points = torch.tensor([[0.5, 0.1, -0.2], [-0.3, 0.5, 0.4]])
    assert torch.allclose(field.color(points), points + 0.5, atol=0.05)
    assert not mesh_to_field(box(), 24).has_color


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (quad(), "encloses nothing"),
        (Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]])), "no surface"),
        (Mesh(torch.zeros(3, 3), torch.zeros(0, 3, dtype=torch.int64)), "no surface"),
        (Mesh(box().vertices, box().faces, origin=(1e6, 0.0, 0.0)), "far from the origin"),
        (box((0.5, 0.002, 0.5)), "thinner than a cell"),
    ],
)
def test_meshes_that_enclose_nothing(mesh, message):
    with pytest.raises(BadInput, match=message):
        mesh_to_field(mesh, 24)


def test_grids_out_of_range():
    with pytest.raises(BadInput, match="nodes"):
        mesh_to_field(box(), 512)


def test_the_user_can_stop():
    class Stopped(Progress):
        def check(self):
            if self.done:
                raise Interrupted

    with pytest.raises(Interrupted):
        mesh_to_field(box(), 24, progress=Stopped())
