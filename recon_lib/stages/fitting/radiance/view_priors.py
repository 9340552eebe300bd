"""Priors of views from a trained network: ReconFusion's multistep sample, one step of repair, and its PixelNeRF.

Wu et al. 2024, "ReconFusion: 3D Reconstruction with Diffusion Priors".
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ....check import check_finite, check_shape
from ....errors import BadInput
from ....networks.view_diffusion.model import Condition, ViewDiffusion
from ....progress import unchecked
from ....render.feature_map import make_condition
from ....views.crop import crop_to_object
from ....views.views import Views

MOST_INPUTS = 8  # the network was trained on; of more the nearest count
STEPS = 10  # of DDIM, whatever the noise level
GUIDANCE = 1.5


@dataclass(frozen=True)
class RepairPrior:
    """One-step repair of renders, after Difix (Wu et al. 2025); the noise level does not count."""

    model: ViewDiffusion
    check: Callable[[], None] = unchecked

    @property
    def size(self) -> int:
        return self.model.config.side

    @torch.no_grad()
    def sample(
        self,
        renders: Tensor,
        cameras: Cameras,
        inputs: Views,
        noise_level: float,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """As in `networks.contracts.ViewPrior`."""
        check_call(self.size, renders, cameras, inputs, noise_level)
        condition = conditions(self.model, cameras, inputs)
        self.check()
        repaired = self.model.repair(renders.to(condition.map) * 2 - 1, condition)
        return ((repaired + 1) / 2).clamp(0, 1).to(renders)


@dataclass(frozen=True)
class PixelNerfPrior:
    """The network's own PixelNeRF (Yu et al. 2021) rendered at the camera: neither renders nor noise level count.

    It costs one render of the feature map where samples cost that and ten steps.
    """

    model: ViewDiffusion
    check: Callable[[], None] = unchecked

    @property
    def size(self) -> int:
        return self.model.config.side

    @torch.no_grad()
    def sample(
        self,
        renders: Tensor,
        cameras: Cameras,
        inputs: Views,
        noise_level: float,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """As in `networks.contracts.ViewPrior`."""
        check_call(self.size, renders, cameras, inputs, noise_level)
        condition = conditions(self.model, cameras, inputs)
        self.check()
        color = F.interpolate(condition.map[:, :3], (self.size, self.size), mode="bilinear")
        return ((color + 1) / 2).clamp(0, 1).to(renders)


@dataclass(frozen=True)
class DiffusionPrior:
    """The render, noised to a level and denoised in `STEPS` steps of DDIM (Wu et al. 2024, section 3.3).

    `guidance` is that of classifier-free guidance: 1 = the conditional prediction.
    """

    model: ViewDiffusion
    guidance: float = GUIDANCE
    steps: int = STEPS
    check: Callable[[], None] = unchecked

    @property
    def size(self) -> int:
        return self.model.config.side

    @torch.no_grad()
    def sample(
        self,
        renders: Tensor,
        cameras: Cameras,
        inputs: Views,
        noise_level: float,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """As in `networks.contracts.ViewPrior`. `generator` is on the CPU, so that a seed is the same everywhere."""
        check_call(self.size, renders, cameras, inputs, noise_level)
        condition = conditions(self.model, cameras, inputs)
        scheduler, times = self._schedule(noise_level, condition.map.device)
        clean = renders.to(condition.map) * 2 - 1
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        noisy = self.model.noised(clean, noise, times[:1].expand(len(clean)))
        for t in times:
            self.check()
            clean = self.denoised(noisy, t.expand(len(noisy)), condition)
            noisy = scheduler.step(clean, t, noisy).prev_sample
        return ((clean + 1) / 2).to(renders)

    @torch.no_grad()
    def predict(
        self, renders: Tensor, cameras: Cameras, inputs: Views, noise_level: float, generator: torch.Generator
    ) -> tuple[Tensor, float]:
        """One step's clean pictures [B,3,S,S] 0-1 of noised renders, and the part of their power that was the render's.

        For score distillation; arguments as of `sample`.
        """
        check_call(self.size, renders, cameras, inputs, noise_level)
        condition = conditions(self.model, cameras, inputs)
        clean = renders.to(condition.map) * 2 - 1
        last = self.model.config.train_steps - 1
        t = torch.full((len(clean),), round(noise_level * last), device=clean.device)
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        predicted = self.denoised(self.model.noised(clean, noise, t), t, condition)
        return ((predicted + 1) / 2).to(renders), float(self.model.power[t[0]])

    def denoised(self, noisy: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The guided prediction of the clean picture, [B,3,S,S] in -1..1 (Ho and Salimans 2022)."""
        clean = self.model.denoise(noisy, t, condition)
        if self.guidance != 1:
            free = self.model.denoise(noisy, t, condition.nothing())
            clean = free + self.guidance * (clean - free)
        return clean.clamp(-1, 1)

    def _schedule(self, noise_level: float, device: torch.device) -> tuple:
        """Scheduler and the `steps` noise levels [steps] from about `noise_level` down.

        DDIM over all levels in steps / level steps, of which the last `steps` are taken.
        """
        scheduler, levels = self.model.scheduler(), self.model.config.train_steps
        count = levels if noise_level * levels <= self.steps else round(self.steps / noise_level)
        scheduler.set_timesteps(count, device)
        return scheduler, scheduler.timesteps[-self.steps :]


def conditions(model: ViewDiffusion, cameras: Cameras, inputs: Views) -> Condition:
    """Conditions of the target cameras from the nearest of the input views, on the model's device."""
    device = next(model.parameters()).device
    prepared, made = prepared_inputs(inputs, model.config.side, device), []
    cameras = cameras.to(device)
    encoded = model.encode(prepared)
    for i in range(len(cameras)):
        nearest = nearest_views(prepared.cameras, cameras[i], MOST_INPUTS)
        made.append(make_condition(model, encoded[nearest], cameras[i])[0])
    return Condition(torch.cat([one.map for one in made]), torch.cat([one.tokens for one in made]))


def prepared_inputs(inputs: Views, side: int, device: torch.device | str) -> Views:
    """Inputs as the network takes them: square crops around the object of side x side pixels, unless they are so."""
    if inputs.images.shape[-2:] != (side, side):
        inputs = crop_to_object(inputs, side)
    return Views(inputs.images.to(device), inputs.cameras.to(device), inputs.masks.to(device))


def nearest_views(cameras: Cameras, target: Cameras, count: int) -> Tensor:
    """Indices of up to `count` cameras that see the origin from the most similar sides, the nearest first."""
    cos = F.normalize(cameras.position, dim=-1) @ F.normalize(target.position[0], dim=0)
    return cos.argsort(descending=True, stable=True)[:count]


def check_call(size: int, renders: Tensor, cameras: Cameras, inputs: Views, noise_level: float) -> None:
    """Raise `BadInput` unless a prior can work with this."""
    check_shape("renders", renders, len(cameras), 3, size, size)
    check_finite("renders", renders)
    if (cameras.height, cameras.width) != (size, size):
        raise BadInput(f"Cameras of {cameras.width}x{cameras.height} px do not fit a prior of {size} px; resize them.")
    if not len(inputs):
        raise BadInput("The prior has no input view to go by; give it at least one.")
    if not 0 <= noise_level <= 1:
        raise BadInput(f"A noise level of {noise_level} is out of range; give 0 to 1.")
