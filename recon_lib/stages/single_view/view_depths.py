"""Depth of posed photos, each estimated by itself: where no depth came with them, its order still guides a fit."""

import logging
from dataclasses import replace

import torch

from ...errors import BadInput
from ...progress import Progress
from ...views.views import Views
from ...weights.registry import LoadedModel
from .regress import visible_surface

log = logging.getLogger("recon3d")


def with_estimated_depths(
    model: LoadedModel, views: Views, device: torch.device | str = "cpu", progress: Progress | None = None
) -> Views:
    """The views with the z-depth that `model` sees in each photo on its mask; views that have depth stay as they are.

    The depths are of a scale of their own in every view, and lean as single photos are understood to: right in their
    order, for `RadianceWeights.ranking`, not in their values. Where a photo shows the model nothing, there is none (0).
    """
    if views.depth is not None:
        return views
    progress, depths = progress or Progress(), []
    for i in range(len(views)):
        view = views[i]
        try:
            surface = visible_surface(model, view.images, (view.masks > 0.5).float(), device=device, progress=progress)
        except BadInput as reason:
            log.info("no depth of view %d: %s", i + 1, reason)
            depths.append(torch.zeros_like(view.masks))
        else:
            assert surface.views.depth is not None
            depths.append(surface.views.depth * (view.masks > 0.5))
    return replace(views, depth=torch.cat(depths))
