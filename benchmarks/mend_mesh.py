"""Meshes whose shape was disturbed, mended by photos: what comes nearer to the truth, seen and unseen.

Run from the repository's root:

    python -m benchmarks.mend_mesh DEVSET [--objects 8] [--views 1 4] [--depth] [--split val] [--names NAME ...]
        [--pixels 256] [--grid 128] [--threads 1] [--json FILE] [--meshes FOLDER]

DEVSET is a folder whose manifest.json lists scans (z up) with their groups; closed ones count. Two disturbances:

* smoothed: the truth's signed distances, blurred by 8 % of its box's longest side, as generators smooth.
* moved: what lies within 0.45 of a point of the front is moved sideways by 0.2, all within 0.2 alike.

The disturbed mesh has no colours. It becomes a field (`mesh_to_field`), which is fitted to the photos within their
visual hull; cameras and masks are true, pictures are unlit over white. --depth: the photos come with true depth and
normals, whose scale and shift count as unknown. Nothing is aligned: figures count in the truth's unit sphere.

* f: F-score at 5 % of the radius of the truth's bounding sphere; seen, unseen: of the truth's surface that the photos
  see, and of the rest. changed: mean distance of the mended mesh from the disturbed one, seen and unseen.
* seconds: of the processor, for the field and the fit.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.colored_solids import seen, write
from benchmarks.few_views import mean, scans, text
from recon_lib.cameras.camera import Cameras
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.carving.carve import carve
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitSettings
from recon_lib.stages.meshing.export import save_mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.meshing.mesh_to_field import mesh_to_field
from recon_lib.views.views import Views

AZIMUTH, ELEVATION, DISTANCE, FOV = 25.0, 20.0, 3.3, 38.0  # of the first camera, degrees; world units; degrees
SAMPLES, RESOLUTION = 20_000, 128
BLUR = 0.08  # standard deviation, of the box's longest side
MOVED, REACH, WHOLE = 0.2, 0.45, 0.2  # world units


def photos(truth: Mesh, count: int, pixels: int, depth: bool) -> Views:
    """Photos at equal angles around the object, with or without depth and normals."""
    azimuths = [AZIMUTH + 360 * i / count for i in range(count)]
    views = seen(truth, Cameras.orbit(azimuths, ELEVATION, DISTANCE, FOV, pixels, pixels))
    return views if depth else replace(views, depth=None, normals=None)


def smoothed(truth: Mesh, field: DistanceGrid) -> Mesh:
    """The truth with blurred distances; the same volume is inside."""
    from scipy.ndimage import gaussian_filter

    extent = float((truth.bounds[1] - truth.bounds[0]).max())
    values = torch.from_numpy(gaussian_filter(field.distance.numpy(), BLUR * extent / field.cells.spacing))
    level = values.flatten().kthvalue(max(int((field.distance < 0).sum()), 1)).values
    return extract_mesh(replace(field, distance=values - level), RESOLUTION).mesh


def moved(truth: Mesh, field: DistanceGrid) -> Mesh:
    """The truth with a part of its front, as the first photo sees it, moved to the right."""
    mesh = extract_mesh(field, RESOLUTION).mesh
    camera = Cameras.orbit(AZIMUTH, ELEVATION, DISTANCE, FOV, 8, 8)
    right, _, forward = camera.rotation[0].T
    place = mesh.vertices[(mesh.vertices @ (0.5 * right - forward)).argmax()]
    share = ((REACH - (mesh.vertices - place).norm(dim=-1)) / (REACH - WHOLE)).clamp(0, 1)
    weight = share * share * (3 - 2 * share)  # smooth at both ends
    return replace(mesh, vertices=mesh.vertices + MOVED * weight[:, None] * right)


DISTURBANCES = {"smoothed": smoothed, "moved": moved}


def mended(disturbed: Mesh, views: Views, grid: int, seed: int) -> tuple[Mesh, float]:
    """The mesh after a fit to the views, and the processor's seconds."""
    started = time.process_time()
    start = mesh_to_field(disturbed, grid)
    hull = carve(views, 64, radius=1.2).field
    settings = FitSettings().upto(grid, FitSettings().levels[-1].rounds)
    field = fit_volsdf(views, start=start, hull=hull, settings=settings, seed=seed).field
    seconds = time.process_time() - started
    return extract_mesh(field, RESOLUTION).mesh, seconds


def figures_of(mesh: Mesh, truth: Mesh, cameras: Cameras) -> dict[str, float | None]:
    compared = compare_meshes(mesh, truth, camera=cameras, samples=SAMPLES)
    parts = {part: compared[part]["f_score_0.05"] for part in ("seen", "unseen")}
    return {"f": compared["f_score_0.05"], **parts, "chamfer": compared["chamfer_unsquared"]}


def changes(mesh: Mesh, disturbed: Mesh, cameras: Cameras) -> dict[str, float | None]:
    """How far the mended mesh lies from the disturbed one, where the cameras see that, and elsewhere."""
    compared = compare_meshes(mesh, disturbed, camera=cameras, samples=SAMPLES)
    return {f"changed_{part}": compared[part]["predicted_to_truth"] for part in ("seen", "unseen")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("devset", type=Path)
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--views", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--depth", action="store_true")
    parser.add_argument("--split", default="val")
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--grid", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    parser.add_argument("--meshes", type=Path, help="folder in which the meshes are saved")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = {name: getattr(options, name) for name in ("pixels", "grid", "depth", "threads", "split")}
    report: dict = {**chosen, "runs": {}}
    rows: dict[str, dict[str, dict]] = {}
    for name, truth in scans(options.devset, options.split, options.objects, options.names):
        field = mesh_to_field(truth, RESOLUTION)
        for kind, disturb in DISTURBANCES.items():
            disturbed = disturb(truth, field)
            for count in options.views:
                views = photos(truth, count, options.pixels, options.depth)
                before = figures_of(disturbed, truth, views.cameras)
                mesh, seconds = mended(disturbed, views, options.grid, options.seed)
                after = {**figures_of(mesh, truth, views.cameras), **changes(mesh, disturbed, views.cameras)}
                row = {f"{key}_before": value for key, value in before.items()} | after | {"seconds": seconds}
                rows.setdefault(f"{kind}, {count}", {})[name] = row
                print(f"{kind:9s}{count:2d} {name[:28]:29s}{text(row)}", flush=True)
                if options.meshes:
                    save_mesh(disturbed, options.meshes / f"{name}_{kind}.glb")
                    save_mesh(mesh, options.meshes / f"{name}_{kind}_{count}.glb")
        report["runs"] = {run: {"mean": mean(list(of.values())), "objects": of} for run, of in rows.items()}
        write(options.json, report)
    for run, of in report["runs"].items():
        print(f"{run:12s}{'MEAN':29s}{text(of['mean'])}", flush=True)


if __name__ == "__main__":
    main()
