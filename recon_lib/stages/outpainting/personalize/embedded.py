"""Fine-tuning of the embedded outpainter on one object's views, in seconds.

As with Stable Diffusion (`stable_diffusion.py`), prior preservation (Ruiz et al., CVPR 2023, eq. 2) keeps what the
network knew: before training it paints the same outpaint masks in objects of other colours, and trains on these too.
"""

import copy
import logging
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ....networks.outpainter import Outpainter
from ....progress import Progress
from ....views.views import Views
from ....weights.lora_files import write_lora
from ..diffusion_loss import Batch, DiffusionLoss, condition_and_target, mirrored, noise_levels
from ..painter_embedded import EmbeddedPainter
from .samples import other_objects, view_samples
from .settings import PersonalSettings

log = logging.getLogger("recon3d")
LAYERS = ["conv1", "conv2", "to_q", "to_k", "to_v", "to_out.0"]  # convolutions and attention, with low-rank weights
ADAPTER = "recon3d"
SAMPLES = 32  # training samples made of the views
BATCH, PRIOR_BATCH = 4, 2  # samples a step: of this object, of others
PRIOR_EVERY = 2  # steps between those with a prior loss, which is weighted by as much; saves a third of the time

Pairs = tuple[Tensor, Tensor]  # conditions [N,9,S,S], and the pictures to be painted [N,4,S,S] in -1..1


def personalize(
    painter: EmbeddedPainter,
    views: Views,
    target: Path,
    *,
    kind: str,
    settings: PersonalSettings,
    seed: int,
    progress: Progress,
) -> EmbeddedPainter:
    """See `painter.personalize`, which checks the inputs. `kind` is only stored in the file: there is no prompt."""
    started = time.perf_counter()
    untuned = painter.model.module
    side, device = untuned.config.side, torch.device(painter.device)  # its own square, where it is best
    generator = torch.Generator().manual_seed(seed)
    progress.start("Personalise", settings.steps)
    batch = view_samples(views, side, SAMPLES, seed, progress.check)
    with torch.inference_mode(False):
        network = copy.deepcopy(untuned).to(device)
    own = condition_and_target(batch)
    others = _prior(network, batch, painter.steps, settings, generator, progress)
    loss = _train(network, own, others, settings, seed, generator, progress)
    write_lora(_factors(network), target, kind)
    log.info("personalised in %.1f s, loss %.4f, %s", time.perf_counter() - started, loss, target.name)
    tuned = replace(painter, lora=str(target))
    _ = tuned.module  # loads the file: later changes to it do not matter
    return tuned


def _prior(
    network: Outpainter,
    batch: Batch,
    steps: int | None,
    settings: PersonalSettings,
    generator: torch.Generator,
    progress: Progress,
) -> Pairs | None:
    """Prior samples: pictures of the untuned network for mirrored objects of other colours."""
    if not settings.prior_images:
        return None
    few = {name: value[: settings.prior_images] for name, value in batch.items()}
    condition, _ = condition_and_target(mirrored(other_objects(few, generator)))
    painted = network.sample(condition.to(network.power.device), generator, steps, progress.check)
    return condition, painted.cpu()


def _train(
    network: Outpainter,
    own: Pairs,
    others: Pairs | None,
    settings: PersonalSettings,
    seed: int,
    generator: torch.Generator,
    progress: Progress,
) -> float:
    """Add low-rank weights to the network and train them. -> mean loss on this object in the last tenth."""
    from peft import LoraConfig, inject_adapter_in_model

    network.requires_grad_(False)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=LAYERS)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network.unet, ADAPTER)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, settings.steps)
    terms, losses = DiffusionLoss(network), []
    for number in range(settings.steps):
        with torch.enable_grad():
            loss = _loss(terms, own, BATCH, generator)
            losses.append(loss.detach())
            if others is not None and number % PRIOR_EVERY == 0:
                loss = loss + PRIOR_EVERY * settings.prior * _loss(terms, others, PRIOR_BATCH, generator)
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        progress.step()
    tail = max(len(losses) // 10, 1)
    return float(torch.stack(losses[-tail:]).mean())


def _loss(terms: DiffusionLoss, pairs: Pairs, count: int, generator: torch.Generator) -> Tensor:
    """Diffusion loss on `count` random samples at random noise levels."""
    network = terms.network
    rows = torch.randint(len(pairs[0]), (count,), generator=generator)
    condition, clean = (part[rows].to(network.power.device) for part in pairs)
    levels = noise_levels(count, network.config.train_steps, generator).to(condition.device)
    noise = torch.randn(clean.shape, generator=generator).to(condition)
    return sum(terms(condition, clean, noise, levels).values())


def _factors(network: Outpainter) -> dict[str, Tensor]:
    """Low-rank weights by peft's names, as `networks.low_rank` reads them."""
    from peft import get_peft_model_state_dict

    factors = get_peft_model_state_dict(network.unet, adapter_name=ADAPTER)
    return {f"unet.{key}": value for key, value in factors.items()}
