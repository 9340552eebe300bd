"""Harmonic continuation."""

import torch
import trimesh

from recon_lib.meshes.diffuse import diffuse
from recon_lib.meshes.mesh import Mesh


def strip(length, rows=3):
    """A flat strip of unit squares along x, cut into triangles."""
    x, y = torch.meshgrid(torch.arange(length + 1.0), torch.arange(float(rows)), indexing="ij")
    vertices = torch.stack([x, y, 0 * x], -1).reshape(-1, 3)
    i, j = torch.meshgrid(torch.arange(length), torch.arange(rows - 1), indexing="ij")
    a = (i * rows + j).reshape(-1)
    faces = torch.cat([torch.stack([a, a + rows, a + rows + 1], 1), torch.stack([a, a + rows + 1, a + 1], 1)])
    return Mesh(vertices, faces)


def test_between_two_ends_the_values_rise_evenly():
    mesh = strip(10, 2)
    x = mesh.vertices[:, :1]
    known = (x[:, 0] == 0) | (x[:, 0] == 10)
    values = torch.cat([x / 10, 1 - x / 10], -1)
    found = diffuse(mesh, torch.where(known[:, None], values, 99.0), known)
    torch.testing.assert_close(found, values, atol=3e-3, rtol=0)
    assert torch.equal(found[known], values[known])


def test_no_value_beyond_the_known_ones():
    ball = trimesh.creation.icosphere(3)
    mesh = Mesh(torch.tensor(ball.vertices).float(), torch.tensor(ball.faces).long())
    known = mesh.vertices[:, 2] > 0.3
    values = torch.rand(len(known), 3)
    found = diffuse(mesh, values, known)
    assert torch.equal(found[known], values[known])
    low, high = values[known].amin(0), values[known].amax(0)
    assert ((found >= low - 1e-6) & (found <= high + 1e-6)).all()


def test_creases_hold_back():
    """Along a strip with coloured ends the values rise evenly; bent in the middle, they jump at the bend."""
    flat = strip(12)
    bent = flat.mapped(lambda v: torch.stack([v[:, 0].clamp_max(6), v[:, 1], (v[:, 0] - 6).clamp_min(0)], -1))
    known = (flat.vertices[:, 0] == 0) | (flat.vertices[:, 0] == 12)
    values = (flat.vertices[:, :1] / 12).expand(-1, 3)
    along = [diffuse(mesh, values, known)[:, 0] for mesh in (flat, bent)]
    before, after = ((flat.vertices[:, 0] == x) for x in (5, 7))
    jump = [float(found[after].mean() - found[before].mean()) for found in along]
    assert jump[1] > 3 * jump[0] > 0


def test_parts_without_a_known_vertex_take_the_mean():
    one = strip(3)
    two = Mesh(torch.cat([one.vertices, one.vertices + 50]), torch.cat([one.faces, one.faces + len(one.vertices)]))
    known = torch.zeros(len(two.vertices), dtype=torch.bool)
    known[0] = known[-len(one.vertices) - 1] = True
    values = torch.zeros(len(two.vertices), 1)
    values[0] = 1.0
    found = diffuse(two, values, known)
    torch.testing.assert_close(found[len(one.vertices) :], torch.full((len(one.vertices), 1), 0.5), atol=1e-4, rtol=0)


def test_vertices_at_one_place_are_one():
    mesh = strip(4, 2)
    apart = Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), torch.arange(3 * len(mesh.faces)).view(-1, 3))
    x = apart.vertices[:, :1]
    known = (x[:, 0] == 0) | (x[:, 0] == 4)
    torch.testing.assert_close(diffuse(apart, x.clone(), known), x, atol=0.03, rtol=0)


def test_all_known():
    mesh, values = strip(2), torch.rand(9, 3)
    assert torch.equal(diffuse(mesh, values, torch.ones(9, dtype=torch.bool)), values)


def test_over_a_width_values_fade_exponentially():
    """u'' = u / width^2 from 1 at x = 0: exp(-x / width) far from the other end."""
    fine = strip(120, 2).mapped(lambda v: v / 10)  # 12 long
    known = fine.vertices[:, 0] == 0
    found = diffuse(fine, known[:, None].float(), known, width=1.5)[:, 0]
    near = fine.vertices[:, 0] < 5
    torch.testing.assert_close(found[near], (-fine.vertices[near, 0] / 1.5).exp(), atol=0.01, rtol=0)
