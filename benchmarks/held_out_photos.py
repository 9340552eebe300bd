"""Real photos with cameras: some are fitted, the others are compared with what the fit shows from their cameras.

Run from the repository's root:

    python -m benchmarks.held_out_photos FOLDER [--seen 0 2 4 6] [--pixels 192] [--priors none embedded] [--threads 1]
        [--sheet FILE.png] [--json FILE]

FOLDER is one that `recon_lib fit` reads. Masks that it does not give are found: for the fit among the fitted photos
alone, for the comparison among all. Compared is what lies in a photo's mask, over white: PSNR and SSIM of the whole
picture, PSNR of the pixels in both masks, intersection over union of the masks. Beside the fits stands the seen photo
whose camera is nearest. The sheet: held-out photos, then a row for each of the others.
"""

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.colored_solids import write
from benchmarks.radiance import save_sheet
from recon_lib.cameras.camera import Cameras
from recon_lib.render.field import render_field
from recon_lib.render.frames import render_radiance
from recon_lib.render.layers import Rendering
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.stages.fitting.radiance.fit import fit_radiance
from recon_lib.stages.fitting.radiance.load_prior import load_prior
from recon_lib.stages.fitting.radiance.settings import RadianceSettings
from recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitSettings
from recon_lib.stages.single_view.view_masks import find_view_masks
from recon_lib.views.object_frame import ObjectFrame
from recon_lib.views.posed_images import LoadedViews, load_posed
from recon_lib.views.views import Views
from recon_lib.weights.registry import load_model

MASKS = "zeroshape_w_mini"


def with_masks(loaded: LoadedViews, chosen: list[int]) -> Views:
    """The chosen photos with masks that they alone agree on."""
    views = loaded.views[chosen]
    return find_view_masks(load_model(MASKS), views, loaded.masked[chosen])


def over_white(images: Tensor, masks: Tensor) -> Tensor:
    return images * masks + 1 - masks


def compared(images: Tensor, masks: Tensor, truth: Views) -> dict[str, float]:
    """Figures of pictures [V,3,H,W] over white, of opacity [V,1,H,W]."""
    target = over_white(truth.images, truth.masks)
    figures = compare_images(images.clamp(0, 1), target)
    drawn, true = masks > 0.5, truth.masks > 0.5
    both, either = drawn & true, drawn | true
    error = ((images - target).square().mean(1, keepdim=True) * both).sum((1, 2, 3)) / both.sum((1, 2, 3)).clamp_min(1)
    return {
        "psnr": figures["psnr"], "ssim": figures["ssim"], "psnr_in_both": float((-10 * error.log10()).mean()),
        "mask_iou": float((both.sum((1, 2, 3)) / either.sum((1, 2, 3)).clamp_min(1)).mean()),
    }  # fmt: skip


def nearest(views: Views, cameras: Cameras) -> tuple[Tensor, Tensor]:
    """For each camera the photo that was taken in the most similar direction from the object."""
    towards = [F.normalize(c.position, dim=-1) for c in (cameras, views.cameras)]
    chosen = (towards[0] @ towards[1].T).argmax(-1)
    return over_white(views.images, views.masks)[chosen], views.masks[chosen]


def fits(views: Views, cameras: Cameras, options: argparse.Namespace) -> dict[str, tuple[Rendering, float]]:
    """What each fit shows, and its processor seconds."""
    found = {}
    start = time.process_time()
    surface = fit_volsdf(views, settings=FitSettings(side=options.pixels), seed=options.seed).field
    seconds = time.process_time() - start
    found["VolSDF"] = render_field(surface, cameras, shading="albedo", supersample=3), seconds
    for name in options.priors:
        prior = None if name == "none" else load_prior(name)
        start = time.process_time()
        field = fit_radiance(
            views, settings=RadianceSettings(side=options.pixels), prior=prior, seed=options.seed
        ).field
        seconds = time.process_time() - start
        found[f"radiance, prior {name}"] = render_radiance(field, cameras), seconds
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seen", type=int, nargs="+", default=[0, 2, 4, 6])
    parser.add_argument("--pixels", type=int, default=192)
    parser.add_argument("--priors", nargs="+", default=["none", "embedded"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    loaded = load_posed(options.folder, longest_side=options.pixels)
    count = len(loaded.views)
    others = [index for index in range(count) if index not in options.seen]
    seen = with_masks(loaded, options.seen)
    frame = ObjectFrame.of(seen)
    seen, truth = frame.views_into(seen), frame.views_into(with_masks(loaded, list(range(count))))[others]
    images, masks = nearest(seen, truth.cameras)
    report = {"nearest photo": compared(images, masks, truth)}
    pictures = [over_white(truth.images, truth.masks), images]
    for name, (rendering, seconds) in fits(seen, truth.cameras, options).items():
        report[name] = {**compared(rendering.images, rendering.masks, truth), "cpu": seconds}
        pictures.append(rendering.images.clamp(0, 1))
    for name, figures in report.items():
        print(f"{name:28s}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)
    write(options.json, {"seen": options.seen, "pixels": options.pixels, "rows": report})
    if options.sheet:
        save_sheet(torch.stack(pictures), options.sheet)


if __name__ == "__main__":
    main()
