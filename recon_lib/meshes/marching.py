"""Marching cubes on the occupied blocks of a lattice: PyMCubes, or scikit-image where it is missing.

Only blocks that can hold surface are visited (PyMCubes spends about 40 ns on every cell of a volume, empty or not,
which is 0.7 s at 256^3), then the vertices on block seams are welded.
"""

from collections.abc import Callable, Iterable
from importlib.util import find_spec

import numpy as np

from ..progress import unchecked

BLOCK = 16  # cells per axis: small enough to skip most of the empty space, large enough to amortise the calls

Surface = tuple[np.ndarray, np.ndarray]  # vertices [N,3] float64 in node units, faces [M,3] int64


def march(volume: np.ndarray) -> Surface:
    """The zero level set of `volume` [X,Y,Z] float32 (> 0 inside), as wide as a lattice of nodes 0 .. X-1.

    Vertices are in node units, triangles counter-clockwise seen from outside. Both back ends give the same
    vertices; where a cell's polygon has more than three corners its diagonals may differ.
    """
    inside = volume > 0
    if min(volume.shape) < 2 or inside.all() or not inside.any():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    return (_march_pymcubes if has_pymcubes() else _march_skimage)(volume)


def has_pymcubes() -> bool:
    """PyMCubes has no wheel for Python 3.13."""
    return find_spec("mcubes") is not None


def _march_pymcubes(volume: np.ndarray) -> Surface:
    import mcubes

    vertices, faces = mcubes.marching_cubes(volume, 0.0)
    return vertices, faces.astype(np.int64)


def _march_skimage(volume: np.ndarray) -> Surface:
    from skimage.measure import marching_cubes

    # the negated volume: it gives PyMCubes' winding and its choice in ambiguous cells, for both follow
    # Lorensen's table but call opposite sides "inside"
    vertices, faces, _, _ = marching_cubes(-volume, 0.0, method="lorensen")
    return vertices.astype(np.float64), faces.astype(np.int64)


def march_blocks(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],  # volume [x,y,z] and the lattice position [3] of its first node
    last: np.ndarray,  # [3] the lattice's last node
    check: Callable[[], None] = unchecked,  # called between the steps that follow the blocks
) -> Surface:
    """Join the surfaces of many blocks into one.

    Neighbouring blocks share the nodes of their common face, so that their surfaces meet in identical vertices.
    Vertices beyond the lattice (a block may be padded there to cap the surface) are moved onto its bounds.
    """
    vertices, faces, seams, count = [], [], [], 0
    for volume, origin in blocks:
        local, triangles = march(volume)
        placed = np.clip(local + origin, 0, last)
        on_seam = (local == 0) | (local == np.array(volume.shape) - 1) | (placed == 0) | (placed == last)
        seams.append(np.flatnonzero(on_seam.any(1)) + count)
        vertices.append(placed)
        faces.append(triangles + count)
        count += len(local)
    if not count:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    check()
    joined = np.concatenate(vertices), np.concatenate(faces), np.concatenate(seams)
    check()
    return _weld(*joined, check)


def _weld(vertices: np.ndarray, faces: np.ndarray, seam: np.ndarray, check: Callable[[], None] = unchecked) -> Surface:
    """Merge the vertices numbered in `seam` [K] that lie on the same lattice edge, or on the same node.

    Blocks place them equally but for the last bit, since a back end may walk along an edge in either direction.
    """
    below = np.floor(vertices[seam])
    between = vertices[seam] > below
    axis = np.where(between.any(1), between.argmax(1), 3)
    x, y, z = below.astype(np.int64).T
    key = ((x * (1 << 19) + y) * (1 << 19) + z) * 4 + axis
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    check()
    target = np.arange(len(vertices))
    target[seam] = seam[first[group]]
    is_target = np.zeros(len(vertices), bool)
    is_target[target] = True
    a, b, c = faces = (np.cumsum(is_target) - 1)[target[faces]].T
    check()
    return vertices[is_target], faces.T[(a != b) & (b != c) & (c != a)]
