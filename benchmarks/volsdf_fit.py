"""The VolSDF fit on true views of meshes: Chamfer, PSNR of held-out views, seconds; cues; and the paper's own way.

Run from the repository's root:

    python -m benchmarks.volsdf_fit --meshes FOLDER [--split val --count 5] [--views 12] [--pixels 128] [--threads 1]
        [--no-fit] [--no-cues] [--reference MINUTES] [--json FILE]

The meshes are those of `colored_solids`. Pictures are unlit, over white; cameras stand on a spiral from above to below,
those of held-out views between them.

* fit: Chamfer (mean of both directions, world units: the object lies in the unit sphere), PSNR of 6 held-out views.
* cues: one view from azimuth 30, elevation 20, with true depth and normals and without; the Chamfer between the part
  of the truth that the view sees and the fitted surface, from the truth and to it.
* reference: the PSNR of 3 held-out views over the seconds of the fit, for this fit and for the paper's perceptron and
  sampler (`fit_volsdf_mlp`), which runs for so many minutes (default 20), on the first of the meshes.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.colored_solids import add_arguments, colored_solids, seen, write
from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.render.error_bounded import ErrorBoundedSampler
from recon_lib.render.field import render_field
from recon_lib.render.rays import render_image
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.fitting.sdf_grid.fit import GridFit, fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitSettings
from recon_lib.stages.fitting.volsdf_mlp import MlpSettings, PerceptronRun
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.views.views import Views

HELD_OUT, TARGET = 6, 25.0  # views; dB
SAMPLES, RESOLUTION = 100_000, 160


@dataclass(frozen=True)
class Scene:
    """A mesh and what cameras see of it."""

    name: str
    mesh: Mesh
    views: Views
    held_out: Views


def spiral(count: int, pixels: int, start: float = 0.0) -> Cameras:
    at = torch.arange(count) + 0.5
    elevation = torch.rad2deg(torch.asin(0.86 * (1 - 2 * at / count)))
    return Cameras.orbit((start + 137.5 * at).tolist(), elevation.tolist(), 3.3, 38.0, pixels, pixels)


def scenes(options: argparse.Namespace) -> Iterator[Scene]:
    """The chosen meshes with their pictures."""
    for name, mesh in colored_solids(options):
        views, held_out = (
            seen(mesh, spiral(count, options.pixels, start))
            for count, start in ((options.views, 0.0), (HELD_OUT, 61.0))
        )
        yield Scene(name, mesh, views, held_out)


def psnr(images: Tensor, truth: Views) -> float:
    return compare_images(images, truth.images)["psnr"]


def render(field, truth: Views) -> Tensor:
    return render_field(field, truth.cameras, shading="albedo", supersample=3).images


def fit_row(scene: Scene, seed: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    field = fit_volsdf(scene.views, seed=seed).field
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    figures = compare_meshes(extract_mesh(field, RESOLUTION).mesh, scene.mesh, samples=SAMPLES)
    return {
        "chamfer": figures["chamfer_unsquared"], "iou": figures["volumetric_iou"],
        "normals": figures["normal_consistency"], "psnr": psnr(render(field, scene.held_out), scene.held_out),
        "seconds": wall, "cpu": cpu,
    }  # fmt: skip


def cue_row(scene: Scene, pixels: int, seed: int) -> dict[str, float]:
    """Chamfer of the part that one view sees, with its depth and normals and without."""
    camera = Cameras.orbit(30.0, 20.0, 3.3, 38.0, pixels, pixels)
    view, chamfer = seen(scene.mesh, camera), {}
    for name, layers in (("with", {}), ("without", {"depth": None, "normals": None})):
        field = fit_volsdf(replace(view, **layers), seed=seed).field
        mesh = extract_mesh(field, RESOLUTION).mesh
        figures = compare_meshes(mesh, scene.mesh, samples=SAMPLES // 4, camera=camera)
        chamfer[name] = figures["seen"]["chamfer_unsquared"]
    return chamfer


# -- beside the paper's way -----------------------------------------------------------------------------------


def grid_curve(scene: Scene, truth: Views, seed: int) -> list[tuple[float, float]]:
    """(processor seconds, PSNR) after each of the fit's rounds; measuring does not count."""
    started = time.process_time()
    run = GridFit(scene.views, None, None, None, FitSettings(), seed, Progress())
    spent, curve = time.process_time() - started, []
    while run.done < run.settings.rounds:
        started = time.process_time()
        run.advance()
        spent += time.process_time() - started
        if run.done <= 4 or run.done % 4 == 0 or run.done == run.settings.rounds:
            curve.append((spent, psnr(render(run.grid.field(), truth), truth)))
    return curve


def reference_curve(scene: Scene, truth: Views, minutes: float, seed: int) -> list[tuple[float, float, int]]:
    """(processor seconds, PSNR, steps) of the perceptron, at the start and at six times until `minutes` are over.

    Its own rays are rendered in pictures of a quarter of the side: at full size they would take longer than the run.
    """
    small = Views(
        torch.nn.functional.interpolate(truth.images, scale_factor=0.25, mode="area"),
        truth.cameras.resized(*(side // 4 for side in truth.images.shape[-2:])),
        torch.nn.functional.interpolate(truth.masks, scale_factor=0.25, mode="area"),
    )
    run, spent, curve = PerceptronRun(scene.views, None, MlpSettings(), seed, "cpu", Progress()), 0.0, []

    def measure() -> None:
        sampler = ErrorBoundedSampler(far=2 * run.settings.network.scene_radius / run.scale)
        curve.append((spent, psnr(render_image(run.field(), sampler, small.cameras), small), run.done))
        print(f"  perceptron {spent:7.0f} s  step {run.done:5d}  PSNR {curve[-1][1]:.2f}", flush=True)

    measure()
    while spent < 60 * minutes:
        started = time.process_time()
        run.advance()
        spent += time.process_time() - started
        if spent >= 10 * minutes * len(curve):
            measure()
    return curve


def compared(scene: Scene, minutes: float, seed: int) -> dict:
    truth = scene.held_out[:3]
    grid = grid_curve(scene, truth, seed)
    for seconds, value in grid:
        print(f"  grid       {seconds:7.1f} s  PSNR {value:.2f}", flush=True)
    reference = reference_curve(scene, truth, minutes, seed)
    reached = [next((row[0] for row in curve if row[1] >= TARGET), None) for curve in (grid, reference)]
    if reached[0] is not None:
        least = reached[1] or reference[-1][0]
        word = "" if reached[1] else "more than "
        grid_s, times = reached[0], least / reached[0]
        print(
            f"  {TARGET:.0f} dB: grid {grid_s:.1f} s, perceptron {word}{least:.0f} s: {word}{times:.0f} times",
            flush=True,
        )
    return {"scene": scene.name, "grid": grid, "perceptron": reference, "seconds to target": reached}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--no-fit", action="store_true")
    parser.add_argument("--no-cues", action="store_true")
    parser.add_argument("--reference", type=float, default=20.0, metavar="MINUTES", help="0: leave it out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report: dict = {"views": options.views, "pixels": options.pixels, "threads": options.threads, "fit": {}, "cues": {}}
    chosen = list(scenes(options))
    for part, skip, row in (
        ("fit", options.no_fit, lambda scene: fit_row(scene, options.seed)),
        ("cues", options.no_cues, lambda scene: cue_row(scene, options.pixels, options.seed)),
    ):
        for scene in () if skip else chosen:
            report[part][scene.name] = figures = row(scene)
            values = "".join(f"  {name} {value:.4f}" if value is not None else "" for name, value in figures.items())
            print(f"{part} {scene.name[:40]:41s}{values}", flush=True)
            write(options.json, report)
    if options.reference:
        report["reference"] = compared(chosen[0], options.reference, options.seed)
        write(options.json, report)


if __name__ == "__main__":
    main()
