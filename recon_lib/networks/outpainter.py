"""The embedded outpainter: a small diffusion model in pixel space that completes a partly seen view of an object.

It paints four channels, RGB and the object's alpha, all in -1..1 on a white background. What is known already, the
seen pixels and the background, is pinned at every step, so that the model only ever decides what nobody saw (the
replacement of RePaint, Lugmayr et al., CVPR 2022, done on the predicted picture and therefore exact).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..check import check_shape
from ..errors import BadInput
from ..parsing import number, shown, whole_number
from ..progress import unchecked
from .card_settings import from_card

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

PAINTED = 4  # RGB and alpha
CONDITIONS = 9  # colours 3, to be painted 1, silhouette 1, depth 1, normals 3
PREDICTIONS = ("sample", "v_prediction")
SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2")  # diffusers' names
LIMITS = {  # least and most of what a card may say
    "side": (16, 4096), "fold": (1, 16), "groups": (1, 4096), "layers": (1, 16), "head_width": (1, 4096),
    "train_steps": (1, 100_000), "steps": (1, 1000),
}  # fmt: skip
MOST_LEVELS = 8


@dataclass(frozen=True)
class OutpainterConfig:
    """What a model card must tell to build the network."""

    size: str = "mini"
    side: int = 64  # pixels of the square that it was trained on; other multiples of 16 work too
    fold: int = 2  # fold x fold pixels become channels: the network runs at side / fold
    channels: tuple[int, ...] = (32, 64, 128, 192)  # at side / fold, / 2, / 4, / 8
    groups: int = 16  # of the group norms; divides all channels
    layers: int = 1  # residual blocks per level on the way down, one more on the way up
    head_width: int = 32  # channels of an attention head; attention runs at the two coarsest levels
    prediction: str = "sample"  # what the network puts out: "sample" (the clean picture) or "v_prediction"
    train_steps: int = 960  # noise levels; a multiple of 12, 15, 16, 20 and 24, so that samplers' steps are even
    schedule: str = "squaredcos_cap_v2"  # its last level is pure noise, which is where sampling starts
    steps: int = 16  # of the sampler, unless condition otherwise
    own_color: float = 1.0  # fraction of its own colours in what is painted; the rest is the nearest seen colour

    @classmethod
    def of(cls, values: dict) -> "OutpainterConfig":
        """From a card's JSON. Raises `BadInput` for settings that are unknown or cannot be built."""
        config = from_card(cls, values, "An outpainter")
        config._check_numbers()
        if config.prediction not in PREDICTIONS:
            raise BadInput(f"An outpainter cannot predict {config.prediction!r}; use {' or '.join(PREDICTIONS)}.")
        if config.schedule not in SCHEDULES:
            raise BadInput(f"An outpainter has no schedule {shown(config.schedule)}; use {' or '.join(SCHEDULES)}.")
        if len(config.channels) < 2 or any(width % config.groups for width in config.channels):
            raise BadInput(
                f"Channels {config.channels} of an outpainter must be multiples of {config.groups}, 2 or more."
            )
        return config

    def _check_numbers(self) -> None:
        """Raise `BadInput` for sizes that no outpainter has."""
        for name, limits in LIMITS.items():
            whole_number(getattr(self, name), f"{name} of an outpainter", *limits)
        number(self.own_color, "own_color of an outpainter", 0, 1)
        if not isinstance(self.channels, tuple) or len(self.channels) > MOST_LEVELS:
            raise BadInput(f"Channels {shown(self.channels)} of an outpainter are no list of up to {MOST_LEVELS}.")
        for width in self.channels:
            whole_number(width, "channels of an outpainter", 1, 4096)

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {**asdict(self), "channels": list(self.channels)}

    @property
    def stride(self) -> int:
        """Sides of pictures are multiples of this many pixels."""
        return self.fold * 2 ** (len(self.channels) - 1)


MINI = OutpainterConfig()


def make_condition(
    images: Tensor,  # [B,3,H,W] sRGB 0-1: seen colours, continued over what is to be painted (`render.fill.continued`)
    seen: Tensor,  # [B,1,H,W] > 0.5 = seen by an earlier view, colour and surface known
    masks: Tensor,  # [B,1,H,W] > 0.5 = to be painted
    depth: Tensor,  # [B,1,H,W] z-depth in any unit, read where seen
    normals: Tensor,  # [B,3,H,W] camera frame, read where seen
    focal: Tensor,  # [B] focal length in pixels of these pictures
) -> Tensor:
    """Conditions of the network, [B,9,H,W]; training and painting both come through here.

    Channels: 0-2 colours in -1..1, 0 off the silhouette; 3 to be painted, 0 or 1; 4 silhouette, 0 or 1: all that is
    seen or to be painted, so that 4 less 3 are the seen pixels; 5 depth of the seen surface less its mean, over the
    silhouette's longer side in world units (about -1..1, no unit); 6-8 its normals, unit; 5-8 are 0 where not seen.

    The layers are those of `stages.outpainting.mask.OutpaintMask`; a pixel of its hull that is neither seen nor to be
    painted counts as background, and so does everything outside. Raises `BadInput` for shapes that do not fit.
    """
    check_shape("images", images, "B", 3, "H", "W")
    batch, _, height, width = images.shape
    for name, layer, deep in (("seen", seen, 1), ("masks", masks, 1), ("depth", depth, 1), ("normals", normals, 3)):
        check_shape(name, layer, batch, deep, height, width)
    check_shape("focal", focal, batch)
    paint = masks > 0.5
    known = (seen > 0.5) & ~paint
    silhouette = paint | known

    count = known.flatten(1).sum(1).clamp_min(1)
    mean = torch.where(known, depth, 0.0).flatten(1).sum(1) / count  # [B]
    size = _longer_side(silhouette) * mean / focal
    relief = (depth - mean.view(-1, 1, 1, 1)) / size.clamp_min(1e-6).view(-1, 1, 1, 1)
    colors = torch.where(silhouette, images * 2 - 1, 0.0)
    surface = (torch.where(known, layer, 0.0) for layer in (relief.clamp(-2, 2), F.normalize(normals, dim=1)))
    return torch.cat([colors, paint.float(), silhouette.float(), *surface], 1)


def known_picture(condition: Tensor) -> tuple[Tensor, Tensor]:
    """What of the answer is certain before painting: picture [B,4,H,W] in -1..1, and where, [B,1,H,W] bool.

    Seen pixels have their colour and alpha 1, the background is white with alpha -1. condition [B,9,H,W] of
    `make_condition`.
    """
    paint, silhouette = condition[:, 3:4] > 0.5, condition[:, 4:5] > 0.5
    seen = silhouette & ~paint
    colors = torch.where(seen, condition[:, :3], 1.0)
    return torch.cat([colors, torch.where(seen, 1.0, -1.0)], 1), ~paint


def _longer_side(region: Tensor) -> Tensor:
    """The longer side of the bounding box of a region [B,1,H,W] bool, pixels [B]."""
    sides = []
    for axis in (-1, -2):
        hit = region[:, 0].any(axis).float()  # [B,H], then [B,W]
        index = torch.arange(1, hit.shape[1] + 1, device=hit.device, dtype=hit.dtype)
        last, before_first = (hit * index).amax(1), hit.shape[1] - (hit * index.flip(0)).amax(1)
        sides.append((last - before_first).clamp_min(0))
    return torch.maximum(*sides)


class Outpainter(nn.Module):
    """`denoise` is what training needs, `sample` paints."""

    def __init__(self, config: OutpainterConfig = MINI) -> None:
        super().__init__()
        from diffusers import UNet2DModel

        self.config = config
        self.power: Tensor  # [train_steps], the picture's variance at each level
        deep = [level >= len(config.channels) - 2 for level in range(len(config.channels))]
        self.unet = UNet2DModel(
            in_channels=(PAINTED + CONDITIONS) * config.fold**2,
            out_channels=PAINTED * config.fold**2,
            block_out_channels=config.channels,
            down_block_types=tuple("AttnDownBlock2D" if attends else "DownBlock2D" for attends in deep),
            up_block_types=tuple("AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(deep)),
            layers_per_block=config.layers,
            norm_num_groups=config.groups,
            attention_head_dim=config.head_width,
            resnet_time_scale_shift="scale_shift",
        ).to(memory_format=torch.channels_last)  # faster on CPUs
        self.register_buffer("power", self.scheduler().alphas_cumprod, persistent=False)

    def denoise(self, noisy: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The clean picture [B,4,S,S] as the network sees it, neither clamped nor pinned.

        noisy [B,4,S,S] of `noised`, t [B] int64 in 0..train_steps-1, condition [B,9,S,S] of `make_condition`; S is a
        multiple of `config.stride`. Raises `BadInput` for other shapes.
        """
        check_shape("noisy", noisy, "B", PAINTED, "H", "W")
        check_shape("condition", condition, len(noisy), CONDITIONS, *noisy.shape[-2:])
        if any(side % self.config.stride for side in noisy.shape[-2:]):
            size = " x ".join(map(str, noisy.shape[-2:]))
            raise BadInput(f"The outpainter cannot paint {size} pixels; give multiples of {self.config.stride}.")
        folded = F.pixel_unshuffle(torch.cat([noisy, condition], 1), self.config.fold)
        folded = folded.contiguous(memory_format=torch.channels_last)
        answer = F.pixel_shuffle(self.unet(folded, t, return_dict=False)[0], self.config.fold)
        if self.config.prediction == "sample":
            return answer
        signal_scale, noise_scale = self._levels(t, noisy)
        return signal_scale * noisy - noise_scale * answer

    def noised(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """A clean picture [B,4,S,S] in -1..1 with noise [B,4,S,S] at levels t [B] int64."""
        signal_scale, noise_scale = self._levels(t, clean)
        return signal_scale * clean + noise_scale * noise

    def scheduler(self) -> "DDIMScheduler":
        """The sampler: DDIM over this model's noise levels, stepping from the predicted clean picture."""
        from diffusers import DDIMScheduler

        return DDIMScheduler(
            self.config.train_steps,
            beta_schedule=self.config.schedule,
            prediction_type="sample",
            timestep_spacing="trailing",
        )

    @torch.no_grad()
    def sample(
        self,
        condition: Tensor,  # [B,9,S,S] of `make_condition`
        generator: torch.Generator | None = None,  # on the CPU, so that a seed means the same on every device
        steps: int | None = None,
        check: Callable[[], None] = unchecked,
        show: Callable[[Tensor], None] = lambda picture: None,
    ) -> Tensor:
        """A painted picture [B,4,S,S] in -1..1: RGB on white, alpha. What is known comes back exactly.

        `check` runs before each of `steps` steps and may raise; `show` is given the picture so far after it.
        Raises `BadInput` for another number of steps than 1 to `train_steps`.
        """
        steps = self.config.steps if steps is None else steps
        if not 1 <= steps <= self.config.train_steps:
            raise BadInput(f"{steps} steps of painting are not possible; give 1 to {self.config.train_steps}.")
        check_shape("condition", condition, "B", CONDITIONS, "H", "W")
        scheduler = self.scheduler()
        scheduler.set_timesteps(steps, condition.device)
        picture, certain = known_picture(condition)
        noise = torch.randn(picture.shape, generator=generator).to(condition)
        times = scheduler.timesteps.expand(len(condition), -1)
        noisy = torch.where(certain, self.noised(picture, noise, times[:, 0]), noise)
        for i in range(steps):
            check()
            clean = self.denoise(noisy, times[:, i], condition).clamp(-1, 1)
            clean = torch.where(certain, picture, clean)
            noisy = scheduler.step(clean, scheduler.timesteps[i], noisy).prev_sample
            show(clean)
        return clean

    def _levels(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Scales of picture and noise at levels t [B], each [B,1,1,1]."""
        power = self.power[t].to(like.dtype).view(-1, 1, 1, 1)
        return power.sqrt(), (1 - power).sqrt()


def build(config: dict) -> Outpainter:
    """The untrained network of a card's `config`."""
    return Outpainter(OutpainterConfig.of(config))
