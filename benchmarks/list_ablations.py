"""LIST's claims at the embedded size: variants trained equally long from the same start, on objects never trained on.

    python -m benchmarks.list_ablations SHARDS MESHES [--steps 200] [--objects 40] [--only NAME ...] [--out FOLDER]
        [--json FILE]

Variants lack the spatial transformer (the vector of the whole picture is all that a point hears of it) or the coarse
branch (no points, no occupancy grid). Clean pictures with true masks, one an object. Shapes are turned from the upright
frame to the picture's by the true vertical, so that no variant needs to tell the camera, and are aligned by scale and
translation; "similarity" allows a rotation as well. Seen and unseen are split by what the true camera sees. The level
of each variant is the best one of `LEVELS` for it, by F.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.ablations import Measure, ablations
from benchmarks.quality_single_view import MIXES, rendered, scenes, view_aligned
from benchmarks.single_view_systems import FAILED, figures, means
from recon_lib.cameras.camera import FLIP_YZ
from recon_lib.cameras.upright import upright_rotation
from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.scenes import Scene
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view.upright_shape import upright_shape
from recon_lib.training.list_sdf.settings import ListSettings
from recon_lib.training.list_sdf.train import train
from recon_lib.weights.registry import LoadedModel, load_model

VARIANTS: dict[str, dict[str, bool]] = {
    "all": {},
    "no spatial transformer": {"spatial_transformer": False},
    "no coarse branch": {"coarse_branch": False},
}
LEVELS = (0.0, 0.1, 0.2, 0.3)  # of the network's answers
SIDE, RESOLUTION, PICTURE = 96, 64, 256


def trained(args: argparse.Namespace, name: str, folder: Path) -> Path:
    """Weights of a variant."""
    settings = ListSettings(
        args.shards, folder / name.replace(" ", "_"), steps=args.steps, save_every=args.steps, sides=((0.0, SIDE),),
        warmup=min(50, args.steps), batch=args.batch, workers=0, **VARIANTS[name],
    )  # fmt: skip
    return train(settings) / "list_mini.safetensors"


def to_picture(scene: Scene) -> Tensor:
    """Rotation [3,3] from the upright frame to that of `view_aligned`."""
    up = torch.tensor(scene.world_to_camera[:3, 1].tolist())
    return FLIP_YZ @ upright_rotation(up[None])[0]


def measured(model: LoadedModel, scene: Scene, truth: Mesh) -> list[dict[str, float]]:
    """A row for each of `LEVELS`; one that leaves nothing counts as a failure."""
    image = torch.from_numpy(np.ascontiguousarray(scene.image))[None]
    mask = torch.from_numpy(np.array(scene.mask, np.float32))[None, None]
    network: Any = model.module
    field, turn, rows = upright_shape(model, image, mask).field, to_picture(scene), []
    for level in LEVELS:
        network.config = replace(network.config, level=level)
        try:
            mesh = extract_mesh(field, RESOLUTION, largest=True).mesh
            rows.append(figures(mesh.mapped(lambda v: v @ turn.mT), truth, scene))
        except BadInput:
            rows.append(FAILED)
    return rows


def best(rows: list[list[dict[str, float]]]) -> dict[str, float]:
    """Means over objects of the level with the highest F, from rows of objects and levels."""
    tables = [{"level": level, **means([row[i] for row in rows])} for i, level in enumerate(LEVELS)]
    return max(tables, key=lambda table: table["f"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("meshes", type=Path, help="of which those of the split are measured")
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--objects", type=int, default=40)


def prepare(args: argparse.Namespace, folder: Path) -> Measure:
    with tempfile.TemporaryDirectory() as room:
        meshes = rendered(args.meshes, args.split, args.up, args.objects, Path(room))
        pictures = list(scenes(Library(Path(room)), MIXES["clean"], PICTURE))
    truths = [view_aligned(mesh, scene) for scene, mesh in zip(pictures, meshes, strict=True)]

    def measure(name: str) -> dict[str, float]:
        model = load_model(trained(args, name, folder))
        return best([measured(model, scene, truth) for scene, truth in zip(pictures, truths, strict=True)])

    return measure


if __name__ == "__main__":
    ablations(__doc__, VARIANTS, add_arguments, prepare)
