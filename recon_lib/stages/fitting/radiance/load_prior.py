"""Priors of views by name: the embedded network or another of its kind, as repair, as diffusion, or its PixelNeRF."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ....errors import BadInput
from ....networks.contracts import ViewPrior
from ....progress import unchecked
from ....weights.registry import LoadedModel, load_model
from .view_priors import GUIDANCE, DiffusionPrior, PixelNerfPrior, RepairPrior

EMBEDDED_PRIOR = "view_diffusion_mini"
SYSTEM = "view-diffusion"
KINDS = ("repair", "diffusion", "pixelnerf")


def load_prior(
    name: str = "embedded",
    *,
    kind: str = "repair",
    guidance: float = GUIDANCE,
    folders: Sequence[Path] = (),
    check: Callable[[], None] = unchecked,
) -> ViewPrior:
    """Load a prior: "embedded", the name of a model in `folders`, or the path of a .safetensors file.

    kind: "repair" (one step), "diffusion" (DDIM with `guidance`) or "pixelnerf" (the render that both are given).
    Raises `BadInput` for models that are no priors.
    """
    return prior_of(load_model(EMBEDDED_PRIOR if name == "embedded" else name, folders), kind, guidance, check)


def prior_of(
    model: LoadedModel, kind: str = "repair", guidance: float = GUIDANCE, check: Callable[[], None] = unchecked
) -> ViewPrior:
    """The prior that a loaded model is. Raises `BadInput` for models that are no priors, and for unknown kinds."""
    if model.card.system != SYSTEM:
        raise BadInput(f"{model.card.name} is a {model.card.system} model, not a prior of views; choose another.")
    if kind not in KINDS:
        raise BadInput(f"There is no prior of kind {kind!r}; choose one of {', '.join(KINDS)}.")
    if kind == "diffusion":
        return DiffusionPrior(model.module, guidance, check=check)
    return RepairPrior(model.module, check) if kind == "repair" else PixelNerfPrior(model.module, check)
