"""Planes of symmetry of known solids."""

import pytest
import torch
import torch.nn.functional as F
import trimesh

from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.symmetry import Symmetry, mirror_planes


def as_mesh(solid):
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())


def turned(mesh, shift=(0.0, 0.0, 0.0)):
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(3)))[0]
    turn = turn * torch.det(turn)
    return mesh.mapped(lambda v: v @ turn.T + torch.tensor(shift)), turn


def normals(planes):
    """Each reflection's -1 direction."""
    return torch.stack([torch.linalg.eigh((p.matrix + p.matrix.T) / 2).eigenvectors[:, 0] for p in planes])


def test_a_turned_box_has_three_planes_through_its_centre():
    mesh, turn = turned(as_mesh(trimesh.creation.box((1.0, 1.6, 2.3))), (4.0, 5.0, -3.0))
    planes = mirror_planes(mesh)
    assert len(planes) == 3
    agreement = (normals(planes) @ turn).abs()  # each normal along one of the box's axes
    assert (agreement.amax(1) > 0.999).all() and sorted(agreement.argmax(1).tolist()) == [0, 1, 2]
    center = torch.tensor([[4.0, 5.0, -3.0]])
    for plane in planes:
        torch.testing.assert_close(plane.apply(center), center, atol=0.03, rtol=0)
        assert plane.error < 0.01


def test_one_plane():
    """A bar with a knob above one end mirrors only from side to side."""
    parts = [trimesh.creation.box((2.0, 0.4, 0.6)), trimesh.creation.icosphere(3, 0.35)]
    parts[1].apply_translation((0.8, 0.5, 0.0))
    planes = mirror_planes(as_mesh(trimesh.util.concatenate(parts)), limit=0.01)
    assert len(planes) >= 1
    assert abs(float(normals(planes)[0, 2])) > 0.995


def test_no_plane():
    bars = [trimesh.creation.box((0.2, 0.3, length)) for length in (2.0, 1.3, 0.8)]
    bars[1].apply_translation((0.4, 0.5, 0.5))
    bars[2].apply_translation((-0.3, 0.2, -0.9))
    bars[1].apply_transform(trimesh.transformations.rotation_matrix(1.0, (1, 1, 0)))
    bars[2].apply_transform(trimesh.transformations.rotation_matrix(0.7, (0, 1, 1)))
    assert mirror_planes(as_mesh(trimesh.util.concatenate(bars)), limit=0.01) == []


def test_motions():
    normal = F.normalize(torch.tensor([1.0, 2.0, -0.5]), dim=0)
    mirror = Symmetry.mirror(normal, 0.7, 0.01)
    points = torch.randn(20, 3)
    image = mirror.apply(points)
    torch.testing.assert_close(mirror.apply(image), points, atol=1e-5, rtol=0)
    torch.testing.assert_close((image + points) / 2 @ normal, torch.full((20,), 0.7), atol=1e-5, rtol=0)
    torch.testing.assert_close(mirror.turn(normal[None])[0], -normal, atol=1e-6, rtol=0)
    other = Symmetry.mirror(torch.tensor([0.0, 0.0, 1.0]), -0.2, 0.02)
    both = mirror.then(other)
    torch.testing.assert_close(both.apply(points), other.apply(image), atol=1e-5, rtol=0)
    assert both.error == pytest.approx(0.03)
    torch.testing.assert_close(torch.det(both.matrix), torch.tensor(1.0))


def test_same_seed_same_planes():
    mesh = as_mesh(trimesh.creation.box((1.0, 1.5, 2.0)))
    first, second = mirror_planes(mesh), mirror_planes(mesh)
    assert all(torch.equal(a.matrix, b.matrix) for a, b in zip(first, second, strict=True))
