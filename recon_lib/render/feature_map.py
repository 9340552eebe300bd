"""Feature map of a PixelNeRF at a target camera: the condition of a prior of views (Wu et al. 2024, section 3.2)."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..fields.pixel_nerf import PixelNerfField
from ..networks.view_diffusion.encoder import EncodedViews
from ..networks.view_diffusion.model import Condition, ViewDiffusion
from .hull_samples import HullSampler
from .rays import RayBundle, composite, sample_radiance


@dataclass(frozen=True)
class FeatureMap:
    """What the PixelNeRF renders for B targets, at the side of the feature map."""

    color: Tensor  # [B,3,h,w] sRGB 0-1, over white
    opacity: Tensor  # [B,1,h,w] 0-1
    features: Tensor  # [B,F,h,w], 0 where nothing is
    distance: Tensor  # [B,1,h,w] along the rays, world units, 0 where nothing is

    def condition(self, tokens: Tensor) -> Condition:
        """The condition of the UNet, with tokens [B,V,T]."""
        return Condition(torch.cat([self.color * 2 - 1, self.opacity, self.features], 1), tokens)


def render_feature_map(
    model: ViewDiffusion, views: EncodedViews, camera: Cameras, generator: torch.Generator | None = None
) -> FeatureMap:
    """Feature map of one target camera, of any size; differentiable. `generator` jitters the samples."""
    side = model.config.map_side
    rays = RayBundle(*(x.reshape(-1, 3) for x in camera.resized(side, side).rays()))
    field = PixelNerfField(model.pixel_nerf, views)
    samples = HullSampler(model.config.samples)(field, rays, generator)
    background = torch.cat([torch.ones(3), torch.zeros(model.config.features)]).to(rays.origins)
    rendered = composite(sample_radiance(field, rays, samples), samples, background)
    values = torch.cat([rendered.color, rendered.opacity[:, None], rendered.distance[:, None]], -1)
    color, features, opacity, distance = values.T.reshape(1, -1, side, side).split((3, model.config.features, 1, 1), 1)
    return FeatureMap(color, opacity, features, distance)


def make_condition(
    model: ViewDiffusion, views: EncodedViews, cameras: Cameras, generator: torch.Generator | None = None
) -> tuple[Condition, FeatureMap]:
    """Condition of B target cameras from the same inputs, and the map that it holds."""
    maps = [render_feature_map(model, views, cameras[i], generator) for i in range(len(cameras))]
    tokens = torch.stack([model.tokens(views, cameras[i]) for i in range(len(cameras))])
    joined = join_maps(maps)
    return joined.condition(tokens), joined


def join_maps(maps: list[FeatureMap]) -> FeatureMap:
    """Maps of several targets in one."""
    return FeatureMap(**{f.name: torch.cat([getattr(each, f.name) for each in maps]) for f in fields(FeatureMap)})
