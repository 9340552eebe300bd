"""Planes in which a surface is its own mirror image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..progress import unchecked
from .mesh import Mesh

if TYPE_CHECKING:
    from scipy.spatial import KDTree

DIRECTIONS = 240  # first guesses over the half sphere: about 9 degrees apart
PROBES = 200  # points that are mirrored
SURFACE = 6000  # points that they are compared with
COUNTED = 0.8  # fraction of the probes, the best ones: a spout or an open lid does not hide the symmetry of the rest
KEPT = 4  # guesses that are refined
COARSE = 6  # a guess this many times worse than the limit is not refined
DISTINCT = 0.2  # radians between planes
ROUNDS = (0.10, 0.05, 0.025, 0.012)  # radians (and fractions of the radius) that the refinement tries


@dataclass(frozen=True)
class Symmetry:
    """A motion x -> matrix x + shift that lays the surface on itself, and how badly it does."""

    matrix: Tensor  # [3,3] orthogonal
    shift: Tensor  # [3] world units
    error: float  # mean mismatch over the surface's radius, without the fifth that fits worst

    @classmethod
    def mirror(cls, normal: Tensor, offset: float, error: float = 0.0) -> "Symmetry":
        """Reflection in the plane normal . x = offset; normal [3] unit."""
        return cls(torch.eye(3).to(normal) - 2 * torch.outer(normal, normal), 2 * offset * normal, error)

    def then(self, second: "Symmetry") -> "Symmetry":
        """This motion followed by another: two mirrors make a rotation."""
        shift = second.matrix @ self.shift + second.shift
        return Symmetry(second.matrix @ self.matrix, shift, self.error + second.error)

    def apply(self, points: Tensor) -> Tensor:
        """Where points [N,3] go."""
        return points @ self.matrix.T + self.shift

    def turn(self, directions: Tensor) -> Tensor:
        """Where directions or normals [N,3] go."""
        return directions @ self.matrix.T


def mirror_planes(
    mesh: Mesh, limit: float = 0.02, seed: int = 0, check: Callable[[], None] = unchecked
) -> list[Symmetry]:
    """Distinct planes of symmetry with an error below `limit`, best first; empty when there is none.

    Guesses over the half sphere through the centroid, compared by the distance along the normal between mirrored
    and nearest surface points; the best ones are refined in direction and offset by coordinate search. `check` is
    called before each.
    """
    from scipy.spatial import KDTree

    points, normals, _ = (t.cpu() for t in mesh.sample_surface(SURFACE, seed))
    center = points.mean(0)
    points = points - center
    radius = float(points.norm(dim=-1).max())
    if radius == 0:
        return []
    search = _Search(KDTree(points.numpy()), points, normals, points[:PROBES], normals[:PROBES], radius)
    guesses = _half_sphere(DIRECTIONS)
    errors = search.errors(guesses, torch.zeros(len(guesses)))
    planes: list[tuple[Tensor, Symmetry]] = []
    tried: list[Tensor] = []
    for guess in errors.argsort().tolist():
        if len(tried) == 2 * KEPT or float(errors[guess]) > COARSE * limit:
            break
        if not all(_apart(guesses[guess], other) for other in tried):
            continue
        check()
        normal, offset, error = search.refined(guesses[guess], float(errors[guess]))
        tried += [guesses[guess], normal]
        if error < limit and all(_apart(normal, other) for other, _ in planes):
            on_device = normal.to(mesh.vertices.device)
            planes.append((normal, Symmetry.mirror(on_device, offset + float(normal @ center), error)))
    return sorted((plane for _, plane in planes), key=lambda plane: plane.error)


def _apart(normal: Tensor, other: Tensor) -> bool:
    return abs(float(normal @ other)) < math.cos(DISTINCT)


@dataclass(frozen=True)
class _Search:
    tree: "KDTree"  # of `points`
    points: Tensor  # [S,3], centred
    normals: Tensor  # [S,3]
    probes: Tensor  # [P,3]
    probe_normals: Tensor  # [P,3]
    radius: float

    def errors(self, directions: Tensor, offsets: Tensor) -> Tensor:
        """Trimmed mean mismatch [K] of the planes directions [K,3], offsets [K], as fractions of the radius."""
        height = self.probes @ directions.T - offsets  # [P,K]
        mirrored = self.probes[:, None] - 2 * height[..., None] * directions
        turned = self.probe_normals[:, None] - 2 * (self.probe_normals @ directions.T)[..., None] * directions
        nearest = torch.from_numpy(self.tree.query(mirrored.reshape(-1, 3).numpy())[1]).view(height.shape)
        offset = mirrored - self.points[nearest]
        normal_distance = (offset * self.normals[nearest]).sum(-1).abs()
        # beyond the sampling distance the offset itself counts: along the normal it is 0 anywhere on a flat face
        excess = (offset.norm(dim=-1) - 0.08 * self.radius).clamp_min(0)
        turn = 1 - (turned * self.normals[nearest]).sum(-1)
        mismatch = (normal_distance + excess) / self.radius + 0.02 * turn
        return mismatch.sort(0).values[: int(len(mismatch) * COUNTED)].mean(0)

    def refined(self, normal: Tensor, error: float) -> tuple[Tensor, float, float]:
        """Try small turns and shifts while they help."""
        offset = 0.0
        for step in ROUNDS:
            side = F.normalize(torch.linalg.cross(normal, torch.eye(3)[normal.abs().argmin()]), dim=0)
            other = torch.linalg.cross(normal, side)
            turns = [i * side + j * other for i in (-step, 0, step) for j in (-step, 0, step)]
            tries = F.normalize(normal + torch.stack(turns * 3), dim=-1)
            shift = step * self.radius * torch.tensor([-0.5, 0.0, 0.5])
            offsets = offset + shift.repeat_interleave(9)
            errors = self.errors(tries, offsets)
            best = int(errors.argmin())
            if float(errors[best]) < error:
                normal, offset, error = tries[best], float(offsets[best]), float(errors[best])
        return normal, offset, error


def _half_sphere(count: int) -> Tensor:
    """Even directions [count,3] with z >= 0 (spherical Fibonacci)."""
    i = torch.arange(count) + 0.5
    z = 1 - i / count
    around = math.pi * (1 + 5**0.5) * i
    ring = (1 - z**2).sqrt()
    return torch.stack([ring * around.cos(), ring * around.sin(), z], -1)
