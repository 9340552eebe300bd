"""Painter from a local Stable Diffusion folder (1.5, 2, XL), guided by the surface's depth where a ControlNet is given.

Latent inpainting changes seen pixels a little and yields no object mask; `stages.outpainting.outpaint` corrects both.
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
PROMPT_SUFFIX = "isolated on a plain white background"  # ends every prompt: the object is segmented on white
NEGATIVE_PROMPT = "shadow, scenery, text, frame"
FAR_BRIGHTNESS = 0.15  # of the surface's farthest point in the ControlNet's depth picture; no surface is 0
USUAL_STEPS = 30
RENAMED_DTYPE = (0, 42)  # the first version of diffusers that we saw accept `dtype`
STRIDE = 8  # pipelines accept sides that are multiples of this


@dataclass(frozen=True)
class DiffusersPainter:
    """Painter from a diffusers folder, which is read on first use and stays in main memory between views."""

    folder: InpaintFolder
    control: InpaintFolder | None = None  # a ControlNet trained on depth pictures, bright = near
    device: torch.device | str = "cpu"
    dtype: torch.dtype | None = None  # None: half precision on CUDA, float32 elsewhere
    steps: int = USUAL_STEPS
    strength: float = 1.0  # 0-1 of inpainting: 1 starts from noise, less keeps some of the nearest seen colours
    guidance: float = 7.5  # classifier-free guidance scale
    control_scale: float = 0.7
    square: int | None = None  # pixels; None: what the model was trained on
    lora: str = ""  # a safetensors file of `stages.personalize`
    subject: str = ""  # begins every prompt: the words that the LoRA was trained with

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
        """Size of the files, bytes, for hosts that reserve memory for the pipeline."""
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
        """Picture [1,3,S,S] 0-1; such models yield no alpha."""
        pipeline = self.pipeline
        total = max(int(self.steps * self.strength), 1)
        progress.start(f"Paint with {self.name}", total)

        def after_step(_pipeline: object, _step: int, _time: object, values: dict) -> dict:
            progress.step()
            return values

        options = {
            "prompt": ", ".join(part for part in (self.subject, prompt.strip(), PROMPT_SUFFIX) if part),
            "negative_prompt": NEGATIVE_PROMPT,
            "image": _initial_image(inputs),
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
            options |= {"control_image": control_image(inputs), "controlnet_conditioning_scale": self.control_scale}
        try:
            with torch.random.fork_rng(devices=[]):  # some schedulers draw from the global generator
                torch.manual_seed(seed)
                output = pipeline.to(self.device)(**options)
        finally:
            pipeline.to("cpu")
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise BadInput(f"The safety checker of {self.name} held the picture back; try another seed or prompt.")
        return output.images.float().cpu().clamp(0, 1), None


def dtype_argument() -> str:
    """Name of `from_pretrained`'s dtype argument: diffusers renamed it, and warns of the former name."""
    from diffusers import __version__

    return "dtype" if tuple(map(int, __version__.split(".")[:2])) >= RENAMED_DTYPE else "torch_dtype"


def control_image(inputs: PainterInput) -> Tensor:
    """Inverse depth of the surface for a ControlNet, [1,3,S,S] 0-1: near is bright, no surface is black."""
    hit = inputs.depth > 0
    if not hit.any():
        return torch.zeros_like(inputs.images)
    inverse = torch.where(hit, 1 / inputs.depth.clamp_min(1e-6), 0.0)
    near, far = inverse[hit].max(), inverse[hit].min()
    brightness = FAR_BRIGHTNESS + (1 - FAR_BRIGHTNESS) * (inverse - far) / (near - far).clamp_min(1e-6)
    return torch.where(hit, brightness, 0.0).expand(-1, 3, -1, -1).contiguous()


def _initial_image(inputs: PainterInput) -> Tensor:
    """The picture with the nearest seen colours where the mask is 1, [1,3,S,S] 0-1."""
    seen, paint = inputs.seen[0, 0] > 0.5, inputs.masks > 0.5
    return torch.where(paint, fill_nearest(inputs.images[0], seen)[None], inputs.images)
