"""Crops of true depth maps with their focal lengths, and what befalls depth maps."""

import logging
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...data.shards.cutouts import Cutout, Library
from ...progress import unchecked
from ...stages.single_view.lens_from_depth import FEWEST_PIXELS, depth_crop

log = logging.getLogger("recon3d")
LONGEST_LOG = 1.2  # of the assumed focal length over the true one
NOISE = 0.3  # pixels of relief, the most white noise
SMOOTHED, CUT, QUANTIZED = 0.3, 0.4, 0.4  # fractions of the samples
FEWEST_STEPS, MOST_STEPS = 15.0, 250.0  # of inverse depth over the object, where it came as a picture of 256
CUT_SIDES = 0.2, 0.6  # of the crop's side


class DepthCrops:
    """Depth crops of all renders below a folder of shards, in memory: depth and mask [N,1,S,S], focal [N] pixels."""

    def __init__(self, folder: Path, side: int, check: Callable[[], None] = unchecked) -> None:
        library, rows = Library(folder), []
        log.info("reading %d depth maps", len(library))
        for index in range(len(library)):
            check()
            row = true_crop(library.cutout(library.item(index)), side)
            rows += [row] if row else []
        self.depth, self.mask, focal = (torch.stack(column) for column in zip(*rows, strict=True))
        self.focal = focal.float()

    def __len__(self) -> int:
        return len(self.focal)

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """Those rows [B]."""
        return {"depth": self.depth[rows].float(), "mask": self.mask[rows].float(), "focal": self.focal[rows]}


def true_crop(cutout: Cutout, side: int) -> tuple[Tensor, Tensor, Tensor] | None:
    """Depth [1,S,S], mask [1,S,S] and focal length [] in pixels of a render's crop; None where it shows too little."""
    relief = torch.from_numpy(cutout.relief.astype("float32"))
    depth = torch.where(relief.isnan(), 0.0, relief + float(cutout.world_to_camera[2, 3]))
    cut = depth_crop(depth[None, None], side)
    return None if cut is None else (cut[0][0], cut[1][0], torch.tensor(float(cutout.intrinsics[0, 0]) * cut[2]))


def altered(batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Turned, mirrored, noisy, smoothed and cut depth maps, and `assumed` focal lengths [B]."""
    depth, mask, focal = batch["depth"], batch["mask"], batch["focal"]
    for dim in (2, 3):
        if torch.rand((), generator=generator) < 0.5:
            depth, mask = depth.flip(dim), mask.flip(dim)
    if torch.rand((), generator=generator) < 0.5:
        depth, mask = depth.mT, mask.mT
    count, side = len(depth), depth.shape[-1]

    def dice(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    smooth = F.avg_pool2d(depth * mask, 3, 1, 1) / F.avg_pool2d(mask, 3, 1, 1).clamp_min(1e-6)
    depth = torch.where((dice(1, 1, 1) < SMOOTHED) & (mask > 0), smooth, depth)
    depth = torch.where((dice(1, 1, 1) < QUANTIZED) & (mask > 0), _quantized(depth, mask, dice), depth)
    amplitude = NOISE * dice(1, 1, 1) ** 3 / focal[:, None, None, None]
    depth = depth * (amplitude * torch.randn(depth.shape, generator=generator)).exp()
    seen = mask * ~_rectangles(dice, side)
    mask = torch.where(seen.sum((1, 2, 3), keepdim=True) >= FEWEST_PIXELS, seen, mask)
    assumed = focal * (LONGEST_LOG * (2 * dice() - 1)).exp()
    return {"depth": depth * mask, "mask": mask, "focal": focal, "assumed": assumed}


def _quantized(depth: Tensor, mask: Tensor, dice: Callable[..., Tensor]) -> Tensor:
    """Depth that came as a picture of inverse depth in few steps."""
    inverse = torch.where(mask > 0, 1 / depth.clamp_min(1e-9), 0.0)
    farthest = torch.where(mask > 0, inverse, torch.inf).amin((1, 2, 3), keepdim=True)
    span = (inverse.amax((1, 2, 3), keepdim=True) - farthest).clamp_min(1e-9)
    steps = FEWEST_STEPS * (MOST_STEPS / FEWEST_STEPS) ** dice(1, 1, 1)
    return 1 / (farthest + span * ((inverse - farthest) / span * steps).round() / steps)


def _rectangles(dice: Callable[..., Tensor], side: int) -> Tensor:
    """What stands in front, [B,1,S,S] bool: a rectangle in some of the pictures."""
    low, high = CUT_SIDES
    at = (torch.arange(side) + 0.5) / side
    centre, half = dice(2), (low + (high - low) * dice(2)) / 2
    half = half * (dice(1) < CUT)
    within = (at - centre[..., None]).abs() < half[..., None]  # [B,2,S]
    return (within[:, 0, :, None] & within[:, 1, None, :])[:, None]
