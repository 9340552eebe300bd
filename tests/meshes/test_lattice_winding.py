import pytest
import torch

from recon_lib.meshes import lattice_winding
from recon_lib.meshes.lattice_winding import closing_fans, lattice_windings
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed
from recon_lib.meshes.winding import winding_numbers
from tests.helpers.shapes import ball, box, open_box

AXIS = torch.linspace(-1.2, 1.2, 25)


def cut_ball(height: float) -> Mesh:
    mesh = ball(3)
    return Mesh(mesh.vertices, mesh.faces[mesh.triangles.mean(1)[:, 1] < height])


def test_closed_meshes_give_whole_numbers():
    half = torch.tensor([0.5, 0.7, 0.33])
    x, y, z = torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 9), torch.linspace(-1, 1, 10)
    found = lattice_windings(box(half.tolist()), (x, y, z))
    nodes = torch.cartesian_prod(x, y, z).view(8, 9, 10, 3)
    assert torch.equal(found, (nodes.abs() < half).all(-1).float())
    shifted = Mesh(torch.cat([box().vertices, box().vertices + 0.31]), torch.cat([box().faces, box().faces + 8]))
    assert set(lattice_windings(shifted, (AXIS,) * 3).unique().tolist()) == {0, 1, 2}, "bodies that cross"


def test_triangles_are_counted_in_portions(monkeypatch):
    whole = lattice_windings(ball(3), (AXIS,) * 3)
    monkeypatch.setattr(lattice_winding, "TRIANGLES_AT_ONCE", 100)
    assert torch.equal(lattice_windings(ball(3), (AXIS,) * 3), whole)


@pytest.mark.parametrize(
    "mesh", [cut_ball(0.6), cut_ball(-0.2), open_box((0.53, 0.47, 0.61))], ids=["cap", "bowl", "lid"]
)
def test_open_meshes_agree_with_their_triangles(mesh):
    found = lattice_windings(mesh, (AXIS,) * 3)
    nodes = torch.cartesian_prod(AXIS, AXIS, AXIS)
    far = (nodes[:, None] - mesh.triangles.mean(1)).norm(dim=-1).amin(1) > 0.1
    exact = winding_numbers(mesh.triangles, nodes[far])
    assert (found.view(-1)[far] - exact).abs().max() < 0.03


def test_fans_close_every_rim_by_itself():
    assert not len(closing_fans(ball(2)))
    fans = closing_fans(open_box())
    assert len(fans) == 4 and torch.allclose(fans[:, 2], torch.tensor([0.0, 0.5, 0.0]).expand(4, 3))
    mesh = ball(3)
    band = Mesh(mesh.vertices, mesh.faces[mesh.triangles.mean(1)[:, 1].abs() < 0.6])
    apexes = closing_fans(band)[:, 2].unique(dim=0)
    assert len(apexes) == 2 and apexes[:, 1].abs().min() > 0.4
    soup = torch.cat([band.triangles, closing_fans(band)])
    closed = Mesh(soup.reshape(-1, 3), torch.arange(3 * len(soup)).view(-1, 3))
    assert is_closed(closed)


def test_a_soup_of_single_triangles():
    """Each is its own rim; the fans are the triangles themselves, and nothing is enclosed exactly."""
    soup = Mesh(torch.rand(30, 3, generator=torch.Generator().manual_seed(0)), torch.arange(30).view(-1, 3))
    found = lattice_windings(soup, (AXIS,) * 3)
    exact = winding_numbers(soup.triangles, torch.cartesian_prod(AXIS, AXIS, AXIS)).view_as(found)
    assert (found - exact).abs().median() < 0.01
