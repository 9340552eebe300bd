"""Fairing: bumps shorter than a wavelength go, the shape beneath them stays.

Thin-plate fairing (Kobbelt et al. 1998, "Interactive multi-resolution modeling on arbitrary meshes") in one implicit
step (Desbrun et al. 1999, "Implicit fairing of irregular meshes using diffusion and curvature flow"): the vertices
x' = (1 + t L^2)^-1 x for the umbrella operator L. A plain wave of n edges keeps s = 1 / (1 + t (pi / n)^4) of its
height: with t = (wave / (pi edge))^4 half of one as long as `wave`. L's eigenvalues are known to lie in [0, 2], so
nothing is solved: 1 / (1 + t l^2) is a Chebyshev polynomial of L, a tenth of the products that a solver takes (Taubin
et al. 1996, "Optimal surface smoothing as filter design").

By itself that thins whatever is less around than the wave is long. Bumps move to both sides, a thin part to one; so
what all of a neighbourhood has moved along its normals is taken back, as by Vollmer et al. 1999, "Improved Laplacian
smoothing of noisy surface meshes". A plain wave keeps s (2 - s) then: 0.75 of one as long as `wave`, 0.12 of half that.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.polynomial.chebyshev import chebinterpolate, chebval

from ..errors import BadInput
from ..progress import unchecked
from .mesh import Mesh
from .seams import welded

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DEGREE = 8.0  # of the polynomial, for each edge that `wave / pi` is long: errors of about 3e-4
MOST_PRODUCTS = 1000  # the polynomial's degree at most


def faired(mesh: Mesh, wave: float, check: Callable[[], None] = unchecked) -> Mesh:
    """The mesh without bumps shorter than `wave`, world units; larger shapes stay, thin ones keep their girth.

    Boundaries of open meshes stay; seams of UVs stay shut. Normals are dropped, colours and UVs kept.
    `check` is called between the products. Raises `BadInput` for a wave that is no length.
    """
    if not (math.isfinite(wave) and wave > 0):
        raise BadInput(f"Bumps of {wave} have no length; give one above 0, in the mesh's units.")
    bare, number = welded(mesh)
    points = bare.vertices.double().numpy()
    faces = bare.faces.numpy()
    edge = _mean_edge(points, faces)
    if edge == 0:
        return mesh
    smooth = _Smoother(faces, len(points), (wave / (math.pi * edge)) ** 4, check)
    moved = smooth(points) - points
    soft = Mesh(torch.from_numpy(points + moved).float(), bare.faces)
    normals = soft.with_normals().vertex_normals.double().numpy()
    along = (moved * normals).sum(1, keepdims=True)
    moved -= smooth(along) * normals
    vertices = torch.from_numpy(points + moved).float()[number].to(mesh.vertices.device)
    return mesh.mapped(lambda _: vertices)


class _Smoother:
    """(1 + stiffness L^2)^-1 on values at the N vertices of faces [M,3], see `DEGREE`."""

    def __init__(self, faces: np.ndarray, count: int, stiffness: float, check: Callable[[], None]) -> None:
        self.umbrella, self.check = _umbrella(faces, count), check
        degree = min(math.ceil(DEGREE * max(stiffness, 1.0) ** 0.25), MOST_PRODUCTS)

        def kept(shifted: np.ndarray) -> np.ndarray:
            return 1 / (1 + stiffness * (1 + shifted) ** 2)

        self.coefficients = chebinterpolate(kept, degree)  # pyright: ignore[reportCallIssue]
        self.coefficients /= chebval(-1.0, self.coefficients)  # what has no bumps stays exactly as it is

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """values [N,C] -> smooth ones, by the polynomials' recurrence."""
        mean = values.mean(0)
        before, current = values - mean, self._shifted(values - mean)
        total = self.coefficients[0] * before + self.coefficients[1] * current
        for coefficient in self.coefficients[2:]:
            self.check()
            before, current = current, 2 * self._shifted(current) - before
            total += coefficient * current
        return total + mean

    def _shifted(self, values: np.ndarray) -> np.ndarray:
        """(L - 1) values: its eigenvalues lie in [-1, 1]."""
        return self.umbrella @ values - values


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
