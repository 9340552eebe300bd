"""Coarse-to-fine extraction against the dense grid: field evaluations, time, and distance of the surfaces.

Run from the repository's root: `python -m benchmarks.extract_sparse_vs_dense [--resolution 256] [--fields sphere ...]`.
Distances are one-sided, from points on one surface to the other, in voxels (sparse to dense, then dense to sparse).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.extract import extract_mesh

BOUNDS = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
TILT = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]


@dataclass
class Solid:
    """An analytic field that counts its own cost."""

    distance: Callable[[Tensor], Tensor]  # [N,3] -> [N], negative inside
    bounds: Tensor = BOUNDS
    has_color: bool = False
    evaluations: int = 0
    seconds: float = 0.0

    def inside(self, points: Tensor) -> Tensor:
        start = time.process_time()
        values = -self.distance(points)
        self.seconds += time.process_time() - start
        self.evaluations += len(points)
        return values


def box(points: Tensor, *half: float) -> Tensor:
    """Distance to a box with the given half sides."""
    q = points.abs() - torch.tensor(half)
    return q.clamp_min(0).norm(dim=-1) + q.max(-1).values.clamp_max(0)


def torus(points: Tensor) -> Tensor:
    ring = points[:, [0, 2]].norm(dim=-1) - 0.55
    return torch.stack([ring, points[:, 1]], -1).norm(dim=-1) - 0.2


def plate_and_rod(points: Tensor) -> Tensor:
    """Two voxels thick at 256^3, and tilted so that no axis is special."""
    tilted = points @ TILT
    rod = torch.maximum(tilted[:, [0, 1]].norm(dim=-1) - 0.01, tilted[:, 2].abs() - 0.8)
    return torch.minimum(box(tilted, 0.6, 0.4, 0.008), rod)


def two_parts(points: Tensor) -> Tensor:
    """A box and a small ball apart from it."""
    ball = (points - torch.tensor([0.62, 0.6, -0.4])).norm(dim=-1) - 0.05
    return torch.minimum(box(points + 0.2, 0.5, 0.35, 0.4), ball)


def hollow_shell(points: Tensor) -> Tensor:
    """A wall of 2.5 voxels with a hole cut into it."""
    shell = (points.norm(dim=-1) - 0.7).abs() - 0.01
    return torch.maximum(shell, 0.2 - points[:, [0, 2]].norm(dim=-1) + 10 * (points[:, 1] < 0))


FIELDS = {
    "sphere": lambda p: p.norm(dim=-1) - 0.7,
    "torus": torus,
    "plate and rod": plate_and_rod,
    "two parts": two_parts,
    "hollow shell": hollow_shell,
}


def one_sided(source: Mesh, target: Mesh, count: int = 20000) -> np.ndarray:
    """Distances from points on `source` to the surface of `target`, world units, [count].

    Exact against the 16 triangles with the nearest centres: enough, since no triangle is longer than a cell.
    """
    from scipy.spatial import cKDTree
    from trimesh.triangles import closest_point

    points = source.sample_surface(count)[0].double().numpy()
    corners = target.triangles.double().numpy()
    nearest = cKDTree(corners.mean(1)).query(points, k=16)[1]
    closest = closest_point(corners[nearest.reshape(-1)], np.repeat(points, 16, 0)).reshape(-1, 16, 3)
    return np.linalg.norm(closest - points[:, None], axis=-1).min(1)


def measure(name: str, resolution: int) -> str:
    """One line of the table."""
    field = Solid(FIELDS[name])
    wall, processor = time.perf_counter(), time.process_time()
    sparse = extract_mesh(field, resolution)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    dense = extract_mesh(Solid(FIELDS[name]), resolution, coarse=resolution)
    voxel = 2 / resolution
    there, back = one_sided(sparse.mesh, dense.mesh) / voxel, one_sided(dense.mesh, sparse.mesh) / voxel
    return (
        f"{name:14s} {100 * sparse.evaluated_fraction:6.2f} %  {wall:5.2f} s  {processor - field.seconds:7.2f} s  "
        f"{there.max():9.2g}  {back.max():9.2g}  {len(sparse.mesh.faces):8d} {len(dense.mesh.faces):8d}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--fields", nargs="*", default=list(FIELDS), choices=list(FIELDS))
    options = parser.parse_args()
    extract_mesh(Solid(FIELDS["sphere"]), 16)  # imports
    print("overhead: processor time besides the field's own; distances in voxels, the largest of 20000")
    print("field          evaluated    wall   overhead  max there   max back  triangles (sparse, dense)")
    for name in options.fields:
        print(measure(name, options.resolution), flush=True)


if __name__ == "__main__":
    main()
