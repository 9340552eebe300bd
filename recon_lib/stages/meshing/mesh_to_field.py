"""A mesh as signed distances on a grid, whoever made it: closed, open at places, of bodies that cross each other.

Inside is a generalised winding number above one half (Jacobson, Kavan and Sorkine-Hornung 2013), which needs no
watertight mesh; holes are closed by the surface on which it is one half.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import BadInput
from ...fields.cells import Cells
from ...fields.distance_grid import DistanceGrid
from ...memory import explain_oom
from ...meshes.lattice_winding import lattice_windings
from ...meshes.mesh import Mesh
from ...meshes.nearest_points import NearestPoints
from ...meshes.surface_distance import distance_to_triangles
from ...parsing import whole_number
from ...progress import Progress
from ...render.surface_colors import surface_colors

log = logging.getLogger("recon3d")
NODES = (16, 256)  # a side: fewest and most
ROOM = 1.1  # factor of the mesh's box: a fit may have to grow beyond it
SAMPLES_A_CELL = 4  # of the surface
MOST_SAMPLES = 1_000_000
EXACT = 2  # spacings from the surface within which distances are exact
NEIGHBOURS = 8  # samples whose triangles are tried
CHUNK = 65536  # nodes
INSIDE = 0.5  # winding number


@dataclass(frozen=True)
class _Samples:
    """Random points of a surface, and the tree in which they are searched."""

    mesh: Mesh
    points: Tensor  # [K,3]
    face: Tensor  # [K]

    def distance(self, cells: Cells, check: Callable[[], None]) -> Tensor:
        """Distances [G,G,G] of the nodes to the surface: exact near it, beyond to the sample that the nearest node of
        those has. A search from the middle of a ball would visit every sample.
        """
        near = _around(self.points, cells)
        nodes = cells.positions(near.view(-1).nonzero().flatten())
        found = torch.zeros(len(nodes), NEIGHBOURS, dtype=torch.int64)
        tree = NearestPoints(self.points, check)
        distance = torch.full((len(nodes),), float("inf"))
        for part in torch.arange(len(nodes)).split(CHUNK):
            found[part] = tree.query(nodes[part], NEIGHBOURS)[1]
            for column in found[part].T:
                closer = distance_to_triangles(nodes[part], self.mesh.triangles[self.face[column]]).float()
                distance[part] = torch.minimum(distance[part], closer)
        row = torch.zeros(near.shape, dtype=torch.int64)
        row[near] = torch.arange(len(nodes))
        check()
        sample = self.points[found[_at_nearest(row, near), 0]]
        beyond = (cells.positions() - sample.view(-1, 3)).norm(dim=-1).view(near.shape)
        beyond[near] = distance
        return beyond


def _around(points: Tensor, cells: Cells) -> Tensor:
    """Whether a node lies within `EXACT` spacings of one of the points [K,3], along each axis: [G,G,G] bool."""
    from scipy.ndimage import binary_dilation

    near = torch.zeros((cells.nodes,) * 3, dtype=torch.bool)
    near[tuple(((points - cells.low) / cells.spacing).round().long().clamp(0, cells.nodes - 1).T)] = True
    return torch.from_numpy(binary_dilation(near.numpy(), torch.ones(3, 3, 3).numpy(), iterations=EXACT))


@explain_oom("making a field of the mesh", "ask for a coarser grid")
def mesh_to_field(mesh: Mesh, nodes: int = 128, *, progress: Progress | None = None) -> DistanceGrid:
    """Signed distances of a mesh, with its colours, for fits that begin with it, hulls, Extract Mesh and rendering.

    mesh: closed or nearly closed, near the world's origin; open sheets enclose nothing. Turned inside out it is turned
    back, with a line in the log. nodes: 16 to 256 a side of the cube around it. Parts thinner than a spacing get lost.
    A closed mesh of two million triangles took 14 s of one thread at 128^3, one of five thousand 2 s. Raises `BadInput`
    for a mesh without extent, one that encloses nothing at that spacing, and one that lies far from the origin
    (`Mesh.origin`).
    """
    progress, started = progress or Progress(), time.perf_counter()
    whole_number(nodes, "nodes", *NODES)
    _check(mesh)
    progress.start("Mesh to field", 3)
    low, high = mesh.vertices[mesh.faces.unique()].aminmax(dim=0)
    middle, half = (low + high) / 2, (high - low) / 2 * ROOM
    cells = Cells.within(torch.stack([middle - half, middle + half]), nodes)
    windings = _turned(lattice_windings(mesh, _axes(cells), progress.check))
    if not (windings > INSIDE).any():
        raise BadInput(
            "The mesh encloses nothing at this spacing, being an open sheet, thinner than a cell, or of triangles that "
            "face both ways; close it, or ask for a finer grid."
        )
    progress.step()
    samples = _sampled(mesh, cells)
    distance = samples.distance(cells, progress.check)
    progress.step()
    distance = _with_bridges(distance, windings, cells)
    signed = torch.where(windings > INSIDE, -distance, distance)
    colors = surface_colors(mesh, samples.points, samples.face)
    progress.step()
    log.info("signed distances at %d^3 nodes in %.1f s", nodes, time.perf_counter() - started)
    return DistanceGrid(cells, signed, None if colors is None else samples.points, colors)


def _check(mesh: Mesh) -> None:
    if any(mesh.origin):
        raise BadInput("The mesh lies far from the origin; save it near the origin, or centre it, first.")
    if not len(mesh.faces) or not float(mesh.face_areas.sum()) > 0:
        raise BadInput("The mesh has no surface; it is empty or all its triangles are degenerate.")


def _axes(cells: Cells) -> tuple[Tensor, Tensor, Tensor]:
    steps = torch.arange(cells.nodes)
    x, y, z = (low + steps * cells.spacing for low in cells.low)
    return x, y, z


def _turned(windings: Tensor) -> Tensor:
    """The winding numbers of the mesh that faces outward."""
    if int((windings < -INSIDE).sum()) <= int((windings > INSIDE).sum()):
        return windings
    log.warning("The mesh is turned inside out, its triangles face inward; it was turned back.")
    return -windings


def _sampled(mesh: Mesh, cells: Cells) -> _Samples:
    """Random points all over the surface, and the middle of every triangle unless there are very many of them."""
    count = int(min(max(SAMPLES_A_CELL * float(mesh.face_areas.sum()) / cells.spacing**2, 1000), MOST_SAMPLES))
    points, _, face = mesh.sample_surface(count)
    if len(mesh.faces) > MOST_SAMPLES - count:
        return _Samples(mesh, points, face)
    middles = mesh.triangles.mean(1)
    return _Samples(mesh, torch.cat([points, middles]), torch.cat([face, torch.arange(len(middles))]))


def _with_bridges(distance: Tensor, windings: Tensor, cells: Cells) -> Tensor:
    """The distances [G,G,G] where the surface that closes holes counts as well."""
    crossings = []
    for axis in range(3):
        (a, b), (near, far) = (
            (values.narrow(axis, 0, cells.nodes - 1), values.narrow(axis, 1, cells.nodes - 1))
            for values in (windings, distance)
        )
        # an edge that crosses a triangle has an end within half a spacing of it
        bridged = ((a > INSIDE) != (b > INSIDE)) & (torch.minimum(near, far) > cells.spacing / 2)
        place = bridged.nonzero().float()
        place[:, axis] += ((INSIDE - a) / (b - a))[bridged]
        crossings.append(place)
    place = torch.cat(crossings)
    return torch.minimum(distance, _to_points(place, cells.nodes) * cells.spacing) if len(place) else distance


def _to_points(points: Tensor, nodes: int) -> Tensor:
    """About the distances [G,G,G] of a lattice's nodes to the nearest of points [K,3], in spacings."""
    row = torch.full((nodes,) * 3, -1)
    row[tuple(points.round().long().T)] = torch.arange(len(points))
    nearest = points[_at_nearest(row, row >= 0)]
    lattice = torch.stack(torch.meshgrid(*[torch.arange(nodes)] * 3, indexing="ij"), -1)
    return (lattice - nearest).norm(dim=-1)


def _at_nearest(values: Tensor, marked: Tensor) -> Tensor:
    """Values [G,G,G] of a lattice, at each node that of the nearest one of those `marked` [G,G,G] bool."""
    from scipy.ndimage import distance_transform_edt

    place = distance_transform_edt(~marked.numpy(), return_distances=False, return_indices=True)
    return values[tuple(torch.from_numpy(np.asarray(place)))]
