"""Sample loss: renders from random cameras are drawn toward what a prior of views makes of them (Wu et al. 2024, 3.3).

Score distillation (SDS; Poole et al. 2023, "DreamFusion", equation 3) is there for comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....networks.contracts import ViewPrior
from ....views.views import Views
from ....weights.perceptual import load_perceptual
from .novel_cameras import NovelCameras
from .view_priors import nearest_views, prepared_inputs

SEED_FACTOR = 1_000_003
SDS_LEVELS = (0.02, 0.98)  # range of noise levels, DreamFusion's


class DistillablePrior(ViewPrior, Protocol):
    """A prior that can be distilled from: it says what it takes the clean picture for."""

    def predict(
        self, renders: Tensor, cameras: Cameras, inputs: Views, noise_level: float, generator: torch.Generator | None
    ) -> tuple[Tensor, float]:
        """Clean pictures [B,3,S,S] 0-1 behind the noised renders, and the fraction of the power that was theirs."""
        ...


@dataclass(frozen=True)
class NovelViewSettings:
    """Settings of the sample loss."""

    path: str = "orbit"  # of the novel cameras: "orbit", "forward" or "free"
    conditions: int = 3  # input views that the prior goes by: the nearest
    keep: int = 12  # steps for which a camera and its sample are used again
    most_noise: float = 1.0  # t_max
    weights: tuple[float, float] = (1.0, 0.1)  # of the loss, at the first and at the last step; over the views' number
    perceptual: float = 1.0  # factor of the perceptual distance, beside the absolute difference's 1
    sds: bool = False  # score distillation in place of samples; needs a diffusion prior


@dataclass(frozen=True)
class _Sample:
    """What one camera's render should look like, and the step at which that was made."""

    step: int
    camera: Cameras
    picture: Tensor  # [1,3,S,S] sRGB 0-1


class NovelViews:
    """The sample loss of one fit. It depends on seed and step alone, and on the sample that is kept: see `state`."""

    def __init__(
        self, prior: ViewPrior, inputs: Views, settings: NovelViewSettings | None = None, seed: int = 0
    ) -> None:
        """Raises `BadInput` for empty inputs, an unknown path, and score distillation without a diffusion prior."""
        if not len(inputs):
            raise BadInput("The prior has no input view to go by; give it at least one.")
        self.prior, self.settings, self.seed = prior, settings or NovelViewSettings(), seed
        if self.settings.sds and not hasattr(prior, "predict"):
            raise BadInput("Score distillation needs a diffusion prior; choose one, or the sample loss.")
        self.cameras = NovelCameras.around(inputs, prior.size, self.settings.path)
        self.inputs = prepared_inputs(inputs, prior.size, "cpu")
        self._perceptual: nn.Module | None = None
        self._sample: _Sample | None = None

    def loss(self, render: Callable[[Cameras], Tensor], step: int, total: int) -> Tensor:
        """The loss at `step` of `total`; `render` gives [1,3,S,S] over white for one camera, with gradients."""
        done = step / max(total, 1)
        first, last = self.settings.weights
        weight = (first + (last - first) * done) / len(self.inputs)
        generator = torch.Generator().manual_seed((self.seed * SEED_FACTOR + step) % 2**63)
        if self.settings.sds:
            return weight * self._distillation_loss(render, generator)
        kept = self._sample
        if kept is not None and 0 <= step - kept.step < self.settings.keep:
            return weight * self._distance(render(kept.camera), kept.picture)
        camera = self.cameras.draw(generator)
        image = render(camera)
        level = self._noise_level(done, generator)
        picture = self.prior.sample(image.detach(), camera, self._nearest(camera), level, generator)
        self._sample = _Sample(step, camera, picture)
        return weight * self._distance(image, picture)

    def _noise_level(self, done: float, generator: torch.Generator) -> float:
        """t, uniform from t_min, which goes linearly from 1 to 0, to t_max."""
        least = min(1 - done, self.settings.most_noise)
        return least + (self.settings.most_noise - least) * float(torch.rand((), generator=generator))

    def _nearest(self, camera: Cameras) -> Views:
        return self.inputs[nearest_views(self.inputs.cameras, camera, self.settings.conditions)]

    def _distance(self, image: Tensor, picture: Tensor) -> Tensor:
        """Absolute difference and perceptual distance of a render from its sample."""
        loss = (image - picture).abs().mean()
        if self.settings.perceptual <= 0:
            return loss
        if self._perceptual is None:
            self._perceptual = load_perceptual()
        perceptual = self._perceptual.to(image.device)
        return loss + self.settings.perceptual * perceptual(image.clamp(0, 1), picture).mean()

    def _distillation_loss(self, render: Callable[[Cameras], Tensor], generator: torch.Generator) -> Tensor:
        """A loss whose gradient is that of score distillation.

        sigma^2 (noise predicted - noise) is sigma alpha (render - clean picture predicted), pictures in -1..1.
        """
        camera = self.cameras.draw(generator)
        image = render(camera)
        least, most = SDS_LEVELS
        level = least + (most - least) * float(torch.rand((), generator=generator))
        clean, power = cast(DistillablePrior, self.prior).predict(
            image.detach(), camera, self._nearest(camera), level, generator
        )
        factor = (power * (1 - power)) ** 0.5
        return 2 * factor * F.mse_loss(image, clean)

    # -- states -------------------------------------------------------------------------------------------

    def state(self) -> dict:
        """The kept sample, for a fit's checkpoint: tensors and plain values."""
        kept = self._sample
        if kept is None:
            return {}
        pose = {"camera_to_world": kept.camera.camera_to_world, "intrinsics": kept.camera.intrinsics}
        return {"step": kept.step, "picture": kept.picture, **pose}

    def load_state(self, state: dict) -> None:
        """Go back to a `state`."""
        if not state:
            self._sample = None
            return
        camera = Cameras(state["camera_to_world"], state["intrinsics"], self.prior.size, self.prior.size)
        self._sample = _Sample(int(state["step"]), camera, state["picture"])
