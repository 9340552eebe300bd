"""Rendering of shards from folders of meshes and from procedural solids."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...meshes.mesh import Mesh
from ...progress import Progress
from ..appearance.materials import random_material
from ..rendering.mesh_renders import MeshRenderer, ObjectRender, portrait_camera, random_camera
from ..rendering.objects import iterate_objects, list_objects
from ..rendering.occupancy import labelled_points
from ..solids.export import training_solid
from .shards import POINTS, ShardWriter

log = logging.getLogger("recon3d")
OBJECTS_A_SHARD = 64
PORTRAITS = 0.5  # fraction of renders from where people take their pictures; the others are from anywhere
RECOLORED = 0.3  # fraction of mesh renders with a random material in place of their own texture


def render_meshes(
    source: Path,
    out: Path,
    *,
    views: int = 12,
    size: int = 160,
    seed: int = 0,
    split: str = "train",
    up: str = "z",
    limit: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Render every mesh of `source` `views` times into shards below `out`. Existing shards are not rendered again.

    `up` is the files' up axis, "y" or "z"; `limit` is a maximum number of meshes, drawn by `seed`.
    """
    files = list_objects(source, split)
    order = np.random.default_rng(seed).permutation(len(files))[:limit]
    files = [files[i] for i in order]
    progress = progress or Progress()
    progress.start("rendering meshes", len(files))
    for first in range(0, len(files), OBJECTS_A_SHARD):
        folder = out / f"meshes_{split}_{seed:03d}_{first:05d}"
        batch = files[first : first + OBJECTS_A_SHARD]
        if not folder.exists():
            writer, index = ShardWriter(), None
            for index, mesh in iterate_objects(batch, up):
                rng = np.random.default_rng([seed, first + index])
                progress.check()
                points = labelled_points(mesh, POINTS, seed)
                writer.add(*points, _stoppable(_mesh_views(mesh, views, size, rng), progress))
            if index is None:
                raise BadInput(f"None of the meshes {batch[0].name} to {batch[-1].name} could be read; check {source}.")
            writer.write(folder)
        progress.step(steps=len(batch))


def _camera(rng: np.random.Generator, mesh: Mesh, size: int) -> Cameras:
    return (portrait_camera if rng.random() < PORTRAITS else random_camera)(rng, mesh, size)


def _mesh_views(mesh: Mesh, views: int, size: int, rng: np.random.Generator) -> Iterator[ObjectRender]:
    renderer = MeshRenderer(mesh)
    for _ in range(views):
        material = random_material(int(rng.integers(2**31))) if rng.random() < RECOLORED else None
        yield renderer.render(_camera(rng, mesh, size), rng, material)


def _stoppable(renders: Iterator[ObjectRender], progress: Progress) -> Iterator[ObjectRender]:
    for render in renders:
        progress.check()
        yield render


def render_solids(
    out: Path,
    seeds: range,
    *,
    views: int = 6,
    size: int = 160,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Render the procedural solids of `seeds` into shards; `cache` may hold `training_solid` results as %05d.npz."""
    progress = progress or Progress()
    progress.start("rendering solids", len(seeds))
    for first in range(seeds.start, seeds.stop, OBJECTS_A_SHARD):
        folder = out / f"solids_{first:06d}_{views:02d}"
        batch = range(first, min(first + OBJECTS_A_SHARD, seeds.stop))
        if not folder.exists():
            writer = ShardWriter()
            for seed in batch:
                progress.check()
                solid = _solid(seed, cache)
                rng = np.random.default_rng([seed, views])
                renders = _stoppable(_solid_views(solid, views, size, rng), progress)
                writer.add(solid["points"], solid["inside"], renders)
            writer.write(folder)
        progress.step(steps=len(batch))


def _solid(seed: int, cache: Path | None) -> dict[str, NDArray]:
    path = None if cache is None else cache / f"{seed:05d}.npz"
    if path is not None and path.is_file():
        with np.load(path) as stored:
            return dict(stored)
    return training_solid(seed)


def _solid_views(solid: dict[str, NDArray], views: int, size: int, rng: np.random.Generator) -> Iterator[ObjectRender]:
    mesh = Mesh(torch.from_numpy(solid["vertices"]), torch.from_numpy(solid["faces"]).long())
    renderer = MeshRenderer(mesh)
    own_colors = solid["part_colors"] / 255.0
    for _ in range(views):
        colors = own_colors if rng.random() < 0.5 else None
        material = random_material(int(rng.integers(2**31)), colors)
        yield renderer.render(_camera(rng, mesh, size), rng, material, solid["face_parts"].astype(np.int64))
