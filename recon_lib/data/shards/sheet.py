"""Sheet of training samples, to inspect the networks' inputs."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .cutouts import Library
from .render_shards import render_meshes, render_solids
from .scenes import Scene, compose_scene

OBJECTS = 12  # rendered for a sheet; objects, clutter and occluders of its scenes are drawn from them


def sample_sheet(count: int = 8, seed: int = 0, meshes: Path | None = None, size: int = 192) -> Tensor:
    """Sheet [3,count*size,4*size] in 0-1 with a row of picture, masks, depth and normals for each of `count` samples.

    Objects are procedural solids, and meshes of the folder `meshes` where one is given.
    """
    with tempfile.TemporaryDirectory() as folder:
        shards = Path(folder)
        render_solids(shards, range(seed * OBJECTS, (seed + 1) * OBJECTS), views=2)
        if meshes is not None:
            render_meshes(meshes, shards, views=2, seed=seed, limit=OBJECTS)
        library = Library(shards)
        rng = np.random.default_rng(seed)
        items = [library.item(int(rng.integers(len(library)))) for _ in range(count)]
        scenes = [compose_scene(library, item, seed * 1000 + i, size) for i, item in enumerate(items)]
        return torch.cat([_row(scene) for scene in scenes], dim=1)


def _row(scene: Scene) -> Tensor:
    from ...render.pictures import depth_picture, mask_picture, normal_picture

    image = torch.from_numpy(np.ascontiguousarray(scene.image))[None]
    mask, occluder = (torch.from_numpy(m)[None, None].float() for m in (scene.mask, scene.occluder))
    depth = torch.from_numpy(scene.depth)[None, None] * mask
    normals = torch.from_numpy(np.ascontiguousarray(scene.normals))[None] * mask
    pictures = [image, mask_picture(image, mask, occluder), depth_picture(depth), normal_picture(normals)]
    return torch.cat([p[0] for p in pictures], dim=-1)
