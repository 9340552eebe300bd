"""DreamBooth with prior preservation, as a LoRA: fine-tuning of a Stable Diffusion painter on one object's views.

POP3D tunes the whole network (Ruiz et al., CVPR 2023, eq. 2); the low-rank weights (Hu et al., ICLR 2022) that its
authors name as a faster way train in minutes, and are a file of a few megabytes that other programs read too.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ....progress import Progress
from ....views.square_crop import SquareCrop
from ....views.views import Views
from ....weights.lora_files import write_lora
from ..painter_diffusers import PROMPT_SUFFIX, DiffusersPainter
from .settings import PersonalSettings

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

log = logging.getLogger("recon3d")
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]  # layers that get low-rank weights
ADAPTER = "recon3d"
TOKEN = "sks"  # the rare word that stands for this object


@dataclass(frozen=True)
class TrainingSample:
    """Latents of N pictures, with the conditioning of their prompt."""

    latents: Tensor  # [N,4,s,s]
    condition: dict  # arguments of the network's call: embeddings, for XL also sizes


def personalize(
    painter: DiffusersPainter,
    views: Views,
    target: Path,
    *,
    kind: str,
    settings: PersonalSettings,
    seed: int,
    progress: Progress,
) -> DiffusersPainter:
    """See `painter.personalize`, which checks the inputs. The tuned painter's prompts have `kind` after `TOKEN`."""
    started = time.perf_counter()
    painter = replace(painter, lora="", subject="") if painter.lora else painter
    tuned = replace(painter, lora=str(target), subject=f"{TOKEN} {kind}")
    pipeline, unet = painter.pipeline, painter.pipeline.unet
    generator = torch.Generator().manual_seed(seed)
    progress.start("Personalise", settings.steps + settings.prior_images)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            pipeline.to(painter.device)
            pictures = torch.cat([_on_white(views[i], painter.side) for i in range(len(views))])
            own = _training_sample(pipeline, pictures, f"{tuned.subject}, {PROMPT_SUFFIX}")
            prior = _prior(painter, f"{kind}, {PROMPT_SUFFIX}", settings, generator, progress)
            loss = _train(pipeline, own, prior, settings, generator, progress)
            write_lora(_factors(unet), target, tuned.subject)
    finally:
        if ADAPTER in getattr(unet, "peft_config", {}):
            unet.unload_lora()
        pipeline.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    log.info("personalised in %.1f s, loss %.4f, %s", time.perf_counter() - started, loss, target.name)
    return tuned


def _train(
    pipeline: "DiffusionPipeline",
    own: TrainingSample,
    prior: TrainingSample | None,
    settings: PersonalSettings,
    generator: torch.Generator,
    progress: Progress,
) -> float:
    """Add low-rank weights to the network and train them. -> mean loss of the last tenth."""
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
            if prior is not None:
                loss = loss + settings.prior * _loss(unet, noiser, prior, generator)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
        progress.step()
    tail = max(len(losses) // 10, 1)
    return float(torch.stack(losses[-tail:]).mean())


def _loss(unet: Any, noiser: Any, sample: TrainingSample, generator: torch.Generator) -> Tensor:
    """Diffusion loss of one random picture at a random noise level."""
    row = int(torch.randint(len(sample.latents), (1,), generator=generator))
    clean = sample.latents[row : row + 1]
    level = torch.randint(noiser.config.num_train_timesteps, (1,), generator=generator).to(clean.device)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    noisy = noiser.add_noise(clean, noise, level)
    unet_input = noisy
    if unet.config.in_channels == 9:  # made for inpainting: the mask is everything
        unet_input = torch.cat([noisy, torch.ones_like(noisy[:, :1]), torch.zeros_like(noisy)], 1)
    predicted = unet(unet_input, level, **sample.condition).sample
    target = noise if noiser.config.prediction_type == "epsilon" else noiser.get_velocity(clean, noise, level)
    return F.mse_loss(predicted.float(), target.float())


def _prior(
    painter: DiffusersPainter,
    prompt: str,
    settings: PersonalSettings,
    generator: torch.Generator,
    progress: Progress,
) -> TrainingSample | None:
    """Prior samples: pictures of the untuned painter for the same kind of object."""
    if not settings.prior_images:
        return None
    side, painted = painter.side, []

    def after_step(_pipeline: object, _step: int, _time: object, values: dict) -> dict:
        progress.check()
        return values

    for _ in range(settings.prior_images):
        options = {"height": side, "width": side, "num_inference_steps": painter.steps, "output_type": "pt"}
        options["callback_on_step_end"] = after_step
        blank = {"image": torch.ones(1, 3, side, side), "mask_image": torch.ones(1, 1, side, side)}
        if painter.control is not None:
            blank |= {"control_image": torch.zeros(1, 3, side, side), "controlnet_conditioning_scale": 0.0}
        output = painter.pipeline(prompt, **blank, **options, strength=1.0, generator=generator)
        painted.append(output.images.float().cpu())
        progress.step()
    return _training_sample(painter.pipeline, torch.cat(painted), prompt)


@torch.no_grad()
def _training_sample(pipeline: "DiffusionPipeline", pictures: Tensor, prompt: str) -> TrainingSample:
    """Training sample of pictures [N,3,S,S] 0-1 and their prompt."""
    vae, unet, device = pipeline.vae, pipeline.unet, pipeline.unet.device
    latents = [vae.encode(2 * one[None].to(device, vae.dtype) - 1).latent_dist.mode() for one in pictures]
    latents = torch.cat(latents) * vae.config.scaling_factor
    arguments = {"prompt": prompt, "device": device, "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    embeddings = pipeline.encode_prompt(**arguments)
    condition = {"encoder_hidden_states": embeddings[0].to(unet.dtype)}
    if getattr(pipeline, "text_encoder_2", None) is not None:
        side = pictures.shape[-1]
        sizes = torch.tensor([[side, side, 0, 0, side, side]], device=device, dtype=unet.dtype)
        condition["added_cond_kwargs"] = {"text_embeds": embeddings[2].to(unet.dtype), "time_ids": sizes}
    return TrainingSample(latents.to(unet.dtype), condition)


def _factors(unet: torch.nn.Module) -> dict[str, Tensor]:
    """Low-rank weights by the names of kohya's trainer, which ComfyUI's Load LoRA and diffusers both read.

    ComfyUI does not know diffusers' own names.
    """
    from peft import get_peft_model_state_dict

    factors = {}
    for key, value in get_peft_model_state_dict(unet, adapter_name=ADAPTER).items():
        layer, half = key.rsplit(".lora_", 1)
        name = f"lora_unet_{layer.replace('.', '_')}"
        factors[f"{name}.lora_{'down' if half == 'A.weight' else 'up'}.weight"] = value
        if half == "A.weight":
            factors[f"{name}.alpha"] = torch.tensor(float(len(value)))  # as large as the rank: times 1
    return factors


def _on_white(view: Views, side: int) -> Tensor:
    """Square crop of one view's object on white, [1,3,side,side]."""
    crop = SquareCrop.around(view.masks[0, 0])
    colors, coverage = crop.crop_masked(view.images, view.masks, side)
    return colors * coverage + 1 - coverage
