"""Marching cubes: both back ends, and the seams between blocks."""

import numpy as np
import pytest

from recon_lib.meshes import marching

BACKENDS = ("_march_pymcubes", "_march_skimage")


def ball(n=33, radius=0.6, centre=(0.0, 0.0, 0.0)):
    axis = np.linspace(-1, 1, n)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    return (radius - np.linalg.norm(grid - np.array(centre), axis=-1)).astype(np.float32)


def volume_of(vertices, faces):
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return np.einsum("ij,ij->", a, np.cross(b, c)) / 6


def is_closed(faces):
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there, back = {tuple(e) for e in edges.tolist()}, {tuple(e) for e in edges[:, ::-1].tolist()}
    return len(there) == len(edges) and there == back


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    if request.param == "_march_pymcubes":
        pytest.importorskip("mcubes")
    monkeypatch.setattr(marching, "has_pymcubes", lambda: request.param == "_march_pymcubes")


def test_nodes_are_integers_and_the_winding_is_outward(backend):
    vertices, faces = marching.march(ball())
    radius = np.linalg.norm(vertices / 16 - 1, axis=1)
    np.testing.assert_allclose(radius, 0.6, atol=0.002)
    assert is_closed(faces)
    np.testing.assert_allclose(volume_of(vertices, faces) / 16**3, 4 / 3 * np.pi * 0.6**3, rtol=0.01)


def test_axes_are_not_swapped(backend):
    vertices, _ = marching.march(ball(radius=0.2, centre=(-0.5, 0.0, 0.5)))
    np.testing.assert_allclose(vertices.mean(0) / 16 - 1, [-0.5, 0.0, 0.5], atol=0.01)


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_volume_without_surface_gives_none(backend, value):
    vertices, faces = marching.march(np.full((5, 5, 5), value, np.float32))
    assert vertices.shape == (0, 3)
    assert faces.shape == (0, 3)


@pytest.mark.parametrize("name", ["ball", "noise"])
def test_back_ends_agree(name, monkeypatch):
    """The same vertices; the same triangles but for the diagonals of polygons, so the same solid."""
    pytest.importorskip("mcubes")
    volume = ball(40) if name == "ball" else np.random.default_rng(0).standard_normal((20, 20, 20)).astype(np.float32)
    volume = np.pad(volume, 1, constant_values=-1)
    results = []
    for chosen in (True, False):
        monkeypatch.setattr(marching, "has_pymcubes", lambda chosen=chosen: chosen)
        results.append(marching.march(volume))
    (v1, f1), (v2, f2) = results
    assert len(v1) == len(v2)
    assert abs(len(f1) - len(f2)) <= 0.001 * len(f1)
    order = [np.lexsort(np.round(v, 3).T) for v in (v1, v2)]
    np.testing.assert_allclose(v1[order[0]], v2[order[1]], atol=2e-3)
    assert is_closed(f1)
    assert is_closed(f2)
    np.testing.assert_allclose(volume_of(v1, f1), volume_of(v2, f2), rtol=1e-3)


def split(volume, size):
    last = np.array(volume.shape) - 1
    for corner in np.ndindex(*(-(-last // size))):
        first = np.array(corner) * size
        yield volume[tuple(slice(f, f + size + 1) for f in first)], first


@pytest.mark.parametrize("size", [4, 7, 16])
def test_blocks_join_without_seams(backend, size):
    volume = ball(33, 0.9)
    whole, faces = marching.march(volume)
    vertices, joined = marching.march_blocks(split(volume, size), np.array([32, 32, 32]))
    assert len(vertices) == len(whole)
    assert len(joined) == len(faces)
    assert is_closed(joined)
    np.testing.assert_allclose(volume_of(vertices, joined), volume_of(whole, faces), rtol=1e-6)


def test_vertices_beyond_the_lattice_are_moved_onto_it(backend):
    """A solid that fills its lattice, padded with far outside: its surface is the lattice's box."""
    padded = np.pad(np.ones((4, 4, 4), np.float32), 1, constant_values=-1e9)
    vertices, faces = marching.march_blocks([(padded, np.array([-1, -1, -1]))], np.array([3, 3, 3]))
    assert is_closed(faces)
    np.testing.assert_allclose(volume_of(vertices, faces), 27.0)
    assert len(np.unique(vertices, axis=0)) == len(vertices)


def test_no_blocks_give_an_empty_surface():
    vertices, faces = marching.march_blocks([], np.array([8, 8, 8]))
    assert len(vertices) == len(faces) == 0
