"""Planes in which a surface is its own mirror image."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .mesh import Mesh

DIRECTIONS = 240  # first guesses over the half sphere: about 9 degrees apart
PROBES = 400  # points that are mirrored
SURFACE = 6000  # points that they are compared with
KEPT = 6  # guesses that are refined
ROUNDS = (0.10, 0.05, 0.025, 0.012)  # radians (and shares of the radius) that the refinement tries


@dataclass(frozen=True)
class MirrorPlane:
    """The plane normal . x = offset, and how far the mirrored surface is from the surface."""

    normal: Tensor  # [3] unit
    offset: float  # world units
    error: float  # mean distance between surface and mirror image over the surface's radius

    def reflect(self, points: Tensor) -> Tensor:
        """Points [N,3] on the other side."""
        return points - 2 * ((points @ self.normal)[:, None] - self.offset) * self.normal

    def reflect_directions(self, directions: Tensor) -> Tensor:
        """Directions or normals [N,3] as the mirror shows them."""
        return directions - 2 * (directions @ self.normal)[:, None] * self.normal


def mirror_planes(mesh: Mesh, limit: float = 0.02, seed: int = 0) -> list[MirrorPlane]:
    """Distinct planes of symmetry with an error below `limit`, best first; empty when there is none.

    Guesses over the half sphere through the centroid, compared by the distance along the normal between mirrored
    and nearest surface points; the best ones are refined in direction and offset by coordinate search.
    """
    from scipy.spatial import cKDTree

    points, normals, _ = (t.cpu() for t in mesh.sample_surface(SURFACE, seed))
    center = points.mean(0)
    points = points - center
    radius = float(points.norm(dim=-1).max())
    if radius == 0:
        return []
    search = _Search(cKDTree(points.numpy()), points, normals, points[:PROBES], normals[:PROBES], radius)
    guesses = _half_sphere(DIRECTIONS)
    errors = search.errors(guesses, torch.zeros(len(guesses)))
    planes: list[MirrorPlane] = []
    for guess in errors.argsort()[:KEPT].tolist():
        normal, offset, error = search.refined(guesses[guess], float(errors[guess]))
        fresh = all(abs(float(p.normal.cpu() @ normal)) < math.cos(0.2) for p in planes)
        if error < limit and fresh:
            normal_there = normal.to(mesh.vertices.device)
            planes.append(MirrorPlane(normal_there, offset + float(normal @ center), error))
    return sorted(planes, key=lambda plane: plane.error)


@dataclass(frozen=True)
class _Search:
    tree: object  # scipy's cKDTree of `points`
    points: Tensor  # [S,3], centred
    normals: Tensor  # [S,3]
    probes: Tensor  # [P,3]
    probe_normals: Tensor  # [P,3]
    radius: float

    def errors(self, directions: Tensor, offsets: Tensor) -> Tensor:
        """Mean mismatch [K] of the planes directions [K,3], offsets [K], as shares of the radius."""
        height = self.probes @ directions.T - offsets  # [P,K]
        mirrored = self.probes[:, None] - 2 * height[..., None] * directions
        turned = self.probe_normals[:, None] - 2 * (self.probe_normals @ directions.T)[..., None] * directions
        found = torch.from_numpy(self.tree.query(mirrored.reshape(-1, 3).numpy())[1]).view(height.shape)
        gap = mirrored - self.points[found]
        along = (gap * self.normals[found]).sum(-1).abs()
        # beyond the sampling distance the gap itself counts: a plane's points lie along its own normal plane
        beside = (gap.norm(dim=-1) - 0.08 * self.radius).clamp_min(0)
        turn = 1 - (turned * self.normals[found]).sum(-1)
        return ((along + beside) / self.radius + 0.02 * turn).mean(0)

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
