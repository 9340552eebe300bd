"""Fairing: bumps shorter than a wavelength go, the shape beneath them stays.

Thin-plate energy (Kobbelt et al. 1998, "Interactive multi-resolution modeling on arbitrary meshes"), solved implicitly
(Desbrun et al. 1999, "Implicit fairing of irregular meshes using diffusion and curvature flow"): the vertices x' that
minimise |x' - x|^2 + t |L x'|^2 for the umbrella operator L. A plain wave of n edges keeps s = 1 / (1 + t (pi / n)^4)
of its height: with t = (wave / (pi edge))^4 half of one as long as `wave`.

By itself that thins whatever is less around than the wave is long. Bumps move to both sides, a thin part to one; so
what all of a neighbourhood has moved along its normals is taken back, as by Vollmer et al. 1999, "Improved Laplacian
smoothing of noisy surface meshes". A plain wave keeps s (2 - s) then: 0.75 of one as long as `wave`, 0.12 of half that.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import BadInput
from ..progress import unchecked
from .mesh import Mesh
from .seams import welded

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TOLERANCE, MOST_ROUNDS = 1e-4, 400  # of the conjugate gradients; residual, of the right side


def faired(mesh: Mesh, wave: float, check: Callable[[], None] = unchecked) -> Mesh:
    """The mesh without bumps shorter than `wave`, world units; larger shapes stay, thin ones keep their girth.

    Boundaries of open meshes count as straight; seams of UVs stay shut. Normals are dropped, colours and UVs kept.
    `check` is called between the solver's rounds. Raises `BadInput` for a wave that is no length.
    """
    if not (math.isfinite(wave) and wave > 0):
        raise BadInput(f"Bumps of {wave} have no length; give one above 0, in the mesh's units.")
    bare, number = welded(mesh)
    points = bare.vertices.double().numpy()
    edges = _edges(bare.faces.numpy())
    edge = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1).mean() if len(edges) else 0.0
    if edge == 0:
        return mesh
    smooth = _Smoother(edges, len(points), (wave / (math.pi * edge)) ** 4, check)
    moved = smooth(points) - points
    soft = Mesh(torch.from_numpy(points + moved).float(), bare.faces)
    normals = soft.with_normals().vertex_normals.double().numpy()
    along = (moved * normals).sum(1, keepdims=True)
    moved -= smooth(along) * normals
    vertices = torch.from_numpy(points + moved).float()[number].to(mesh.vertices.device)
    return mesh.mapped(lambda _: vertices)


class _Smoother:
    """(1 + stiffness L'L)^-1 on values at N vertices."""

    def __init__(self, edges: np.ndarray, count: int, stiffness: float, check: Callable[[], None]) -> None:
        umbrella = _umbrella(edges, count)
        self.system = _diagonal(np.arange(count), count) + stiffness * (umbrella.T @ umbrella)
        self.check = check

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """values [N,C] -> smooth ones. Residuals count relative to the values without their mean."""
        from scipy.sparse.linalg import cg

        mean = values.mean(0)
        columns = []
        for column in (values - mean).T:
            solved, _ = cg(
                self.system, column, column, rtol=TOLERANCE, maxiter=MOST_ROUNDS, callback=lambda _: self.check()
            )
            columns.append(solved)
        return np.stack(columns, 1) + mean


def _edges(faces: np.ndarray) -> np.ndarray:
    """Edges [E,2] of faces [M,3], each once for every triangle beside it."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def _umbrella(edges: np.ndarray, count: int) -> "csr_array":
    """The operator [count,count] that takes from each vertex the mean of its neighbours; 0 on boundaries."""
    from scipy.sparse import coo_array, csr_array

    both = np.concatenate([edges, edges[:, ::-1]]).T
    beside = csr_array(coo_array((np.ones(both.shape[1]), (both[0], both[1])), shape=(count, count)))
    rows, columns = beside.nonzero()
    boundary = np.zeros(count, bool)
    boundary[rows[beside.data == 1]] = True  # one triangle beside the edge
    kept = ~boundary[rows]
    rows, columns = rows[kept], columns[kept]
    degree = np.bincount(rows, minlength=count)
    means = csr_array((1 / degree[rows], (rows, columns)), shape=(count, count))
    return _diagonal(np.unique(rows), count) - means


def _diagonal(at: np.ndarray, count: int) -> "csr_array":
    """Zeros [count,count] but for ones at `at` on the diagonal."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(at)), (at, at)), shape=(count, count))
