"""Far from the origin, and several parts: what one mesh keeps of them."""

import numpy as np
import pytest
import torch
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.files.joined import joined, near_origin, tinted
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.files.part import Part, Picture
from recon_lib.stages.evaluation.meshes import compare_meshes, error_mesh
from recon_lib.stages.meshing.export import save_mesh

FAR = np.array([412345.3, 5456789.2, 120.0])
TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2]])


def sphere_file(path, shift, scale=1.0):
    shape = trimesh.creation.icosphere(3)
    lines = ["v {:.6f} {:.6f} {:.6f}".format(*p) for p in shape.vertices * scale + shift]
    lines += ["f {} {} {}".format(*(f + 1)) for f in shape.faces]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("align", ["none", "scale"])
def test_far_meshes_compare_as_near_ones(align, tmp_path):
    figures = []
    for place in (0 * FAR, FAR):
        meshes = [load_mesh(sphere_file(tmp_path / f"{k}.obj", place + 0.1 * k)) for k in range(2)]
        figures.append(compare_meshes(*meshes, samples=3000, align=align))
    near, far = figures
    assert near["chamfer_unsquared"] == pytest.approx(far["chamfer_unsquared"], rel=1e-3)
    if align == "none":
        assert near["chamfer_unsquared"] > 0.07
        assert far["alignment"] == np.eye(4).tolist()
    matrix = torch.tensor(far["alignment"], dtype=torch.float64)
    centre = torch.tensor([*(FAR), 1], dtype=torch.float64)  # of the prediction, in its file
    wanted = FAR if align == "none" else FAR + 0.1
    np.testing.assert_allclose((matrix @ centre)[:3], wanted, atol=0.01)


def test_a_near_mesh_is_aligned_with_a_far_one(tmp_path):
    near = load_mesh(sphere_file(tmp_path / "a.obj", 0 * FAR, 2.0))
    far = load_mesh(sphere_file(tmp_path / "b.obj", FAR))
    figures = compare_meshes(near, far, samples=2000, align="scale")
    assert figures["chamfer_unsquared"] < 3 * figures["sampling_floor"]
    assert compare_meshes(near, far, samples=2000)["chamfer_unsquared"] == pytest.approx(np.linalg.norm(FAR), rel=1e-5)
    assert error_mesh(near, far, align="scale", samples=1000).origin == far.origin


@pytest.mark.parametrize("kind", ["glb", "obj", "ply"])
@pytest.mark.parametrize("size", [None, 500.0])
def test_a_far_mesh_returns_to_its_place(kind, size, tmp_path):
    mesh = load_mesh(sphere_file(tmp_path / "a.obj", FAR))
    report = save_mesh(mesh, tmp_path / f"b.{kind}", size_mm=size)
    back = load_mesh(tmp_path / f"b.{kind}")
    scale = 1 if size is None else 0.25
    np.testing.assert_allclose(back.placed_vertices.mean(0), FAR * scale, atol=1e-4)
    np.testing.assert_allclose(np.ptp(back.vertices.numpy(), axis=0), [2 * scale] * 3, rtol=1e-5)
    np.testing.assert_allclose(report.bounds[0], (FAR - 1) * scale, atol=1e-4)


def test_a_far_mesh_keeps_its_precision_in_stl_and_turned(tmp_path):
    mesh = load_mesh(sphere_file(tmp_path / "a.obj", FAR))
    save_mesh(mesh, tmp_path / "b.stl")
    assert np.ptp(load_mesh(tmp_path / "b.stl").vertices.numpy(), axis=0) == pytest.approx([100] * 3, rel=1e-5)
    save_mesh(mesh, tmp_path / "b.ply", up="z")
    np.testing.assert_allclose(
        load_mesh(tmp_path / "b.ply").placed_vertices.mean(0), FAR[[0, 2, 1]] * [1, -1, 1], atol=1e-4
    )


def test_only_what_lies_far_is_moved():
    points, origin = near_origin(TRIANGLE + 200, "a")
    assert origin == (0, 0, 0)
    points, origin = near_origin(TRIANGLE + FAR, "a")
    np.testing.assert_allclose(points.double() + torch.tensor(origin), TRIANGLE + FAR, atol=1e-7)
    assert float(points.abs().max()) < 2
    with pytest.raises(BadInput, match="up to 1e\\+200"):
        near_origin(TRIANGLE * 1e200, "a")


def test_parts_stand_relative_to_one_origin(tmp_path):
    mesh = joined([Part(TRIANGLE + FAR, FACES), Part(TRIANGLE + FAR + 3, FACES)], "a")
    np.testing.assert_allclose(mesh.placed_vertices[3] - mesh.placed_vertices[0], [3, 3, 3], atol=1e-6)


def test_nothing_is_no_mesh():
    assert joined([], "a") is None
    assert joined([Part(TRIANGLE, np.zeros((0, 3), np.int64))], "a") is None


def test_white_does_not_change_a_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    assert (tinted(pixels, np.ones(3)) == pixels).all()
    part = Part(TRIANGLE, FACES, np.zeros((3, 2)), Picture(pixels), np.ones(3))
    assert (joined([part], "a").texture.permute(1, 2, 0) * 255).round().byte().numpy().tolist() == pixels.tolist()


def test_provenance_stays_if_all_parts_have_it():
    coded = Part(TRIANGLE, FACES, provenance=np.array([1, 2, 3], np.uint8))
    assert joined([coded, coded], "a").provenance.tolist() == [1, 2, 3, 1, 2, 3]
    assert joined([coded, Part(TRIANGLE, FACES)], "a").provenance is None
