"""Surface extraction: the zero level set of any field as a closed triangle mesh."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...check import check_finite, check_shape
from ...errors import BadInput
from ...fields.field import Field, InterpolableField
from ...fields.lattice import SparseLattice
from ...memory import default_chunk, explain_oom, in_chunks
from ...meshes.clean import cleaned
from ...meshes.marching import BLOCK, march_blocks
from ...meshes.mesh import Mesh
from ...parsing import RESOLUTIONS, whole_number
from ...progress import Progress

log = logging.getLogger("recon3d")

CLEARANCE = 1e-3  # smallest magnitude of a node's value, of the mean one: the surface never passes closer to a node,
# which would make needle triangles
MAX_VALUE = 1e6  # infinite logits and distances are clamped to this
FAR_OUTSIDE = -1e9  # value beyond closed bounds, which puts the cap onto them
BLOCKS_AT_ONCE = 64
DETAILS_APART = 1.25  # most, between the nodes at which a network is asked: what that costs, fairing hides


@dataclass(frozen=True)
class Extraction:
    """An extracted mesh and the number of field evaluations."""

    mesh: Mesh
    evaluations: int
    dense: int  # evaluations of the full grid

    @property
    def evaluated_fraction(self) -> float:
        """Fraction of the dense grid that was evaluated, 0-1."""
        return self.evaluations / self.dense


@explain_oom("extracting the mesh", "lower the resolution")
def extract_mesh(
    field: Field,
    resolution: int = 256,
    *,
    level: float = 0.0,
    coarse: int = 32,
    largest: bool = False,
    fairing: bool = True,
    smooth: int = 0,
    faces: int | None = None,
    closed: bool = True,
    chunk: int | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Mesh of the level set `field.inside(...) == level` inside the field's bounds.

    resolution: cells along the longest side of the bounds, >= 8; the nodes span the bounds exactly.
    coarse: cells of the first level, about; solids smaller than its cells are found by the curvature of the values.
    largest: keep only the largest connected surface (no inner walls) and pieces that a picture shows, see `Field`.
    fairing: remove the bumps that the field says it has, see `Field`.
    smooth: pairs of Taubin passes; 5 removes the grid's steps. faces: decimate to about this many triangles.
    closed: cap the solid where it reaches the bounds; otherwise it is open there.
    chunk: points per call, halved when memory runs out (default 16384 on the CPU, 131072 elsewhere).
    Raises `BadInput` when nothing is inside, for NaN values and for a resolution outside 8 to 1024.
    """
    progress = progress or Progress()
    started = time.perf_counter()
    lower, upper = _check(field, resolution)
    cells = np.maximum(np.rint((upper - lower) / (upper - lower).max() * resolution), 1).astype(np.int64)
    spacing = (upper - lower) / cells
    interpolated = _at_its_detail(field, lower, spacing, cells)

    def evaluate(nodes: np.ndarray) -> np.ndarray:
        points = torch.from_numpy(lower + nodes * spacing).float()
        return _evaluate(interpolated or field, points, level, chunk, device, progress)

    feature_cells = int(getattr(field, "min_feature_size", 0.0) / spacing.max())
    lattice = SparseLattice(evaluate, cells, coarse, min_feature_cells=feature_cells, check=progress.check)
    progress.start("Extract mesh", lattice.levels + 2)
    finest = lattice.sample(on_level=progress.step)
    vertices, triangles = _surface(lattice, finest, closed, progress)
    if not len(triangles):
        raise BadInput(_empty_message(lattice, resolution))
    progress.step()
    points = torch.from_numpy(lower + vertices * spacing).float()
    mesh = Mesh(points, torch.from_numpy(triangles))
    observed = getattr(field, "observed", None)
    seen = observed(mesh.vertices) if largest and observed is not None else None
    bumps = getattr(field, "bumps", 0.0) if fairing else 0.0
    options = {"largest": largest, "observed": seen, "bumps": bumps, "smooth": smooth, "faces": faces}
    mesh = cleaned(mesh, **options, check=progress.check)
    progress.step()
    dense = int(np.prod(cells + 1))
    evaluations = lattice.evaluations if interpolated is None else interpolated.asked
    log.info(
        "extracted %d triangles from %d field values (%.1f %% of the dense grid) in %.2f s",
        len(mesh.faces), evaluations, 100 * evaluations / dense, time.perf_counter() - started,
    )  # fmt: skip
    return Extraction(mesh, evaluations, dense)


def _check(field: Field, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """The field's bounds as two float64 arrays [3]."""
    whole_number(resolution, "The resolution", *RESOLUTIONS)
    check_shape("field bounds", field.bounds, 2, 3)
    check_finite("field bounds", field.bounds)
    lower, upper = field.bounds.detach().cpu().double().numpy()
    if (upper <= lower).any():
        raise BadInput(f"The field's bounds {lower.tolist()} to {upper.tolist()} enclose no volume; check the field.")
    return lower, upper


def _at_its_detail(field: Field, lower: np.ndarray, spacing: np.ndarray, cells: np.ndarray) -> InterpolableField | None:
    """The field, asked at every so many nodes alone; None where it must be asked at all of them."""
    if not isinstance(field, InterpolableField):
        return None
    every = 1
    while 2 * every * spacing.max() <= DETAILS_APART * field.detail:
        every *= 2
    if every == 1:
        return None
    step, counts = torch.from_numpy(spacing * every), torch.from_numpy(-(-cells // every))
    return field.interpolated(torch.from_numpy(lower), step, counts)


def _evaluate(
    field: Field,
    points: torch.Tensor,  # [N,3] world, CPU
    level: float,
    chunk: int | None,
    device: torch.device | str | None,
    progress: Progress,
) -> np.ndarray:
    """Field values minus `level` [N] float32, checked and finite."""

    def inside(rows: torch.Tensor) -> torch.Tensor:
        values = field.inside(rows if device is None else rows.to(device))
        check_shape("field values", values, len(rows))
        return values.detach().float().cpu()

    with torch.no_grad():
        values = in_chunks(inside, points, chunk or default_chunk(device), progress.check) - level
    if torch.isnan(values).any():
        raise BadInput("The field has NaN values; the fit diverged or the checkpoint is damaged: run it again.")
    return values.clamp(-MAX_VALUE, MAX_VALUE).numpy()


def _surface(lattice: SparseLattice, finest: np.ndarray, closed: bool, progress: Progress):
    """Vertices [N,3] in node units and triangles [M,3] of the sampled lattice."""
    size = max(BLOCK, lattice.coarsest)
    visited = np.zeros(-(-lattice.cells // size), bool)
    for cells in (finest, _capped(lattice)) if closed else (finest,):
        visited[tuple((cells // size).T)] = True
    blocks = np.argwhere(visited)
    finest_values = lattice.values[tuple(finest.T)]
    smallest = CLEARANCE * float(np.abs(finest_values).mean()) if len(finest_values) else 0.0

    def volumes() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for part in np.array_split(blocks, len(blocks) // BLOCKS_AT_ONCE + 1):
            progress.check()
            values = lattice.read_blocks(part, size)
            values = np.where(values > 0, np.maximum(values, smallest), np.minimum(values, -smallest))
            for block, volume in zip(part, values, strict=True):
                yield _cut_and_cap(block * size, volume, lattice.cells, closed)

    return march_blocks(volumes(), lattice.cells, progress.check)


def _cut_and_cap(
    first: np.ndarray,  # [3] lattice position of the block's first node
    volume: np.ndarray,
    cells: np.ndarray,
    closed: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a block inside the lattice, with a layer of outside values around the lattice if `closed`."""
    room = cells + 1 - first
    low, high = (first == 0) & closed, (room <= np.array(volume.shape)) & closed
    volume = volume[tuple(slice(n) for n in room)]
    if low.any() or high.any():
        volume = np.pad(volume, np.stack([low, high], 1).astype(int), constant_values=FAR_OUTSIDE)
    return volume, first - low


def _capped(lattice: SparseLattice) -> np.ndarray:
    """Cells [K,3] at the bounds that need a cap: their coarsest nodes are inside."""
    axes = [np.unique(np.minimum(np.arange(0, n + lattice.coarsest, lattice.coarsest), n)) for n in lattice.cells]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    at_bounds = ((nodes == 0) | (nodes == lattice.cells)).any(1)
    nodes = nodes[at_bounds & (lattice.values[tuple(nodes.T)] > 0)]
    around = nodes[:, None] - np.indices((2, 2, 2)).reshape(3, 8).T
    return np.clip(around.reshape(-1, 3), 0, lattice.cells - 1)


def _empty_message(lattice: SparseLattice, resolution: int) -> str:
    """Message for a field without a surface."""
    if np.nanmin(lattice.values) > 0:
        return "The field is inside everywhere within its bounds, so it has no surface; extract it closed."
    return (
        f"Nothing lies inside the field at resolution {resolution}: the hull was carved empty or no shape was found; "
        "check masks and cameras, or lower the level."
    )
