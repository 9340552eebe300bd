import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed, signed_volume, solid_iou


def box(low=(-1.0, -1.0, -1.0), high=(1.0, 1.0, 1.0)):
    from trimesh.creation import box as make

    shape = make(bounds=[low, high])
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def sphere(radius=1.0, subdivisions=4):
    from trimesh.creation import icosphere

    shape = icosphere(subdivisions, radius)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def join(*meshes):
    offsets = torch.tensor([0] + [len(m.vertices) for m in meshes]).cumsum(0)
    faces = [m.faces + int(o) for m, o in zip(meshes, offsets, strict=False)]
    return Mesh(torch.cat([m.vertices for m in meshes]), torch.cat(faces))


def inside_out(mesh):
    return Mesh(mesh.vertices, mesh.faces.flip(1))


def test_closed_and_open():
    solid = box()
    assert is_closed(solid)
    assert is_closed(inside_out(solid))
    assert is_closed(join(solid, sphere(0.5)))
    assert not is_closed(Mesh(solid.vertices, solid.faces[1:]))
    assert not is_closed(Mesh(solid.vertices, solid.faces[:0]))
    turned = solid.faces.clone()
    turned[0] = turned[0].flip(0)
    assert not is_closed(Mesh(solid.vertices, turned))


def test_seams_and_degenerate_triangles_do_not_open_a_mesh():
    solid = box()
    split = Mesh(solid.triangles.reshape(-1, 3), torch.arange(36).reshape(12, 3))
    assert is_closed(split)
    assert is_closed(Mesh(solid.vertices, torch.cat([solid.faces, torch.tensor([[0, 0, 1], [2, 2, 2]])])))


def test_volumes_in_closed_form():
    assert signed_volume(box((0, 0, 0), (1, 2, 3))) == pytest.approx(6)
    assert signed_volume(inside_out(box())) == pytest.approx(-8)
    assert signed_volume(box().mapped(lambda x: x + 100)) == pytest.approx(8, rel=1e-5)
    assert signed_volume(sphere()) == pytest.approx(4 / 3 * math.pi, rel=3e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_iou_of_shifted_boxes(axis):
    shift = torch.zeros(3)
    shift[axis] = 1.0
    assert solid_iou(box(), box().mapped(lambda x: x + shift)) == pytest.approx(1 / 3, abs=2e-4)


def test_iou_of_nested_spheres_is_the_cube_of_the_ratio():
    assert solid_iou(sphere(0.8), sphere(1.0)) == pytest.approx(0.8**3, abs=2e-4)


def test_iou_of_overlapping_spheres_is_the_lens():
    distance, radius = 0.7, 1.0
    lens = math.pi * (4 * radius + distance) * (2 * radius - distance) ** 2 / 12
    expected = lens / (2 * 4 / 3 * math.pi - lens)
    moved = sphere().mapped(lambda x: x + torch.tensor([0.0, distance, 0.0]))
    assert solid_iou(sphere(), moved) == pytest.approx(expected, abs=1e-3)
    assert solid_iou(moved, sphere()) == pytest.approx(solid_iou(sphere(), moved), abs=1e-12)


def test_equal_disjoint_and_inverted_solids():
    assert solid_iou(sphere(), sphere()) == 1
    assert solid_iou(box(), box().mapped(lambda x: x + 5)) == 0
    assert solid_iou(box(), inside_out(box())) == 1


def test_cavities_are_outside_and_overlaps_count_once():
    hollow = join(box(), inside_out(box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))))
    assert solid_iou(hollow, box()) == pytest.approx(7 / 8, abs=2e-4)
    cross = join(box(), box((-1, -1, 0), (1, 1, 2)))
    assert solid_iou(cross, box((-1, -1, -1), (1, 1, 2))) == pytest.approx(1, abs=1e-9)


def test_refuses_open_meshes():
    with pytest.raises(BadInput, match="second mesh is not closed"):
        solid_iou(box(), Mesh(box().vertices, box().faces[2:]))
