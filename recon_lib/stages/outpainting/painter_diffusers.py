"""A local Stable Diffusion folder (1.5, 2, XL) as a painter, led by the surface's depth where a ControlNet is given.

Latent inpainting changes known pixels a little and knows no object mask; `stages.outpainting.outpaint` puts both right.
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...errors import BadInput
from ...progress import Progress
from ...render.fill import fill_nearest
from ...weights.inpainters import InpaintFolder
from .outpaint import PainterInput

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

log = logging.getLogger("recon3d")
BACKDROP = "isolated on a plain white background"  # said after every prompt: the object is found on white
UNWANTED = "shadow, scenery, text, frame"
FARTHEST = 0.15  # brightness of the surface's farthest point in the ControlNet's depth picture; nothing is black
USUAL_STEPS = 30
RENAMED_DTYPE = (0, 42)  # the first version of diffusers that we saw take `dtype`
STRIDE = 8  # pipelines take sides that are multiples of this


@dataclass(frozen=True)
class DiffusersPainter:
    """Paints with a folder of diffusers. It is read when it first paints, and waits in main memory between views."""

    folder: InpaintFolder
    control: InpaintFolder | None = None  # a ControlNet trained on depth pictures, near is bright
    device: torch.device | str = "cpu"
    dtype: torch.dtype | None = None  # None: half precision on CUDA, float32 elsewhere
    steps: int = USUAL_STEPS
    strength: float = 1.0  # 0-1: how little of the nearest seen colours is left where they stand in for the unseen
    guidance: float = 7.5  # how closely the prompt is followed
    control_scale: float = 0.7
    square: int | None = None  # pixels; None: what the model was trained on
    lora: str = ""  # a safetensors file of `stages.personalize`
    subject: str = ""  # said before every prompt: the words that it taught

    def __post_init__(self) -> None:
        if self.side % STRIDE or not 16 <= self.side <= 2048:
            raise BadInput(f"A square of {self.side} px cannot be painted; give a multiple of {STRIDE} up to 2048.")
        if not (self.steps >= 1 and 0 < self.strength <= 1 and int(self.steps * self.strength) >= 1):
            raise BadInput(f"{self.steps} steps at strength {self.strength} leave nothing to do; 30 and 1.0 are usual.")

    @property
    def name(self) -> str:
        """For logs and checkpoints."""
        return f"{self.folder.name} + {Path(self.lora).stem}" if self.lora else self.folder.name

    @property
    def side(self) -> int:
        """Pixels of the square that is painted."""
        return self.square or self.folder.side

    @property
    def bytes(self) -> int:
        """Of the files, for hosts that make room for the pipeline."""
        folders = [part.path for part in (self.folder, self.control) if part is not None]
        return sum(path.stat().st_size for folder in folders for path in folder.rglob("*.safetensors"))

    @cached_property
    def pipeline(self) -> "DiffusionPipeline":
        """The inpainting pipeline in main memory. Raises `BadInput` when the folder cannot be opened."""
        from diffusers import AutoPipelineForInpainting, ControlNetModel

        half = self.dtype is None and torch.device(self.device).type == "cuda"
        dtype = torch.float16 if half else self.dtype or torch.float32
        options = {dtype_argument(): dtype, "local_files_only": True, "use_safetensors": True}
        try:
            if self.control is None:
                pipeline = AutoPipelineForInpainting.from_pretrained(self.folder.path, **options)
            else:
                control = ControlNetModel.from_pretrained(self.control.path, **options)
                pipeline = AutoPipelineForInpainting.from_pretrained(self.folder.path, controlnet=control, **options)
            if self.lora:
                pipeline.load_lora_weights(self.lora)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BadInput(f"{self.name} cannot be opened for inpainting ({reason}); get the folder again.") from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def paint(
        self, inputs: PainterInput, *, prompt: str = "", seed: int = 0, progress: Progress
    ) -> tuple[Tensor, None]:
        """Picture [1,3,S,S] 0-1; where the object is in it, such models do not tell."""
        pipeline = self.pipeline
        total = max(int(self.steps * self.strength), 1)
        progress.start(f"Paint with {self.name}", total)

        def after_step(_pipeline: object, _step: int, _time: object, values: dict) -> dict:
            progress.step()
            return values

        options = {
            "prompt": ", ".join(part for part in (self.subject, prompt.strip(), BACKDROP) if part),
            "negative_prompt": UNWANTED,
            "image": _stand_in(inputs),
            "mask_image": inputs.masks,
            "height": self.side,
            "width": self.side,
            "strength": self.strength,
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "generator": torch.Generator().manual_seed(seed),
            "output_type": "pt",
            "callback_on_step_end": after_step,
        }
        if self.control is not None:
            options |= {"control_image": depth_hint(inputs), "controlnet_conditioning_scale": self.control_scale}
        try:
            with torch.random.fork_rng(devices=[]):  # some schedulers draw from the global generator
                torch.manual_seed(seed)
                found = pipeline.to(self.device)(**options)
        finally:
            pipeline.to("cpu")
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        if any(getattr(found, "nsfw_content_detected", None) or ()):
            raise BadInput(f"The safety checker of {self.name} held the picture back; try another seed or prompt.")
        return found.images.float().cpu().clamp(0, 1), None


def dtype_argument() -> str:
    """What `from_pretrained` calls the number type: diffusers renamed it, and warns of the name that it had before."""
    from diffusers import __version__

    return "dtype" if tuple(map(int, __version__.split(".")[:2])) >= RENAMED_DTYPE else "torch_dtype"


def depth_hint(inputs: PainterInput) -> Tensor:
    """The surface's depth as ControlNets know it, [1,3,S,S] 0-1: near is bright, no surface is black."""
    hit = inputs.depth > 0
    if not hit.any():
        return torch.zeros_like(inputs.images)
    inverse = torch.where(hit, 1 / inputs.depth.clamp_min(1e-6), 0.0)
    near, far = inverse[hit].max(), inverse[hit].min()
    bright = FARTHEST + (1 - FARTHEST) * (inverse - far) / (near - far).clamp_min(1e-6)
    return torch.where(hit, bright, 0.0).expand(-1, 3, -1, -1).contiguous()


def _stand_in(inputs: PainterInput) -> Tensor:
    """The picture with the nearest seen colours where there is something to paint, [1,3,S,S] 0-1."""
    seen, paint = inputs.seen[0, 0] > 0.5, inputs.masks > 0.5
    return torch.where(paint, fill_nearest(inputs.images[0], seen)[None], inputs.images)
