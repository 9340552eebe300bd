"""The lens that took a user's depth, by the shapes that it shows.

Depth through a wrong lens is a thing stretched along the optical axis. A small network knows things from stretched ones
(`networks/focal.py`), whatever the photo's own network takes the relief for.
"""

import logging
from functools import cache

import torch
from torch import Tensor

from ...networks.focal import FocalNetwork
from ...views.square_crop import SquareCrop
from ...weights.registry import load_model
from .lens import default_lens, fov_of

log = logging.getLogger("recon3d")
MODEL = "focal_mini"
SHARE = 0.85  # the object's longer side over the crop's side
COVERED = 0.6  # of a crop's pixel: from there on it has a depth
FEWEST_PIXELS = 100  # of the crop: fewer tell nothing
LARGEST_FACTOR = 2.5  # between the focal length found and the one assumed, up or down


def lens_from_depth(depth: Tensor) -> Tensor:
    """Lens [1,3,3] of the photo with z-depth [1,1,H,W] on the object (any scale, 0 = not known); logged."""
    height, width = depth.shape[-2:]
    lens = default_lens(height, width)
    factor = focal_factor(depth, lens)
    lens[:, 0, 0] *= factor
    lens[:, 1, 1] *= factor
    log.info("the depth came without a lens: %.0f degrees over the longer side assumed", fov_of(lens, height, width))
    return lens


def focal_factor(depth: Tensor, lens: Tensor) -> float:
    """The focal length under which depth [1,1,H,W] (0 = not known) looks like a thing, over that of lens [1,3,3]."""
    network = _network()
    cut = depth_crop(depth, network.config.side)
    if cut is None:
        return 1.0
    small, on, scale = cut
    assumed = lens[:, 0, 0].float().cpu() * scale
    found = network.find(small, on.float(), assumed)
    return float((found / assumed).clamp(1 / LARGEST_FACTOR, LARGEST_FACTOR))


def depth_crop(depth: Tensor, side: int) -> tuple[Tensor, Tensor, float] | None:
    """The object's crop of depth [1,1,H,W]: depth and where it is known [1,1,S,S], and its pixels a picture's pixel.

    None where too little is known.
    """
    depth = depth.float().cpu()
    known = (depth > 0).float()
    if known.sum() < FEWEST_PIXELS:
        return None
    crop = SquareCrop.around(known[0, 0], SHARE)
    small, coverage = crop.crop_masked(depth, known, side)
    on = coverage > COVERED
    if on.sum() < FEWEST_PIXELS:
        return None
    return torch.where(on, small, 0.0), on, side / crop.side


@cache
def _network() -> FocalNetwork:
    return load_model(MODEL).module
