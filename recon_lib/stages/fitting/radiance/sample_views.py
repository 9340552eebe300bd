"""Novel views by a prior alone, without a field."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ....check import check_shape
from ....networks.contracts import ViewPrior
from ....progress import Progress
from ....render.feature_map import render_feature_map
from ....views.views import Views
from .novel_cameras import square
from .view_priors import DiffusionPrior, RepairPrior, prepared_inputs


def sample_views(
    prior: ViewPrior,
    inputs: Views,
    cameras: Cameras,
    renders: Tensor | None = None,  # [V,3,H,W] sRGB 0-1 over white, from these cameras
    noise_level: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    """Pictures [V,3,S,S] of the square middles of the cameras' pictures; S is the prior's size.

    Without `renders` those of the prior's own PixelNeRF are begun with, where it has one, else white.
    """
    size, progress = prior.size, progress or Progress()
    progress.start("Sample novel views", len(cameras))
    inputs = prepared_inputs(inputs, size, "cpu")
    if renders is not None:
        check_shape("renders", renders, len(cameras), 3, "H", "W")
        renders = _square_pictures(renders, size)
    targets, pictures = square(cameras).resized(size, size), []
    for i in range(len(cameras)):
        begun = own_render(prior, inputs, targets[i]) if renders is None else renders[i : i + 1]
        generator = torch.Generator().manual_seed((seed + i) % 2**63)
        pictures.append(prior.sample(begun, targets[i], inputs, noise_level, generator))
        progress.step(pictures[-1][0])
    return torch.cat(pictures)


@torch.no_grad()
def own_render(prior: ViewPrior, inputs: Views, camera: Cameras) -> Tensor:
    """Render [1,3,S,S] of the prior's PixelNeRF for one camera; white for priors without one."""
    if not isinstance(prior, (RepairPrior, DiffusionPrior)):
        return torch.ones(1, 3, prior.size, prior.size)
    device = next(prior.model.parameters()).device
    encoded = prior.model.encode(prepared_inputs(inputs, prior.size, device))
    color = render_feature_map(prior.model, encoded, camera.to(device)).color.cpu()
    return F.interpolate(color, (prior.size, prior.size), mode="bilinear").clamp(0, 1)


def _square_pictures(pictures: Tensor, size: int) -> Tensor:
    """The square middles [V,3,size,size] of pictures [V,3,H,W]."""
    height, width = pictures.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = pictures[..., top : top + side, left : left + side]
    return F.interpolate(middle, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
