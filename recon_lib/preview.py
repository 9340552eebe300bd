"""Contact sheets: labelled pictures of a whole run on one sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .check import check_shape
from .errors import BadInput

BACKGROUND_COLOR, TEXT_COLOR = (245, 245, 245), (40, 40, 40)  # sRGB bytes
GAP_PX, LABEL_PX = 6, 20  # between tiles; height of a label


@dataclass(frozen=True)
class Tile:
    """A picture with its label."""

    label: str
    image: Tensor  # [3,H,W] in 0-1


def sheet(tiles: Sequence[Tile], columns: int = 4, side: int = 256) -> Tensor:
    """Sheet [3,H,W] in 0-1 of tiles, row by row, each fitted into side x side pixels under its label."""
    import numpy as np
    from PIL import Image, ImageDraw

    if not tiles:
        raise BadInput("There is no picture to lay out; give at least one tile.")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = (side + GAP_PX) * columns + GAP_PX, (side + LABEL_PX + GAP_PX) * rows + GAP_PX
    canvas = Image.new("RGB", (width, height), BACKGROUND_COLOR)
    pen = ImageDraw.Draw(canvas)
    for index, tile in enumerate(tiles):
        left = GAP_PX + (index % columns) * (side + GAP_PX)
        top = GAP_PX + (index // columns) * (side + LABEL_PX + GAP_PX)
        pen.text((left + 2, top + 3), tile.label, fill=TEXT_COLOR)
        canvas.paste(Image.fromarray(_fitted(tile.image, side)), (left, top + LABEL_PX))
    return torch.from_numpy(np.array(canvas)).permute(2, 0, 1).float() / 255


def _fitted(image: Tensor, side: int):
    """The picture scaled into side x side with its aspect ratio, centred on white, as bytes [side,side,3]."""
    check_shape("image", image, 3, "H", "W")
    scale = side / max(image.shape[-2:])
    size = [max(1, round(n * scale)) for n in image.shape[-2:]]
    scaled = F.interpolate(image[None].float().cpu(), size, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    padded = F.pad(scaled, (left, side - size[1] - left, top, side - size[0] - top), value=1.0)
    return (padded.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
