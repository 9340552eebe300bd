"""A Stable Diffusion painter learns one object from its views so far: DreamBooth with prior preservation, as a LoRA.

POP3D tunes the whole network (Ruiz et al., CVPR 2023, eq. 2); the low-rank weights (Hu et al., ICLR 2022) that its
authors name as a faster way train in minutes, and are a file of a few megabytes that other programs take too.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from ..files import check_output, written_whole
from ..memory import memory_told
from ..progress import Progress
from ..views import Views
from .painters_diffusers import BACKDROP, DiffusersPainter
from .window import Window

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

log = logging.getLogger("recon3d")
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]  # layers that get low-rank weights
ADAPTER = "recon3d"
TOKEN = "sks"  # the rare word that comes to mean this object


@dataclass(frozen=True)
class PersonalSettings:
    """How long and how freely it learns."""

    steps: int = 200
    rate: float = 1e-4
    rank: int = 8
    prior: float = 1.0  # weight of what the model knew of such objects before
    class_images: int = 8  # pictures of such objects that it paints first, to be held to


@dataclass(frozen=True)
class Lesson:
    """Pictures as the network knows them, with the words that belong to them."""

    latents: Tensor  # [N,4,s,s]
    words: dict  # of the network's call: embeddings, for XL sizes too


@memory_told("personalising the painter", "lower the painter's square or the rank")
def personalize(
    painter: DiffusersPainter,
    views: Views,
    target: Path | str,
    *,
    kind: str = "object",
    settings: PersonalSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> DiffusersPainter:
    """The painter, tuned to the object in `views`; its LoRA is written to `target` (.safetensors), whole or not at all.

    kind: what the object is, in a word or two. The tuned painter says the object's own word before every prompt; other
    programs say it as in "sks object". The painter that is given stays as it is; the new one starts afresh from the
    untuned model, also where it was tuned already.
    Raises `BadInput` for missing views, empty masks and settings out of range.
    """
    settings, progress = settings or PersonalSettings(), progress or Progress()
    target, started = check_output(target, (".safetensors",)), time.perf_counter()
    _check(views, settings)
    painter = replace(painter, lora="", subject="") if painter.lora else painter
    kind = kind.strip() or "object"
    subject = f"{TOKEN} {kind}"
    pipeline, unet = painter.pipeline, painter.pipeline.unet
    generator = torch.Generator().manual_seed(seed)
    progress.start("Personalise", settings.steps + settings.class_images)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            pipeline.to(painter.device)
            pictures = torch.cat([_on_white(views[i], painter.side) for i in range(len(views))])
            own = _lesson(pipeline, pictures, f"{subject}, {BACKDROP}")
            known = _prior(painter, f"{kind}, {BACKDROP}", settings, generator, progress)
            loss = _train(pipeline, own, known, settings, generator, progress)
            _write(pipeline, target)
    finally:
        if ADAPTER in getattr(unet, "peft_config", {}):
            unet.unload_lora()
        pipeline.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    log.info("personalised in %.1f s, loss %.4f, %s", time.perf_counter() - started, loss, target.name)
    return replace(painter, lora=str(target), subject=subject)


def _train(
    pipeline: "DiffusionPipeline",
    own: Lesson,
    known: Lesson | None,
    settings: PersonalSettings,
    generator: torch.Generator,
    progress: Progress,
) -> float:
    """Give the network low-rank weights and train them; returns the mean loss of the last tenth."""
    from diffusers import DDPMScheduler
    from diffusers.training_utils import cast_training_params
    from peft import LoraConfig

    unet, noiser = pipeline.unet, DDPMScheduler.from_config(pipeline.scheduler.config)
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=ATTENTION), ADAPTER)
    cast_training_params(unet, dtype=torch.float32)
    weights = [weight for weight in unet.parameters() if weight.requires_grad]
    optimizer, losses = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=1e-2), []
    mixed = {"device_type": unet.device.type, "dtype": torch.bfloat16, "enabled": unet.dtype != torch.float32}
    for _ in range(settings.steps):
        with torch.enable_grad(), torch.autocast(**mixed):
            loss = _loss(unet, noiser, own, generator)
            if known is not None:
                loss = loss + settings.prior * _loss(unet, noiser, known, generator)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
        progress.step()
    tail = max(len(losses) // 10, 1)
    return float(torch.stack(losses[-tail:]).mean())


def _loss(unet: torch.nn.Module, noiser: object, lesson: Lesson, generator: torch.Generator) -> Tensor:
    """The network's error on one picture of the lesson at a random noise level."""
    row = int(torch.randint(len(lesson.latents), (1,), generator=generator))
    clean = lesson.latents[row : row + 1]
    level = torch.randint(noiser.config.num_train_timesteps, (1,), generator=generator).to(clean.device)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    noisy = noiser.add_noise(clean, noise, level)
    shown = noisy
    if unet.config.in_channels == 9:  # made for inpainting: told to paint everything
        shown = torch.cat([noisy, torch.ones_like(noisy[:, :1]), torch.zeros_like(noisy)], 1)
    answer = unet(shown, level, **lesson.words).sample
    wanted = noise if noiser.config.prediction_type == "epsilon" else noiser.get_velocity(clean, noise, level)
    return F.mse_loss(answer.float(), wanted.float())


def _prior(
    painter: DiffusersPainter,
    prompt: str,
    settings: PersonalSettings,
    generator: torch.Generator,
    progress: Progress,
) -> Lesson | None:
    """What the untuned painter paints when asked for such an object."""
    if not (settings.prior and settings.class_images):
        return None
    side, painted = painter.side, []
    for _ in range(settings.class_images):
        options = {"height": side, "width": side, "num_inference_steps": painter.steps, "output_type": "pt"}
        blank = {"image": torch.ones(1, 3, side, side), "mask_image": torch.ones(1, 1, side, side)}
        if painter.control is not None:
            blank |= {"control_image": torch.zeros(1, 3, side, side), "controlnet_conditioning_scale": 0.0}
        found = painter.pipeline(prompt, **blank, **options, strength=1.0, generator=generator)
        painted.append(found.images.float().cpu())
        progress.step()
    return _lesson(painter.pipeline, torch.cat(painted), prompt)


@torch.no_grad()
def _lesson(pipeline: "DiffusionPipeline", pictures: Tensor, prompt: str) -> Lesson:
    """pictures [N,3,S,S] 0-1 with their words."""
    vae, unet, device = pipeline.vae, pipeline.unet, pipeline.unet.device
    latents = [vae.encode(2 * one[None].to(device, vae.dtype) - 1).latent_dist.mode() for one in pictures]
    latents = torch.cat(latents) * vae.config.scaling_factor
    told = {"prompt": prompt, "device": device, "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    words = pipeline.encode_prompt(**told)
    call = {"encoder_hidden_states": words[0].to(unet.dtype)}
    if getattr(pipeline, "text_encoder_2", None) is not None:
        side = pictures.shape[-1]
        sizes = torch.tensor([[side, side, 0, 0, side, side]], device=device, dtype=unet.dtype)
        call["added_cond_kwargs"] = {"text_embeds": words[2].to(unet.dtype), "time_ids": sizes}
    return Lesson(latents.to(unet.dtype), call)


def _write(pipeline: "DiffusionPipeline", target: Path) -> None:
    """The LoRA in the form that diffusers writes and ComfyUI's Load LoRA reads."""
    from peft import get_peft_model_state_dict

    layers = get_peft_model_state_dict(pipeline.unet, adapter_name=ADAPTER)
    layers = {key: value.detach().float().cpu() for key, value in layers.items()}
    with written_whole(target) as beside:
        type(pipeline).save_lora_weights(beside.parent, unet_lora_layers=layers, weight_name=beside.name)


def _on_white(view: Views, side: int) -> Tensor:
    """One view as a painter sees it, without its surroundings, [1,3,side,side]."""
    window = Window.around(view.masks[0, 0])
    colors, share = window.look_masked(view.images, view.masks, side)
    return colors * share + 1 - share


def _check(views: Views, settings: PersonalSettings) -> None:
    if not len(views) or not (views.masks > 0.5).flatten(1).any(1).all():
        raise BadInput("There is no view of the object to learn from, or one with an empty mask; connect marked views.")
    if not (settings.steps >= 1 and settings.rank >= 1 and settings.rate > 0 and settings.prior >= 0):
        raise BadInput("Personalising needs at least one step, rank 1, a rate above 0 and a prior weight of 0 or more.")
