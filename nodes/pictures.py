"""Pictures that nodes show of what they made."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from ..recon_lib.meshes.mesh import Mesh

SIDE_PX = 192
ELEVATION = 15.0  # degrees


def mesh_picture(mesh: "Mesh", shading: str = "clay") -> Callable[[], torch.Tensor]:
    """A preview [3,S,S] of the mesh from the front, a little from above."""

    def draw() -> torch.Tensor:
        from ..recon_lib.render.mesh import turntable

        return turntable(mesh, 1, ELEVATION, size=SIDE_PX, shading=shading, supersample=1).images[0]

    return draw


def four_in_one(images: torch.Tensor) -> torch.Tensor:
    """Four pictures [4,3,H,W] as one [3,2H,2W]."""
    return torch.cat([torch.cat(list(pair), -1) for pair in (images[:2], images[2:])], -2)
