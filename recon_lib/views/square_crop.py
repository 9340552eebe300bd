"""Square crops: networks take a small square around the object, users have pictures of any size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras

OBJECT_SHARE = 0.75  # the object's longer side over the crop's side: the middle of the range in training


@dataclass(frozen=True)
class SquareCrop:
    """A square region of a picture, in its pixels; it may extend beyond the picture."""

    left: int
    top: int
    side: int

    @classmethod
    def whole(cls, height: int, width: int) -> "SquareCrop":
        """Smallest square around the whole picture, centred."""
        side = max(height, width)
        return cls((width - side) // 2, (height - side) // 2, side)

    @classmethod
    def around(cls, mask: Tensor, share: float = OBJECT_SHARE) -> "SquareCrop":
        """Square in which the mask [H,W] (> 0.5 on the object, not empty) spans `share` of the side."""
        rows, columns = (mask > 0.5).any(1).nonzero(), (mask > 0.5).any(0).nonzero()
        top, bottom = int(rows.min()), int(rows.max()) + 1
        left, right = int(columns.min()), int(columns.max()) + 1
        side = max(round(max(bottom - top, right - left) / share), 8)
        return cls((left + right - side) // 2, (top + bottom - side) // 2, side)

    def crop(self, picture: Tensor, size: int) -> Tensor:
        """Crop of [1,C,H,W] at size x size pixels; the picture's border is repeated beyond it."""
        return F.interpolate(self._cut(picture, "replicate"), (size, size), mode="bilinear", antialias=True)

    def crop_masked(self, values: Tensor, mask: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Crop of values that exist only on a mask: means over the masked part of each pixel, and their coverage.

        values [1,C,H,W], mask [1,1,H,W] 0-1 -> [1,C,size,size] (0 where nothing is masked), [1,1,size,size].
        """
        coverage = self.crop_coverage(mask, size)
        summed = F.interpolate(self._cut(values * mask, "constant"), (size, size), mode="bilinear", antialias=True)
        return torch.where(coverage > 1e-3, summed / coverage.clamp_min(1e-3), 0.0), coverage

    def crop_coverage(self, mask: Tensor, size: int) -> Tensor:
        """Coverage of each pixel by the mask [1,1,H,W], [1,1,size,size] 0-1; 0 beyond the picture."""
        return F.interpolate(self._cut(mask, "constant"), (size, size), mode="bilinear", antialias=True)

    def paste(self, values: Tensor, height: int, width: int, beyond: float) -> Tensor:
        """Picture [1,C,height,width] with the crop's values [1,C,s,s], enlarged, and `beyond` outside the crop."""
        large = F.interpolate(values, (self.side, self.side), mode="bilinear", align_corners=False)
        picture = values.new_full((1, values.shape[1], height, width), beyond)
        y0, y1 = max(self.top, 0), min(self.top + self.side, height)
        x0, x1 = max(self.left, 0), min(self.left + self.side, width)
        picture[:, :, y0:y1, x0:x1] = large[:, :, y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        return picture

    def picture_intrinsics(
        self, intrinsics: Tensor, size: int, height: int, width: int, pixel_offset: float = 0.5
    ) -> Tensor:
        """Intrinsics [1,3,3] of the whole picture from those of the crop at size x size.

        `pixel_offset` is the coordinate of a pixel's centre in the network's convention (the pack's is 0.5).
        """
        shift = 0.5 - pixel_offset
        crop = Cameras(torch.eye(4)[None], intrinsics, size, size).cropped(-shift, -shift, size, size)
        return crop.resized(self.side, self.side).cropped(-self.left, -self.top, width, height).intrinsics

    def crop_intrinsics(self, intrinsics: Tensor, size: int, pixel_offset: float = 0.5) -> Tensor:
        """The inverse of `picture_intrinsics`."""
        shift = 0.5 - pixel_offset
        picture = Cameras(torch.eye(4)[None], intrinsics, self.side, self.side)
        crop = picture.cropped(self.left, self.top, self.side, self.side).resized(size, size)
        return crop.cropped(shift, shift, size, size).intrinsics

    def _cut(self, picture: Tensor, mode: str) -> Tensor:
        height, width = picture.shape[-2:]
        beyond = (
            max(-self.left, 0), max(self.left + self.side - width, 0),
            max(-self.top, 0), max(self.top + self.side - height, 0),
        )  # fmt: skip
        padded = F.pad(picture, beyond, mode=mode)
        y, x = max(self.top, 0), max(self.left, 0)
        return padded[:, :, y : y + self.side, x : x + self.side]
