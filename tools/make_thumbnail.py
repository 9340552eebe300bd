"""Draws a workflow's thumbnail from its own stages: python tools/make_thumbnail.py [photo]

Four pictures: the photo, what was segmented, the visible surface, the textured result.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recon_lib.geometry.camera import Cameras  # noqa: E402
from recon_lib.render.mesh import render_mesh  # noqa: E402
from recon_lib.render.pictures import mask_picture  # noqa: E402
from recon_lib.render.points import render_points  # noqa: E402
from recon_lib.stages.photo import load_photo, save_image  # noqa: E402
from recon_lib.systems.zeroshape_w import reconstruct  # noqa: E402
from recon_lib.weights.registry import load_model  # noqa: E402

SIDE = 320  # pixels of each picture


def square(image: torch.Tensor) -> torch.Tensor:
    """The middle of [1,3,H,W] at SIDE x SIDE."""
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = image[..., top : top + side, left : left + side]
    return F.interpolate(cut, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def main() -> None:
    photo = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets" / "photos" / "coffee_cup.jpg"
    image = load_photo(photo).image
    found = reconstruct(image, load_model("zeroshape_w_mini"))
    aside = Cameras.orbit(35.0, 20.0, 4.0, 34.0, SIDE, SIDE)
    tiles = [
        square(image),
        square(mask_picture(image, found.surface.views.masks, found.surface.occluder)),
        render_points(found.surface.points, found.surface.colors, aside),
        render_mesh(found.mesh, aside).images,
    ]
    rows = [torch.cat(tiles[i : i + 2], -1) for i in (0, 2)]
    save_image(torch.cat(rows, -2)[0], ROOT / "workflows" / "zeroshape_w.jpg")


if __name__ == "__main__":
    main()
