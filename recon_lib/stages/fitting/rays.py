"""The pixels of posed views as rays to fit a field to."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_finite
from ...errors import BadInput
from ...progress import unchecked
from ...provenance import Provenance
from ...render.fill import fill_nearest
from ...render.rays import RayBundle
from ...views.views import Views
from .sdf_grid.settings import Trust

BACKGROUND = 0.02  # mask below which a pixel shows the background alone
WHOLE = 0.995  # fraction of all pixels: masks that cover more mark no object


@dataclass(frozen=True)
class PixelRays(RayBundle):
    """Rays of M pixels with all that the views know about them. Layers without information are 0 there."""

    colors: Tensor  # [M,3] sRGB 0-1
    background: Tensor  # [M,3] sRGB 0-1, what the picture shows beside the object
    mask: Tensor  # [M] 0-1
    trust: Tensor  # [M] factor of the pixel's losses
    view: Tensor  # [M] int64
    cos_axis: Tensor  # [M] cosine to the optical axis: z-depth for each unit of distance along the ray
    depth: Tensor  # [M] the view's z-depth, brought to mean 0 and mean deviation 1 within its view
    depth_known: Tensor  # [M] float32, 1 where there is depth
    normals: Tensor  # [M,3] unit, world

    @classmethod
    def of(
        cls,
        views: Views,
        trust: Trust,
        check: Callable[[], None] = unchecked,
        whole: bool = False,
    ) -> "PixelRays":
        """All pixels of all views, view by view and row by row, on the CPU. whole: as for `check_views`."""
        check_views(views, whole)
        count, _, height, width = views.images.shape
        origins, directions = views.cameras.rays()
        cos_axis = (directions * views.cameras.rotation[:, None, None, :, 2]).sum(-1)
        background = []
        for image, mask in zip(views.images, views.masks, strict=True):
            check()
            background.append(fill_nearest(image, mask[0] < BACKGROUND))
        depth, known = _standard_depth(views)
        normals = torch.zeros_like(views.images) if views.normals is None else views.normals
        normals = torch.einsum("vij,vjhw->vhwi", views.cameras.rotation, normals)
        pixels = {
            "origins": origins, "directions": directions, "colors": _last(views.images),
            "background": _last(torch.stack(background)), "mask": views.masks[:, 0], "trust": pixel_trust(views, trust),
            "view": torch.arange(count)[:, None, None].expand(count, height, width), "cos_axis": cos_axis,
            "depth": depth, "depth_known": known, "normals": normals,
        }  # fmt: skip
        return cls(**{name: value.flatten(0, 2).contiguous() for name, value in pixels.items()})


def check_views(views: Views, whole: bool = False) -> None:
    """Raise `BadInput` unless the views show one object before a background, or, where `whole` may be, a scene."""
    if not len(views):
        raise BadInput("There is no view to fit; connect at least one.")
    for name in ("images", "masks", "depth", "normals"):
        if getattr(views, name) is not None:
            check_finite(f"{name} of the views", getattr(views, name))
    solid = views.masks > 0.5
    empty = (~solid.flatten(1).any(1)).nonzero().flatten().tolist()
    if empty:
        raise BadInput(f"The mask of view {empty[0]} is empty; white (1) must mark the object.")
    if covers_all(views) and not whole:
        raise BadInput("The masks cover the whole pictures; the fit needs masks that mark the object alone.")


def covers_all(views: Views) -> bool:
    """Whether the masks cover the whole pictures, so that they mark no object."""
    return bool((views.masks > 0.5).float().mean() > WHOLE)


def reduced(views: Views, side: int) -> Views:
    """The views with their longest side reduced to `side` pixels; smaller ones are returned as they are.

    Images and masks are averaged; depth, normals and provenance are those of the pixels in the middle.
    """
    height, width = views.images.shape[-2:]
    if max(height, width) <= side:
        return views
    size = tuple(max(1, round(n * side / max(height, width))) for n in (height, width))
    layers = {}
    for name in ("images", "masks"):
        layers[name] = F.interpolate(getattr(views, name).float(), size, mode="area")
    for name in ("depth", "normals", "provenance"):
        layer = getattr(views, name)
        layers[name] = None if layer is None else F.interpolate(layer.float(), size, mode="nearest-exact").to(layer)
    return Views(cameras=views.cameras.resized(*size), **layers)


def pixel_trust(views: Views, trust: Trust) -> Tensor:
    """Factor [V,H,W] for each pixel by where it comes from; the background counts as the worst of its view."""
    if views.provenance is None:
        return torch.full_like(views.masks[:, 0], trust.observed)
    codes = views.provenance[:, 0].long()
    worst = codes.flatten(1).amax(1).clamp_min(int(Provenance.OBSERVED))[:, None, None]
    table = torch.tensor([trust.of(code) for code in Provenance])
    return table[torch.where(codes == int(Provenance.NONE), worst, codes)]


def _standard_depth(views: Views) -> tuple[Tensor, Tensor]:
    """Depth [V,H,W] with mean 0 and mean deviation 1 over each view's object, and its mask, 0 or 1.

    Whatever scale and shift a depth estimator has, they are gone afterwards.
    """
    if views.depth is None:
        nothing = torch.zeros_like(views.masks[:, 0])
        return nothing, nothing
    depth = views.depth[:, 0].float()
    known = ((depth > 0) & (views.masks[:, 0] > 0.5)).float()
    count = known.sum((1, 2), keepdim=True).clamp_min(1)
    centred = (depth - (depth * known).sum((1, 2), keepdim=True) / count) * known
    return centred / (centred.abs().sum((1, 2), keepdim=True) / count).clamp_min(1e-9), known


def _last(images: Tensor) -> Tensor:
    """[V,C,H,W] -> [V,H,W,C]."""
    return images.float().movedim(1, -1)
