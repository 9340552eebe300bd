"""Personalization of any painter that can be fine-tuned."""

from dataclasses import replace
from pathlib import Path

from ....errors import BadInput
from ....files import check_output
from ....memory import explain_oom
from ....progress import Progress
from ....views.views import Views
from ....weights.lora_files import read_subject
from ..outpaint import Painter
from ..painter_diffusers import DiffusersPainter
from ..painter_embedded import EmbeddedPainter
from . import embedded, stable_diffusion
from .settings import EMBEDDED, PersonalSettings, check_training_views

Tunable = EmbeddedPainter | DiffusersPainter
KIND = "object"  # the default


@explain_oom("personalising the painter", "lower the painter's square or the rank")
def personalize(
    painter: Painter,
    views: Views,
    target: Path | str,
    *,
    kind: str = KIND,
    settings: PersonalSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tunable:
    """Painter fine-tuned on the object in `views`; its LoRA is written to `target` (.safetensors), whole or not at all.

    kind: what the object is, in a word or two, for painters that take a prompt: the tuned painter begins every prompt
    with the object's own word, as in "sks object", and so do other programs that load the file. The embedded painter
    takes none, and also trains on the views' depth and normals (see `embedded`). settings: None is `usual_settings`.
    `painter` itself does not change; the new one starts from the untuned model, even if `painter` was tuned already.
    The same seed gives the same file on one device.
    Raises `BadInput` for missing views, empty masks, settings out of range and painters without a network.
    """
    settings = settings or usual_settings(painter)
    target = check_output(target, (".safetensors",))
    check_training_views(views, settings)
    tune = embedded.personalize if isinstance(painter, EmbeddedPainter) else stable_diffusion.personalize
    options = {"settings": settings, "seed": seed, "progress": progress or Progress()}
    return tune(painter, views, target, kind=_kind(kind), **options)


def usual_settings(painter: Painter) -> PersonalSettings:
    """Default settings of this painter. Raises `BadInput` for one that cannot be fine-tuned."""
    if isinstance(painter, EmbeddedPainter):
        return EMBEDDED
    if isinstance(painter, DiffusersPainter):
        return PersonalSettings()
    raise BadInput(
        f"The painter '{painter.name}' has no network to train; personalise the embedded one or Stable Diffusion."
    )


def with_lora(painter: Painter, lora: Path | str) -> Tunable:
    """Painter with a LoRA file that `personalize` wrote; a Stable Diffusion painter also takes other programs' files.

    Raises `BadInput` for a painter that cannot be fine-tuned, a missing or damaged file, and for the embedded painter
    also when the file was made for another network; diffusers checks it when the painter first paints.
    """
    usual_settings(painter)
    subject = read_subject(Path(lora))
    if isinstance(painter, DiffusersPainter):
        return replace(painter, lora=str(lora), subject=subject)
    tuned = replace(painter, lora=str(lora))
    _ = tuned.module  # loads the file
    return tuned


def _kind(words: str) -> str:
    return words.strip() or KIND
