"""Do eight views of one object give one shape? LIST beside ZeroShape-W, on objects that they never saw.

    python -m benchmarks.view_independence MESHES [--objects 5] [--model SYSTEM=FILE] [--json OUT.json]

Every object is seen from eight azimuths, at elevations by turns; pictures are unlit over white, masks true. LIST's
shapes stand upright by themselves: only the true turn about the vertical brings them together. ZeroShape-W's are in the
frame of the camera: the whole rotation of the true camera does. Then each shape is centred, and scaled to a root mean
square radius of 1. mutual: mean Chamfer distance (both directions averaged) over the pairs of shapes. up: median angle
between LIST's vertical and the true one, degrees.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from benchmarks.colored_solids import seen
from benchmarks.quality_single_view import SEED
from benchmarks.single_view_systems import embedded
from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.upright import up_from_angles, upright_rotation
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.meshes.mesh import Mesh
from recon_lib.registry import find_system, load_part
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.weights.registry import load_model

VIEWS, ELEVATIONS = 8, (0.0, 10.0, 20.0, 35.0)
DISTANCE, FOV, PIXELS = 3.2, 40.0, 256
SAMPLES, RESOLUTION, TEXTURE = 4000, 96, 64
SYSTEMS = ("zeroshape-w", "list")


def in_world(result: Reconstruction, rotation: Tensor) -> Mesh:
    """A shape turned into the world by what the system is to be told; rotation [3,3] world -> camera, OpenCV axes.

    Of a system that stands upright that is the turn about the vertical alone, else the camera's whole rotation.
    """
    stands = "elevation_roll_degrees" in result.report
    turn = rotation.mT @ (upright_rotation(rotation[None, :, 1])[0] if stands else FLIP_YZ)
    return result.mesh.mapped(lambda v: v @ turn.mT)


def cloud(mesh: Mesh, seed: int) -> np.ndarray:
    """Points [SAMPLES,3] of the surface, centred and scaled to a root mean square radius of 1."""
    points = mesh.sample_surface(SAMPLES, seed)[0].double()
    points = points - points.mean(0)
    return (points / points.square().sum(1).mean().sqrt()).numpy()


def mutual_chamfer(clouds: list[np.ndarray]) -> float:
    """Mean over all pairs of clouds [N,3] of the mean distance to the nearest point of the other."""
    trees = [KDTree(points) for points in clouds]
    ways = [
        trees[a].query(clouds[b])[0].mean() for i, j in combinations(range(len(clouds)), 2) for a, b in ((i, j), (j, i))
    ]
    return float(np.mean(ways))


def up_error(result: Reconstruction, rotation: Tensor) -> float | None:
    """Angle, degrees, between the estimated vertical and the true one."""
    angles = result.report.get("elevation_roll_degrees")
    if angles is None:
        return None
    found = up_from_angles(*(torch.tensor([angle]) for angle in angles))[0]
    return float(torch.rad2deg((found @ rotation[:, 1]).clamp(-1, 1).acos()))


def run(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    files = dict(pair.split("=", 1) for pair in args.model)
    models = {name: load_model(files.get(name) or embedded(name)) for name in SYSTEMS}
    found = list_objects(args.meshes, args.split)
    chosen = [found[i] for i in np.random.default_rng(SEED).permutation(len(found))[: args.objects]]
    elevations = [ELEVATIONS[i % len(ELEVATIONS)] for i in range(VIEWS)]
    cameras = Cameras.orbit([360 / VIEWS * i for i in range(VIEWS)], elevations, DISTANCE, FOV, PIXELS, PIXELS)
    mutual: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    ups: list[float] = []
    for file in chosen:
        views = seen(load_object(file.path, args.up), cameras)
        for name, model in models.items():
            options = load_part(find_system(name).options)(resolution=RESOLUTION, texture_size=TEXTURE)
            reconstruct, clouds = load_part(find_system(name).reconstruct), []
            for i in range(VIEWS):
                result = reconstruct(views.images[i : i + 1], model, mask=views.masks[i : i + 1], options=options)
                rotation = cameras.rotation[i].mT
                clouds.append(cloud(in_world(result, rotation), i))
                error = up_error(result, rotation)
                ups += [] if error is None else [error]
            mutual[name].append(mutual_chamfer(clouds))
            print(f"{file.name:32s} {name:12s} mutual {mutual[name][-1]:.4f}", flush=True)
    table = {name: {"mutual": round(float(np.mean(values)), 4)} for name, values in mutual.items()}
    table["list"]["up"] = round(float(np.median(ups)), 2)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path)
    parser.add_argument("--model", action="append", default=[], metavar="SYSTEM=FILE", help="else the embedded one")
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = run(args)
    print(json.dumps(table, indent=2))
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
