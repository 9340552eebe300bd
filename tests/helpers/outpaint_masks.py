"""An outpaint mask with a known answer: a disc, seen on its left, of which the hull allows a little more than there
is.
"""

import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.progress import Progress
from recon_lib.stages.outpainting.mask import UNKNOWN, OutpaintMask
from recon_lib.stages.outpainting.outpaint import PainterInput

HEIGHT, WIDTH = 96, 128
CENTRE, RADIUS, HULL = (70.0, 44.0), 26.0, 30.0  # x, y; pixels
DEPTH = 3.0


def distance() -> Tensor:
    """Pixels from the disc's centre, [1,1,H,W]."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    return torch.stack([x - CENTRE[0], y - CENTRE[1]]).norm(dim=0)[None, None]


def colors() -> Tensor:
    """The object's smooth colours, [1,3,H,W] 0-1, everywhere."""
    y, x = torch.meshgrid(torch.linspace(0, 1, HEIGHT), torch.linspace(0, 1, WIDTH), indexing="ij")
    return torch.stack([0.2 + 0.5 * x, 0.6 - 0.4 * y, 0.3 + 0.2 * x * y])[None]


def disc() -> Tensor:
    """The object, [1,1,H,W] bool."""
    return distance() < RADIUS


def truth() -> Tensor:
    """The object on white, [1,3,H,W]."""
    return torch.where(disc(), colors(), 1.0)


def disc_outpaint_mask() -> OutpaintMask:
    """Seen left of x = 64, to be painted right of it and within the hull."""
    left = (torch.arange(WIDTH) < 64).expand(1, 1, HEIGHT, WIDTH)
    hull = distance() < HULL
    seen = disc() & left
    paint = hull & ~left
    images = torch.where(seen, colors(), torch.where(paint, UNKNOWN, 1.0))
    normals = torch.tensor([0.0, 0.0, -1.0]).view(1, 3, 1, 1) * disc()
    cameras = Cameras.orbit(0.0, 0.0, 3.5, 40.0, HEIGHT, WIDTH)
    return OutpaintMask(cameras, paint.float(), seen.float(), hull.float(), images, DEPTH * disc().float(), normals)


class Stamp:
    """A painter that returns fixed pictures and remembers what it was asked."""

    side = 64

    def __init__(self, image: Tensor, alpha: Tensor | None = None) -> None:
        self.image, self.alpha, self.asked = image, alpha, []

    def paint(
        self, inputs: PainterInput, *, prompt: str, seed: int, progress: Progress
    ) -> tuple[Tensor, Tensor | None]:
        self.asked.append((inputs, prompt, seed))
        square = torch.ones(1, 1, self.side, self.side)
        return self.image * square, None if self.alpha is None else self.alpha * square
