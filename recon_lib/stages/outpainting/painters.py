"""Painters by name."""

from pathlib import Path

import torch

from ...errors import BadInput
from ...weights.inpainters import find_inpaint_folders
from .outpaint import Painter
from .painter_diffusers import DiffusersPainter
from .painter_embedded import load_embedded_painter
from .painter_plain import PlainPainter


def load_painter(name: str, device: torch.device | str = "cpu") -> Painter:
    """ "plain" (the nearest seen colours), "embedded" (the pack's model), or a Stable Diffusion 1.5, 2 or XL folder.

    Raises `BadInput` for a folder that holds no such pipeline.
    """
    if name == "plain":
        return PlainPainter()
    if name == "embedded":
        return load_embedded_painter(device=device)
    path = Path(name).resolve()
    folder = next((f for f in find_inpaint_folders([path.parent]) if f.path.resolve() == path), None)
    if folder is None:
        raise BadInput(f"{name} holds no pipeline that can paint; give a Stable Diffusion 1.5, 2 or XL folder.")
    return DiffusersPainter(folder, device=device)
