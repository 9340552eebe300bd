"""Search for outpainters: networks of this pack, and inpainting pipelines in diffusers folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from .card import ModelCard
from .pipelines import json_object, model_folders_below
from .registry import find_models

SYSTEM = "outpainter"  # on cards
PIPELINES = {  # diffusers' classes that its inpainting pipelines can be made of -> side that they were trained on
    "StableDiffusionPipeline": 512,
    "StableDiffusionInpaintPipeline": 512,
    "StableDiffusionXLPipeline": 1024,
    "StableDiffusionXLInpaintPipeline": 1024,
}


@dataclass(frozen=True)
class InpaintFolder:
    """A folder that `stages.outpainting.painter_diffusers` can open."""

    name: str  # path below the folder that was searched
    path: Path
    kind: str  # diffusers' class: of the pipeline, or ControlNetModel
    side: int  # pixels, usual; 0 for a ControlNet


def find_outpainters(folders: Sequence[Path] = ()) -> list[ModelCard]:
    """Cards of this pack's outpainters, embedded ones first."""
    return [card for card in find_models(folders) if card.system == SYSTEM]


def locate_outpainter(name: str | None, folders: Sequence[Path] = ()) -> str:
    """What `load_model` should open: `name`, or the first outpainter there is. `BadInput` when there is none."""
    if name:
        return name
    cards = find_outpainters(folders)
    if not cards:
        raise BadInput(
            "No outpainter is embedded in this copy; put an inpainting pipeline's folder into models/diffusers, or "
            "outpainter_mini.safetensors with its card into models/recon3d."
        )
    return cards[0].name


def find_inpaint_folders(folders: Sequence[Path]) -> list[InpaintFolder]:
    """Stable Diffusion pipelines (1.5, 2, XL; made for inpainting or not) below `folders`, by name."""
    return _search(folders, "model_index.json", PIPELINES)


def find_depth_controls(folders: Sequence[Path]) -> list[InpaintFolder]:
    """ControlNets below `folders`, by name; their files do not say which were trained on depth."""
    return _search(folders, "config.json", {"ControlNetModel": 0})


def find_folder(name: str, known: Sequence[InpaintFolder]) -> InpaintFolder:
    """The one called `name`; `BadInput` with what there is otherwise."""
    for entry in known:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in known) or "none"
    raise BadInput(f"No diffusers folder '{name}' was found (there is: {names}); put it into models/diffusers.")


def _search(folders: Sequence[Path], description: str, kinds: dict[str, int]) -> list[InpaintFolder]:
    entries: dict[str, InpaintFolder] = {}
    for root in folders:
        for path in model_folders_below(Path(root)):
            kind = str(json_object(path / description).get("_class_name"))
            if kind in kinds:
                name = path.relative_to(root).as_posix()
                entries.setdefault(name, InpaintFolder(name, path, kind, kinds[kind]))
    return sorted(entries.values(), key=lambda entry: entry.name)
