"""One door for all painters that can learn."""

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
KIND = "object"  # what it is when nobody says


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
    """The painter, tuned to the object in `views`; its LoRA is written to `target` (.safetensors), whole or not at all.

    kind: what the object is, in a word or two, for painters that read: before every prompt the tuned one says the
    object's own word, as in "sks object", and so do other programs that load the file. The embedded painter reads
    nothing, and learns from the views' depth and normals too (see `embedded`). settings: None is `usual_settings`.
    The painter that is given stays as it is; the new one starts afresh from the untuned model, also where it was tuned
    already. The same seed gives the same file on one device.
    Raises `BadInput` for missing views, empty masks, settings out of range and painters without a network.
    """
    settings = settings or usual_settings(painter)
    target = check_output(target, (".safetensors",))
    check_training_views(views, settings)
    learn = embedded.personalize if isinstance(painter, EmbeddedPainter) else stable_diffusion.personalize
    given = {"settings": settings, "seed": seed, "progress": progress or Progress()}
    return learn(painter, views, target, kind=_kind(kind), **given)


def usual_settings(painter: Painter) -> PersonalSettings:
    """What suits this painter. Raises `BadInput` for one that cannot learn."""
    if isinstance(painter, EmbeddedPainter):
        return EMBEDDED
    if isinstance(painter, DiffusersPainter):
        return PersonalSettings()
    raise BadInput(
        f"The painter '{painter.name}' has nothing that could learn; personalise the embedded one or Stable Diffusion."
    )


def with_lora(painter: Painter, lora: Path | str) -> Tunable:
    """The painter as `personalize` returned it, from the file that it wrote; for diffusers another program's works too.

    Raises `BadInput` for a painter that cannot learn, a missing or damaged file, and for the embedded painter also when
    the file was made for another network; whether diffusers can use it shows when the painter first paints.
    """
    usual_settings(painter)
    subject = read_subject(Path(lora))
    if isinstance(painter, DiffusersPainter):
        return replace(painter, lora=str(lora), subject=subject)
    tuned = replace(painter, lora=str(lora))
    _ = tuned.module  # opens the file
    return tuned


def _kind(words: str) -> str:
    return words.strip() or KIND
