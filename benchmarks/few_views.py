"""The VolSDF fit of a ring of few views of real scans: F-score, Chamfer, normals, roughness of flat parts, seconds.

Run from the repository's root:

    python -m benchmarks.few_views DEVSET [--objects 8] [--views 3 6 12] [--split val] [--names NAME ...]
        [--ring level|alternating] [--pixels 256] [--threads 1] [--json FILE] [--meshes FOLDER] [--quick]

DEVSET is a folder whose manifest.json lists scans (z up) with their groups; closed ones count. Cameras stand equally
around the object, 20 degrees above it, or at 0 and 35 degrees by turns; they and the masks are true, pictures are unlit
over white. Nothing is aligned: figures are in the frame and units of `recon_lib.stages.evaluation`.

* f: F-score at 5 % of the radius of the truth's bounding sphere. chamfer: mean of both directions, world units.
* normals: mean |cosine| of matched normals. rough: mean angle, degrees, between the mesh's normals and the truth's
  where the truth is flat (all normals within 0.08 of the radius within 6 degrees) and the mesh is within 5 %.
* below: mean distance of the truth's underside (normals more than 45 degrees downward) from the mesh, world units.
* seconds: of the processor, for the fit alone. --quick fits 64^3 nodes with a third of the rays, in a third of it.
"""

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.colored_solids import seen, spread, write
from recon_lib.cameras.camera import Cameras
from recon_lib.data.rendering.objects import load_object
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitSettings
from recon_lib.stages.meshing.export import save_mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.views.views import Views

SCANS = ("gso", "gso_reprojected", "ycb", "chen", "gso_geometry")  # groups of the manifest
RINGS = {"level": (20.0,), "alternating": (0.0, 35.0)}  # elevations, degrees, in turn
AZIMUTH, DISTANCE, FOV = 25.0, 3.3, 38.0  # of the first camera, degrees; world units; degrees
SAMPLES, RESOLUTION = 50_000, 160
QUICK = replace(FitSettings().upto(64, 6), rays=8192)
FLAT_RADIUS, FLAT_ANGLE, NEAR = 0.08, 6.0, 0.05  # of the radius; degrees; of the radius
FLAT_SAMPLES, NEIGHBOURS, DOWNWARD = 20_000, 64, -math.sqrt(0.5)


def scans(folder: Path, split: str, count: int, names: list[str] | None) -> list[tuple[str, Mesh]]:
    """Named scans, or `count` closed ones of a split, evenly spread over their sorted names."""
    records = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["objects"]
    usable = [r for r in records if r["group"] in SCANS and (r["name"] in names if names else r["split"] == split)]
    meshes = [(r["name"], load_object(folder / r["file"])) for r in sorted(usable, key=lambda r: r["name"])]
    solids = [(name, mesh) for name, mesh in meshes if is_closed(mesh)]
    return solids if names else [solids[index] for index in spread(len(solids), count)]


def ring(count: int, kind: str, pixels: int) -> Cameras:
    """`count` cameras equally around the object, at the elevations of `kind` by turns."""
    azimuths = [AZIMUTH + 360 * i / count for i in range(count)]
    elevations = [RINGS[kind][i % len(RINGS[kind])] for i in range(count)]
    return Cameras.orbit(azimuths, elevations, DISTANCE, FOV, pixels, pixels)


def roughness(mesh: Mesh, points: Tensor, normals: Tensor) -> float | None:
    """Mean angle, degrees, between the mesh's normals and the truth's [M,3] at its flat points [M,3]."""
    from scipy.spatial import KDTree

    distance, near = map(torch.from_numpy, KDTree(points.numpy()).query(points.numpy(), NEIGHBOURS))
    cosine = (normals[near] * normals[:, None]).sum(-1)
    limit = math.cos(math.radians(FLAT_ANGLE))
    flat = ((cosine > limit) | (distance > FLAT_RADIUS)).all(1)
    own_points, own_normals, _ = mesh.sample_surface(FLAT_SAMPLES, 1)
    distance, nearest = map(torch.from_numpy, KDTree(own_points.numpy()).query(points[flat].numpy()))
    cosine = (own_normals[nearest] * normals[flat]).sum(-1)[distance < NEAR]
    return float(torch.rad2deg(cosine.clamp(-1, 1).acos()).mean()) if len(cosine) else None


def underside(mesh: Mesh, points: Tensor, normals: Tensor) -> float | None:
    """Mean distance of the truth's points [M,3] with downward normals [M,3] from the mesh, world units."""
    from scipy.spatial import KDTree

    below = normals[:, 1] < DOWNWARD
    own_points = mesh.sample_surface(SAMPLES, 1)[0]
    return float(KDTree(own_points.numpy()).query(points[below].numpy())[0].mean()) if below.any() else None


def figures_of(mesh: Mesh, truth: Mesh) -> dict[str, float | None]:
    """All figures of a fitted mesh but its seconds."""
    compared = compare_meshes(mesh, truth, samples=SAMPLES)
    points, normals, _ = truth.sample_surface(FLAT_SAMPLES, 0)
    return {
        "f": compared["f_score_0.05"], "chamfer": compared["chamfer_unsquared"],
        "normals": compared["normal_consistency"], "rough": roughness(mesh, points, normals),
        "below": underside(mesh, points, normals),
    }  # fmt: skip


def fitted(views: Views, settings: FitSettings, seed: int) -> tuple[Mesh, float]:
    """The mesh of a fit to pictures and masks alone, and its processor seconds."""
    views = replace(views, depth=None, normals=None)
    started = time.process_time()
    field = fit_volsdf(views, settings=settings, seed=seed).field
    seconds = time.process_time() - started
    return extract_mesh(field, RESOLUTION, largest=True).mesh, seconds


def mean(rows: list[dict[str, float | None]]) -> dict[str, float]:
    """Mean of every figure over the objects that have it."""
    columns = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {name: sum(column) / len(column) for name, column in columns.items() if column}


def text(figures: dict[str, float | None]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("devset", type=Path)
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--views", type=int, nargs="+", default=[3, 6, 12])
    parser.add_argument("--split", default="val")
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--ring", choices=RINGS, default="level")
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--meshes", type=Path, help="folder in which the meshes are saved")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = {name: getattr(options, name) for name in ("ring", "pixels", "threads", "quick")}
    report: dict = {**chosen, "views": {}}
    objects = scans(options.devset, options.split, options.objects, options.names)
    for count in options.views:
        rows = {}
        for name, truth in objects:
            views = seen(truth, ring(count, options.ring, options.pixels))
            mesh, seconds = fitted(views, QUICK if options.quick else FitSettings(), options.seed)
            rows[name] = {**figures_of(mesh, truth), "seconds": seconds}
            print(f"{count:3d} {name[:32]:33s}{text(rows[name])}", flush=True)
            if options.meshes:
                save_mesh(mesh, options.meshes / f"{name}_{count}.glb")
        report["views"][count] = {"mean": mean(list(rows.values())), "objects": rows}
        print(f"{count:3d} {'MEAN':33s}{text(report['views'][count]['mean'])}", flush=True)
        write(options.json, report)


if __name__ == "__main__":
    main()
