"""Posed images: what stages pass to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ..cameras.camera import Cameras, one_row
from ..check import check_shape
from ..errors import BadInput
from ..provenance import Provenance


@dataclass(frozen=True)
class Views:
    """V posed images with masks and optional layers. Immutable: stages return new ones."""

    images: Tensor  # [V,3,H,W] float32 sRGB 0-1
    cameras: Cameras  # V cameras of H x W
    masks: Tensor  # [V,1,H,W] float32, 1 = object
    depth: Tensor | None = None  # [V,1,H,W] z-depth, 0 = no surface
    normals: Tensor | None = None  # [V,3,H,W] unit, camera frame (OpenCV axes), 0 = no surface
    provenance: Tensor | None = None  # [V,1,H,W] uint8 codes of `Provenance`; None: every masked pixel observed

    def __post_init__(self) -> None:
        check_shape("images", self.images, "V", 3, "H", "W")
        count, _, height, width = self.images.shape
        if (len(self.cameras), self.cameras.height, self.cameras.width) != (count, height, width):
            raise BadInput(
                f"{count} images of {width}x{height} do not fit {len(self.cameras)} cameras of "
                f"{self.cameras.width}x{self.cameras.height}; give one camera per image and the same size."
            )
        check_shape("masks", self.masks, count, 1, height, width)
        for name, channels in (("depth", 1), ("normals", 3), ("provenance", 1)):
            if getattr(self, name) is not None:
                check_shape(name, getattr(self, name), count, channels, height, width)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int | slice | Tensor) -> "Views":
        index = one_row(index, len(self)) if isinstance(index, int) else index
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        rows = {n: part[index] for n, part in parts.items() if isinstance(part, Tensor | Cameras)}
        return replace(self, **rows)

    @property
    def origin(self) -> tuple[float, float, float]:
        """What the cameras' coordinates count from (`Cameras.origin`)."""
        return self.cameras.origin

    @property
    def codes(self) -> Tensor:
        """Provenance [V,1,H,W] uint8; if there is none, every masked pixel is observed."""
        if self.provenance is not None:
            return self.provenance
        return torch.where(self.masks > 0.5, int(Provenance.OBSERVED), int(Provenance.NONE)).to(torch.uint8)

    @classmethod
    def cat(cls, views: Sequence["Views"]) -> "Views":
        """Concatenation of views of one image size. Depth and normals stay if all have them, provenance if one has."""
        if not views:
            raise BadInput("There is no view to join; connect at least one.")
        if len({v.origin for v in views}) != 1:
            raise BadInput("The views count from different origins; load them from one file.")
        cameras, layers = Cameras.cat([v.cameras for v in views]), {}
        has_provenance = any(v.provenance is not None for v in views)
        for name in ("images", "masks", "depth", "normals", "provenance"):
            parts = [v.codes if name == "provenance" and has_provenance else getattr(v, name) for v in views]
            layers[name] = None if any(p is None for p in parts) else torch.cat(parts)
        return cls(cameras=cameras, **layers)
