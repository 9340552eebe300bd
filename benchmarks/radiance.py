"""The radiance fit on true views of meshes: what each few-view regulariser adds, and the fit of many views.

Run from the repository's root:

    python -m benchmarks.radiance --meshes FOLDER [--split val --count 3] [--pixels 80] [--views 3 6 9] [--steps 200]
        [--many 24] [--many-pixels 128] [--many-steps 400] [--prior FILE] [--depth-model FILE] [--rows TEXT ...]
        [--sheets FOLDER] [--threads 1] [--json FILE]

The meshes are those of `colored_solids`. Pictures are unlit, over white. Few cameras stand equally around, 12 and 28
degrees above the object by turns; the 6 held-out views 20 degrees above it, the first 30 degrees beside the first of
the others. Many stand on a spiral from above to below. The rows add up: field alone, + hull (what the masks call for,
within the visual hull), + FreeNeRF's frequency schedule and occlusion loss, + depth ranking (on the true depth, of
which only the order counts: an upper bound for estimates).
With --prior, a model of system view-diffusion, four rows more have what the hull's row has and the prior: + PixelNeRF
(its render as it is), + repair (one step), + samples (DDIM), SDS. With --depth-model, a model of single views, "+ own
depth" is the hull's row with the order of the depths that it sees in the pictures at 256 pixels. --rows: those whose
names hold a TEXT.
Figures: PSNR, SSIM and perceptual distance (that which `load_perceptual` finds) of the held-out views, Chamfer (mean of
both directions, world units), processor seconds. --sheets: PNGs of the held-out views, the truth above.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.colored_solids import add_arguments, colored_solids, seen, write
from benchmarks.volsdf_fit import HELD_OUT, spiral
from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.networks.contracts import ViewPrior
from recon_lib.render.frames import render_radiance
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.fitting.radiance.fit import fit_radiance
from recon_lib.stages.fitting.radiance.load_prior import load_prior
from recon_lib.stages.fitting.radiance.settings import RadianceSettings, RadianceWeights
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view.view_depths import with_estimated_depths
from recon_lib.views.views import Views
from recon_lib.weights.perceptual import load_perceptual
from recon_lib.weights.registry import LoadedModel, load_model

SAMPLES, RESOLUTION = 30_000, 96
AZIMUTH, ELEVATIONS = 25.0, (12.0, 28.0)  # of few cameras, degrees: the first one's; by turns
OPENING, OCCLUSION, RANKING = 0.7, 0.01, 0.1
HULL, OWN_DEPTH, PHOTO_PIXELS = "+ hull", "+ own depth", 256


def ring(count: int, pixels: int) -> Cameras:
    """`count` cameras around the object, as people take a few photos."""
    elevations = [ELEVATIONS[i % 2] for i in range(count)]
    return Cameras.orbit([AZIMUTH + 360 * i / count for i in range(count)], elevations, 3.3, 38.0, pixels, pixels)


def between(pixels: int) -> Cameras:
    """The held-out ones of a ring."""
    azimuths = [AZIMUTH + 30 + 360 * i / HELD_OUT for i in range(HELD_OUT)]
    return Cameras.orbit(azimuths, sum(ELEVATIONS) / 2, 3.3, 38.0, pixels, pixels)


def rows(steps: int) -> dict[str, RadianceSettings]:
    """Settings of each row; each adds one thing to the row before."""
    alone = RadianceSettings(steps=steps, hull_start=False)
    hull = replace(alone, hull_start=True)
    schedule = replace(hull, opening=OPENING, weights=RadianceWeights(occlusion=OCCLUSION))
    ranking = replace(schedule, weights=RadianceWeights(occlusion=OCCLUSION, ranking=RANKING))
    return {"field alone": alone, HULL: hull, "+ FreeNeRF's two": schedule, "+ depth ranking": ranking}


def rows_with_prior(steps: int, file: Path | None) -> list[tuple[str, RadianceSettings, ViewPrior | None]]:
    """Names, settings and priors of all rows; without a file none has a prior."""
    plain = rows(steps)
    found: list[tuple[str, RadianceSettings, ViewPrior | None]] = [(name, row, None) for name, row in plain.items()]
    if file is not None:
        hull = plain[HULL]
        sds = replace(hull, novel_views=replace(hull.novel_views, sds=True))
        for name, kind, settings in (
            ("+ PixelNeRF", "pixelnerf", hull),
            ("+ repair", "repair", hull),
            ("+ samples", "diffusion", hull),
            ("SDS", "diffusion", sds),
        ):
            found.append((name, settings, load_prior(str(file), kind=kind)))
    return found


def with_own_depth(mesh: Mesh, views: Views, model: LoadedModel) -> Views:
    """The views with the depths that a model of single views sees in larger pictures of them."""
    photos = seen(mesh, views.cameras.resized(PHOTO_PIXELS, PHOTO_PIXELS))
    depth = with_estimated_depths(model, replace(photos, depth=None)).depth
    assert depth is not None
    small = F.interpolate(depth, views.masks.shape[-2:], mode="nearest")
    return replace(views, depth=small * (views.masks > 0.5))


def measured(
    mesh: Mesh,
    views: Views,
    held_out: Views,
    settings: RadianceSettings,
    seed: int,
    prior: ViewPrior | None = None,
    sheet: Path | None = None,
) -> dict:
    """Figures of one fit. Chamfer is None where nothing of the field reaches the surface's level."""
    cpu = time.process_time()
    field = fit_radiance(views, settings=settings, prior=prior, seed=seed).field
    cpu = time.process_time() - cpu
    rendered = render_radiance(field, held_out.cameras).images
    images = compare_images(rendered, held_out.images)
    with torch.no_grad():
        perceptual = float(load_perceptual()(rendered.clamp(0, 1), held_out.images).mean())
    if sheet is not None:
        save_sheet(torch.stack([held_out.images, rendered.clamp(0, 1)]), sheet)
    try:
        found = extract_mesh(field, RESOLUTION, largest=True).mesh
        chamfer = compare_meshes(found, mesh, samples=SAMPLES)["chamfer_unsquared"]
    except BadInput:
        chamfer = None
    return {
        "psnr": images["psnr"], "ssim": images["ssim"], "perceptual": perceptual, "chamfer": chamfer, "cpu": cpu,
        "steps": settings.steps,
    }  # fmt: skip


def save_sheet(pictures: Tensor, path: Path) -> None:
    """Write pictures [R,V,3,H,W] 0-1 as a PNG of R rows."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = (pictures * 255).round().byte().permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)
    Image.fromarray(sheet.contiguous().numpy()).save(path)


def report_row(name: str, row: str, figures: dict) -> None:
    chamfer = "–" if figures["chamfer"] is None else f"{figures['chamfer']:.4f}"
    print(
        f"{name[:32]:33s}{row:20s}PSNR {figures['psnr']:6.2f}  SSIM {figures['ssim']:.4f}  "
        f"perceptual {figures['perceptual']:.3f}  Chamfer {chamfer}  "
        f"CPU {figures['cpu']:.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--views", type=int, nargs="*", default=[3, 6, 9])
    parser.add_argument("--pixels", type=int, default=80)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--many", type=int, default=24, help="0: leave it out")
    parser.add_argument("--many-pixels", type=int, default=128)
    parser.add_argument("--many-steps", type=int, default=400)
    parser.add_argument("--prior", type=Path, help="weights of a prior of views")
    parser.add_argument("--depth-model", help="a model of single views, whose depths are ranked")
    parser.add_argument("--rows", nargs="+", help="rows of few views whose names hold one of these; default: all")
    parser.add_argument("--sheets", type=Path, help="folder for pictures of the few views' fits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    all_rows = rows_with_prior(options.steps, options.prior)
    depth_model = None if options.depth_model is None else load_model(options.depth_model)
    if depth_model is not None:
        ranked = RadianceSettings(steps=options.steps, weights=RadianceWeights(ranking=RANKING))
        all_rows.append((OWN_DEPTH, ranked, None))
    if options.rows:
        all_rows = [row for row in all_rows if any(text in row[0] for text in options.rows)]
    report: dict = {"pixels": options.pixels, "threads": options.threads, "few": {}, "many": {}}
    for name, mesh in colored_solids(options):
        if options.many:
            size = options.many_pixels
            views, held_out = seen(mesh, spiral(options.many, size)), seen(mesh, spiral(HELD_OUT, size, 61.0))
            settings = RadianceSettings(steps=options.many_steps)
            report["many"][name] = figures = measured(mesh, views, held_out, settings, options.seed)
            report_row(name, f"{options.many} views", figures)
            write(options.json, report)
        held_out = seen(mesh, between(options.pixels)) if options.views else None
        for count in options.views:
            views = seen(mesh, ring(count, options.pixels))
            for row, settings, prior in all_rows:
                sheet = options.sheets and options.sheets / f"{name}_{count}_{row.strip('+ ').split()[0]}.png"
                own = with_own_depth(mesh, views, depth_model) if depth_model and row == OWN_DEPTH else views
                figures = measured(mesh, own, held_out, settings, options.seed, prior, sheet)
                report["few"].setdefault(str(count), {}).setdefault(row, {})[name] = figures
                report_row(name, f"{count}: {row}", figures)
                write(options.json, report)


if __name__ == "__main__":
    main()
