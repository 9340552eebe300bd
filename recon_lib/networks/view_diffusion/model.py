"""View diffusion, after ReconFusion (Wu et al., CVPR 2024): an encoder of the inputs, a PixelNeRF that renders their
features at the target camera, and a UNet that makes a picture of it.

The UNet has two tasks, told apart by a class embedding: to denoise (the paper's prior, in pixel space), and to repair a
bad render in one step (as Difix, Wu et al. 2025), which begins from the render and adds to it.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

from ...cameras.camera import Cameras
from ...check import check_shape
from ...views.views import Views
from .config import MINI, ViewDiffusionConfig
from .encoder import EMBEDDING, EncodedViews, ViewEncoder
from .pixel_nerf import PixelNerf

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

DENOISE, REPAIR = 0, 1  # tasks of the UNet
POSE = 7  # numbers that tell where an input's camera is, seen from the target's


@dataclass(frozen=True)
class Condition:
    """What the UNet is told about B targets. Zeros mean that nothing is known."""

    map: Tensor  # [B,M,h,w] colour in -1..1, opacity 0-1, features, rendered at the target cameras
    tokens: Tensor  # [B,V,T] an embedding an input picture

    def kept(self, rows: Tensor) -> "Condition":
        """The condition of rows [B] bool, nothing elsewhere."""
        kept = rows.to(self.map)
        return replace(self, map=self.map * kept[:, None, None, None], tokens=self.tokens * kept[:, None, None])

    def nothing(self) -> "Condition":
        """The unconditional branch."""
        return Condition(torch.zeros_like(self.map), torch.zeros_like(self.tokens))

    def __getitem__(self, rows: Tensor | slice) -> "Condition":
        return Condition(self.map[rows], self.tokens[rows])


class ViewDiffusion(nn.Module):
    """`encode` and `pixel_nerf` make conditions, `denoise` and `repair` pictures; pictures are in -1..1, on white."""

    def __init__(self, config: ViewDiffusionConfig = MINI) -> None:
        super().__init__()
        self.config = config
        self.power: Tensor  # [train_steps], the picture's variance at each level
        self.encoder = ViewEncoder()
        self.pixel_nerf = PixelNerf(config.features)
        self.token = Linear(EMBEDDING + POSE, config.token_width)
        self.unet = _unet(config)
        self.register_buffer("power", self.scheduler().alphas_cumprod, persistent=False)

    def encode(self, views: Views) -> EncodedViews:
        """Encode masked views of side x side pixels."""
        side = self.config.side
        check_shape("input views", views.images, "V", 3, side, side)
        features, embeddings = self.encoder(views.images, views.masks)
        images = views.images * views.masks + 1 - views.masks
        return EncodedViews(views.cameras, images, views.masks, features, embeddings)

    def tokens(self, views: EncodedViews, camera: Cameras) -> Tensor:
        """Tokens [V,T] of the inputs for one target camera: a picture's embedding and where it was taken from."""
        distance = camera.position.norm(dim=-1)
        place = camera.to_camera(views.cameras.position)[0] / distance
        axis = views.cameras.rotation[:, :, 2] @ camera.rotation[0]
        cos = (F.normalize(views.cameras.position, dim=-1) * camera.position / distance).sum(-1, keepdim=True)
        return self.token(torch.cat([views.embeddings, place, axis, cos], -1))

    def denoise(self, noisy: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The clean picture [B,3,S,S] as the network sees it, not clamped; noisy [B,3,S,S], t [B] int64."""
        return self._answer(noisy, t, condition, DENOISE)

    def repair(self, bad: Tensor, condition: Condition) -> Tensor:
        """The picture [B,3,S,S] that the bad render [B,3,S,S] should have been, not clamped."""
        return bad + self._answer(bad, torch.zeros(len(bad), dtype=torch.long, device=bad.device), condition, REPAIR)

    def noised(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """A clean picture [B,3,S,S] with noise [B,3,S,S] at levels t [B] int64."""
        power = self.power[t].to(clean.dtype).view(-1, 1, 1, 1)
        return power.sqrt() * clean + (1 - power).sqrt() * noise

    def scheduler(self) -> "DDIMScheduler":
        """The sampler: DDIM over this model's noise levels, stepping from the predicted clean picture."""
        from diffusers import DDIMScheduler

        return DDIMScheduler(
            self.config.train_steps,
            beta_schedule=self.config.schedule,
            prediction_type="sample",
            timestep_spacing="trailing",
        )

    def _answer(self, picture: Tensor, t: Tensor, condition: Condition, task: int) -> Tensor:
        config = self.config
        check_shape("pictures", picture, "B", 3, config.side, config.side)
        check_shape("feature maps", condition.map, len(picture), config.map_channels, config.map_side, config.map_side)
        folded = torch.cat([F.pixel_unshuffle(picture, config.fold), condition.map], 1)
        answer = self.unet(
            folded.contiguous(memory_format=torch.channels_last),
            t,
            condition.tokens,
            class_labels=torch.full_like(t, task),
            return_dict=False,
        )[0]
        return F.pixel_shuffle(answer, config.fold)


def _unet(config: ViewDiffusionConfig) -> nn.Module:
    """diffusers' conditional UNet; its last layer is zero, so that a repair begins as the render that it is given."""
    from diffusers import UNet2DConditionModel

    plain = len(config.channels) - 1
    unet = UNet2DConditionModel(
        sample_size=config.map_side,
        in_channels=3 * config.fold**2 + config.map_channels,
        out_channels=3 * config.fold**2,
        block_out_channels=config.channels,
        down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * plain,
        layers_per_block=1,
        norm_num_groups=config.groups,
        attention_head_dim=config.heads,
        cross_attention_dim=config.token_width,
        num_class_embeds=2,
        resnet_time_scale_shift="scale_shift",
    )
    nn.init.zeros_(unet.conv_out.weight)
    nn.init.zeros_(unet.conv_out.bias)
    return unet.to(memory_format=torch.channels_last)


def build(config: dict) -> ViewDiffusion:
    """The untrained network of a card's `config`."""
    return ViewDiffusion(ViewDiffusionConfig.of(config))
