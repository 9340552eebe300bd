"""G3DR's claims at the embedded size: variants trained equally long from the same start, on objects never trained on.

    python -m benchmarks.g3dr_ablations SHARDS VALIDATION [--steps 200] [--only NAME ...] [--out FOLDER] [--json FILE]

Each variant lacks one thing: the depth's scaling of gradients, the coarser resolutions of the planes, novel views in
training, or the third plane (x,z twice in its place, as in the published weights). None is taught occupancy: all learn
from single views alone, as in the paper. Pictures of 96 px, true masks and depth. Figures are means over the objects.

Own view: psnr, ssim; energy: mean gradient of the rendered picture over the true one's; collapse: share of rays on the
object with 90 % of their weight within 0.1 half sides of the box around their mean depth. Other view, another render
of the object at most 60 degrees away: psnr; depth (L1, half sides of the box) and normals (degrees, from depth) where
both are solid; semantic: distance of late features to the true other view. Colours of training pictures differ a
little between views (exposure, white balance), for all variants alike.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import default_collate

from benchmarks.ablations import Measure, ablations
from recon_lib.cameras.camera import Cameras
from recon_lib.fields.triplane import TriplaneField
from recon_lib.networks.g3dr.frame import CameraBox
from recon_lib.render.rays import RayBundle, composite, sample_radiance
from recon_lib.stages.single_view.depth_normal import normals_from_depth
from recon_lib.training.g3dr.dataset import SingleViews
from recon_lib.training.g3dr.features import PictureDistances
from recon_lib.training.g3dr.losses import fields_of
from recon_lib.training.g3dr.samples import BoxSampler
from recon_lib.training.g3dr.settings import G3drSettings
from recon_lib.training.g3dr.train import train
from recon_lib.training.g3dr.validation import FIRST
from recon_lib.training.g3dr.views import own_cameras
from recon_lib.weights.registry import load_model

VARIANTS = {
    "all": {},
    "no gradient scaling": {"gradient_scaling": False},
    "one resolution": {"multiresolution": False},
    "no novel views": {"novel_views": False},
    "x,z twice": {"third_plane": False},
}
SIDE, RENDER, SAMPLES = 96, 48, (32, 32)
SSIM_WINDOW = 11
FARTHEST = 60.0  # degrees between the two views
SURFACE, SHARE = 0.1, 0.9  # half sides of the box; fraction of the weight


def trained(args: argparse.Namespace, name: str, folder: Path) -> Path:
    """Weights of a variant."""
    settings = G3drSettings(
        args.shards, folder / name.replace(" ", "_"), steps=args.steps, save_every=args.steps, batch=4, rendered=4,
        sides=((0.0, SIDE),), resting=1.0, warmup=min(20, args.steps), workers=0, occupancy=False, **VARIANTS[name],
    )  # fmt: skip
    return train(settings) / "g3dr_mini.safetensors"


def rendered(field: TriplaneField, cameras: Cameras, half: float) -> dict[str, Tensor]:
    """Picture [3,R,R] over white, opacity and z-depth [1,R,R], and which rays end on one surface [R,R]."""
    origins, directions = (x.reshape(-1, 3) for x in cameras.rays())
    rays = RayBundle(origins, directions)
    samples = BoxSampler(*SAMPLES)(field, rays)
    found = composite(sample_radiance(field, rays, samples), samples, 1.0)
    near = (found.t - found.distance[:, None]).abs() < SURFACE * half
    alone = (found.weights * near).sum(1) >= SHARE * found.weights.sum(1)
    along = (directions @ cameras.rotation[0, :, 2]).view(1, RENDER, RENDER)
    return {
        "image": found.color.mT.reshape(3, RENDER, RENDER).clamp(0, 1),
        "mask": found.opacity.view(1, RENDER, RENDER),
        "depth": found.distance.view(1, RENDER, RENDER) * along,
        "alone": alone.view(RENDER, RENDER),
    }


def small(image: Tensor, depth: Tensor) -> dict[str, Tensor]:
    """What a render [3,S,S] over white, and its z-depth [1,S,S] (0 = none), should look like at `RENDER` pixels."""
    known = F.interpolate((depth > 0).float()[None], (RENDER, RENDER), mode="area")[0]
    mean = F.interpolate(depth[None], (RENDER, RENDER), mode="area")[0] / known.clamp_min(1e-3)
    return {
        "image": F.interpolate(image[None], (RENDER, RENDER), mode="area")[0],
        "depth": torch.where(known > 0.99, mean, 0.0),
    }


def other_view(data: SingleViews, index: int) -> tuple[Cameras, dict[str, Tensor]] | None:
    """Another render of the object, its camera in the frame of the sample's own; None where it is too far around."""
    scene = data.scene(index)
    number, row = scene.item
    shard = data.renders.shard(number)
    for other in np.flatnonzero(np.asarray(shard.object) == shard.object[row]):
        cutout = data.renders.cutout((number, int(other)))
        to_other = torch.from_numpy(cutout.world_to_camera @ np.linalg.inv(scene.world_to_camera)).float()
        angle = math.degrees(math.acos(float(to_other[2, 2].clamp(-1, 1))))
        if other == row or angle > FARTHEST:
            continue
        size = len(cutout.rgb)
        intrinsics = torch.from_numpy(np.array(cutout.intrinsics))[None]
        cameras = Cameras(torch.linalg.inv(to_other)[None], intrinsics, size, size).resized(RENDER, RENDER)
        relief = torch.from_numpy(cutout.relief.astype(np.float32))[None]
        depth = torch.where(relief.isnan(), 0.0, relief + float(cutout.world_to_camera[2, 3]))
        image = torch.from_numpy(cutout.rgb.astype(np.float32) / 255).permute(2, 0, 1)
        return cameras, small(torch.where(depth > 0, image, 1.0), depth)
    return None


def own_figures(found: dict[str, Tensor], truth: dict[str, Tensor]) -> dict[str, float]:
    from kornia.metrics import ssim

    energy = [sum(float(x["image"].diff(dim=axis).abs().mean()) for axis in (1, 2)) for x in (found, truth)]
    solid = found["mask"][0] > 0.5
    return {
        "psnr": psnr(found["image"], truth["image"]),
        "ssim": float(ssim(found["image"][None], truth["image"][None], SSIM_WINDOW, padding="valid").mean()),
        "energy": energy[0] / max(energy[1], 1e-6),
        "collapse": float(found["alone"][solid].float().mean()) if solid.any() else 0.0,
    }


def other_figures(
    found: dict[str, Tensor], truth: dict[str, Tensor], cameras: Cameras, half: float, distances: PictureDistances
) -> dict[str, float]:
    both = (found["mask"] > 0.5) & (truth["depth"] > 0)
    row = {
        "other_psnr": psnr(found["image"], truth["image"]),
        "other_semantic": float(distances.novel(found["image"][None], truth["image"][None])[1]),
    }
    if both.sum() > 16:
        row["other_depth"] = float((found["depth"] - truth["depth"])[both].abs().mean()) / half
        ours, theirs = (normals_from_depth((x["depth"] * both)[None], cameras)[0] for x in (found, truth))
        within = (ours.norm(dim=0) > 0.5) & (theirs.norm(dim=0) > 0.5)
        cosine = (ours * theirs).sum(0)[within].clamp(-1, 1)
        row["other_normals"] = float(torch.rad2deg(cosine.acos()).mean()) if within.any() else math.nan
    return row


def psnr(picture: Tensor, truth: Tensor) -> float:
    return float(-10 * (picture - truth).square().mean().clamp_min(1e-10).log10())


@torch.no_grad()
def measured(weights: Path, validation: Path, objects: int) -> dict[str, float]:
    """Means of a variant's figures."""
    network, distances = load_model(weights).module, PictureDistances()
    data, rows = SingleViews(validation, objects, first=FIRST, size=SIDE, exact=True), []
    for index in range(objects):
        batch = default_collate([data[index]])
        box = CameraBox.of(batch["intrinsics"], batch["depth"], batch["given_mask"])
        field, half = fields_of(network, batch, box)[0], float(box.half)
        image = batch["image"] * batch["mask"] + 1 - batch["mask"]
        found = rendered(field, own_cameras(batch).resized(RENDER, RENDER), half)
        row = own_figures(found, small(image[0], batch["depth"][0]))
        other = other_view(data, index)
        if other is not None:
            cameras, truth = other
            row |= other_figures(rendered(field, cameras, half), truth, cameras, half, distances)
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    table = {name: round(float(np.nanmean([row.get(name, math.nan) for row in rows])), 4) for name in names}
    return {**table, "others": sum("other_psnr" in row for row in rows)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("validation", type=Path, help="shards of objects that are never trained on")
    parser.add_argument("--objects", type=int, default=48)


def prepare(args: argparse.Namespace, folder: Path) -> Measure:
    return lambda name: measured(trained(args, name, folder), args.validation, args.objects)


if __name__ == "__main__":
    ablations(__doc__, VARIANTS, add_arguments, prepare)
