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

ACCURACY, MOST_ROUNDS = 0.005, 400  # of the conjugate gradients: edges, which bound the vertices' mean square error


def faired(mesh: Mesh, wave: float, check: Callable[[], None] = unchecked) -> Mesh:
    """The mesh without bumps shorter than `wave`, world units; larger shapes stay, thin ones keep their girth.

    Boundaries of open meshes count as straight; seams of UVs stay shut. Normals are dropped, colours and UVs kept.
    `check` is called between the solver's rounds. Raises `BadInput` for a wave that is no length.
    """
    if not (math.isfinite(wave) and wave > 0):
        raise BadInput(f"Bumps of {wave} have no length; give one above 0, in the mesh's units.")
    bare, number = welded(mesh)
    points = bare.vertices.double().numpy()
    faces = bare.faces.numpy()
    edge = _mean_edge(points, faces)
    if edge == 0:
        return mesh
    smooth = _Smoother(faces, len(points), (wave / (math.pi * edge)) ** 4, ACCURACY * edge, check)
    moved = smooth(points) - points
    soft = Mesh(torch.from_numpy(points + moved).float(), bare.faces)
    normals = soft.with_normals().vertex_normals.double().numpy()
    along = (moved * normals).sum(1, keepdims=True)
    moved -= smooth(along) * normals
    vertices = torch.from_numpy(points + moved).float()[number].to(mesh.vertices.device)
    return mesh.mapped(lambda _: vertices)


class _Smoother:
    """(1 + stiffness L'L)^-1 on values at the N vertices of faces [M,3]."""

    def __init__(
        self, faces: np.ndarray, count: int, stiffness: float, accuracy: float, check: Callable[[], None]
    ) -> None:
        self.umbrella, self.stiffness = _umbrella(faces, count), stiffness
        self.accuracy, self.check = accuracy, check
        self.transposed = self.umbrella.T.tocsr()

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """values [N,C] -> smooth ones, by conjugate gradients."""
        from scipy.sparse.linalg import LinearOperator, cg

        def system(flat: np.ndarray) -> np.ndarray:
            self.check()
            columns = flat.reshape(values.shape)
            return (columns + self.stiffness * (self.transposed @ (self.umbrella @ columns))).ravel()

        mean = values.mean(0)  # rtol keeps its default, as older versions of scipy call it otherwise: 1e-5 of the size
        right = (values - mean).ravel()
        shape = right.size, right.size
        operator = LinearOperator(shape, dtype=right.dtype, matvec=system)  # pyright: ignore[reportCallIssue]
        atol = self.accuracy * right.size**0.5  # no error is larger than its residual: the system is 1 or more
        solved, _ = cg(operator, right, right, atol=atol, maxiter=MOST_ROUNDS)
        return solved.reshape(values.shape) + mean


def _mean_edge(points: np.ndarray, faces: np.ndarray) -> float:
    """Mean length of the edges of faces [M,3]; 0 without any."""
    edges = points[np.roll(faces, -1, 1)] - points[faces]
    return float(np.linalg.norm(edges, axis=-1).mean()) if len(faces) else 0.0


def _umbrella(faces: np.ndarray, count: int) -> "csr_array":
    """The operator [count,count] that takes from each vertex the mean of its neighbours; 0 on boundaries."""
    from scipy.sparse import csr_array

    rows, columns = faces.ravel(), np.roll(faces, -1, 1).ravel()
    onward = csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))  # around each triangle
    open_ends = (onward - onward.T).tocoo()  # edges that no other triangle takes the other way
    boundary = np.zeros(count, bool)
    boundary[open_ends.row[open_ends.data != 0]] = True
    kept = ~boundary[rows]
    rows, columns = rows[kept], columns[kept]
    degree = np.bincount(rows, minlength=count)
    means = csr_array((1 / degree[rows], (rows, columns)), shape=(count, count))
    inner = np.flatnonzero(degree)
    return csr_array((np.ones(len(inner)), (inner, inner)), shape=(count, count)) - means
