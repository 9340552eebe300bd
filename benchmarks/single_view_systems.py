"""Systems from one picture side by side, split by what the picture shows, on objects that they never saw.

    python -m benchmarks.single_view_systems MESHES [--systems zeroshape-w list] [--model SYSTEM=FILE ...]
        [--objects 20] [--resolution 96] [--json OUT.json]

Each object is rendered once, over a plain background, with seeds that training never reaches; every system is given the
picture and the true mask. Shapes are taken to the frame of the picture by the system's own camera and aligned by scale
and translation; "similarity" allows a rotation as well. f: F-score at 0.05 of the truth's bounding-sphere radius.
chamfer: mean of both directions, in such radii. Seen and unseen: each surface is split by what the true camera sees of
it, and the parts are compared (LIST's metric, `recon_lib.stages.evaluation.occluded`). up: angle between the estimated
and the true vertical, degrees, median, where a system tells one. A failure counts as F = 0.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.quality_single_view import MIXES, rendered, scenes, view_aligned
from benchmarks.single_view_baselines import inflated, sphere
from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.upright import up_from_angles
from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.scenes import Scene
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.registry import find_system, load_part
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.weights.registry import load_model

SAMPLES, TEXTURE = 20_000, 64
AT_ORIGIN = torch.block_diag(FLIP_YZ, torch.ones(1, 1))  # pose of the camera that looks along -z, +y up
FAILED = {"f": 0.0, "f_similarity": 0.0, "f_seen": 0.0, "f_unseen": 0.0}


def in_picture_frame(result: Reconstruction) -> Mesh:
    """A system's mesh in the frame of its photo's camera: looking along -z, +y up."""
    pose = torch.linalg.inv(result.views.cameras.camera_to_world[0].double()).float()
    return result.mesh.mapped(lambda v: (v @ pose[:3, :3].T + pose[:3, 3]) @ FLIP_YZ)


def figures(mesh: Mesh, truth: Mesh, scene: Scene) -> dict[str, float]:
    """Figures of one shape in the frame of the picture."""
    height, width = scene.mask.shape
    camera = Cameras(AT_ORIGIN[None], torch.from_numpy(scene.intrinsics)[None].float(), height, width)
    aligned = compare_meshes(mesh, truth, align="scale", camera=camera, split="both", samples=SAMPLES)
    turned = compare_meshes(mesh, truth, align="similarity", samples=SAMPLES)
    radius = aligned["bounding_sphere_radius"]
    row = {"f": aligned["f_score_0.05"], "f_similarity": turned["f_score_0.05"]}
    row["chamfer"] = aligned["chamfer_unsquared"] / radius
    row["chamfer_similarity"] = turned["chamfer_unsquared"] / radius
    for part in ("seen", "unseen"):
        row[f"f_{part}"] = aligned[part]["f_score_0.05"]
        row[f"chamfer_{part}"] = (aligned[part]["chamfer_unsquared"] or float("nan")) / radius
        row[f"normals_{part}"] = aligned[part]["normal_consistency"]
    return {name: float("nan") if value is None else float(value) for name, value in row.items()}


def up_error(result: Reconstruction, scene: Scene) -> float:
    """Angle between the estimated vertical and the true one, degrees; NaN where the system tells none."""
    angles = result.report.get("elevation_roll_degrees")
    if angles is None:
        return float("nan")
    found = up_from_angles(*(torch.tensor([angle]) for angle in angles))[0].double()
    true = torch.tensor(scene.world_to_camera[:3, 1], dtype=torch.float64)
    return float(torch.rad2deg((found @ true / found.norm() / true.norm()).clamp(-1, 1).acos()))


def measured(system: str, model: Any, image: Tensor, scene: Scene, truth: Mesh, resolution: int) -> dict[str, float]:
    """A system's row for one picture."""
    row = find_system(system)
    options = load_part(row.options)(resolution=resolution, texture_size=TEXTURE)
    mask = torch.from_numpy(np.array(scene.mask, np.float32))[None, None]
    start = time.perf_counter()
    try:
        result = load_part(row.reconstruct)(image, model, mask=mask, options=options)
        seconds = time.perf_counter() - start
        shape = figures(in_picture_frame(result), truth, scene)
        return {**shape, "up": up_error(result, scene), "seconds": seconds}
    except BadInput as reason:
        logging.getLogger("recon3d").info("failed: %s", reason)
        return {**FAILED, "up": float("nan"), "seconds": time.perf_counter() - start}


def baseline(mesh: Mesh, truth: Mesh, scene: Scene) -> dict[str, float]:
    """The row of a shape that is no system's."""
    try:
        return figures(mesh, truth, scene)
    except BadInput:
        return FAILED


def run(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    files = dict(pair.split("=", 1) for pair in args.model)
    models = {name: load_model(files.get(name) or embedded(name)) for name in args.systems}
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        meshes = rendered(args.meshes, args.split, args.up, args.objects, Path(folder))
        pictures = scenes(Library(Path(folder)), MIXES["clean"], args.size)
        for scene, mesh in zip(pictures, meshes, strict=True):
            truth = view_aligned(mesh, scene)
            image = torch.from_numpy(np.ascontiguousarray(scene.image))[None]
            for name, model in models.items():
                rows.setdefault(name, []).append(measured(name, model, image, scene, truth, args.resolution))
            shapes = {"sphere": sphere(), "inflated silhouette": inflated(torch.from_numpy(scene.amodal))}
            for name, shape in shapes.items():
                rows.setdefault(name, []).append(baseline(shape, truth, scene))
    return {name: means(many) for name, many in rows.items()}


def embedded(system: str) -> str:
    """Name of the embedded model that a system uses."""
    return f"{(find_system(system).model or system).replace('-', '_')}_mini"


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Means of the figures, the median of `up`, over the pictures where they are defined."""
    names = dict.fromkeys(name for row in rows for name in row)
    table = {}
    for name in names:
        values = np.array([row.get(name, np.nan) for row in rows])
        values = values[~np.isnan(values)]
        if len(values):
            table[name] = round(float((np.median if name == "up" else np.mean)(values)), 4)
    return {**table, "count": len(rows)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path)
    parser.add_argument("--systems", nargs="+", default=["zeroshape-w", "list"])
    parser.add_argument("--model", action="append", default=[], metavar="SYSTEM=FILE", help="else the embedded one")
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--objects", type=int, help="only that many, drawn at random")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, pixels")
    parser.add_argument("--resolution", type=int, default=96, help="cells a side of the extraction")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = run(args)
    for method, row in table.items():
        print(f"{method:20s} " + "  ".join(f"{name} {value}" for name, value in row.items()))
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
