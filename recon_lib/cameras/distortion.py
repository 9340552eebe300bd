"""Lens distortion, and pictures without it: Brown's model, its rational form, and OpenCV's fisheye (equidistant).

A point at (x,y) = (X/Z, Y/Z) is seen where its distorted (x',y') says, r² = x² + y²:
Brown      (x',y') = (x,y) (1 + k1 r² + k2 r⁴ + k3 r⁶ + k4 r⁸) + (2 p1 x y + p2 (r² + 2x²), p1 (r² + 2y²) + 2 p2 x y)
rational   the same with the factor (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶)
fisheye    (x',y') = (x,y) (θ + k1 θ³ + k2 θ⁵ + k3 θ⁷ + k4 θ⁹) / r with θ = atan r
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS = 256  # of a picture that are looked up at a time
SMALLEST_SHIFT = 0.02  # pixels: pictures that distortion moves by less are left as they are


@dataclass(frozen=True)
class Distortion:
    """A lens model and its coefficients, without unit."""

    model: Literal["brown", "rational", "fisheye"]
    k: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    p: tuple[float, float] = (0.0, 0.0)

    def distort(self, points: Tensor) -> Tensor:
        """Where points [...,2] of the plane z = 1 are seen on that plane; NaN where the model folds over."""
        k1, k2, k3, k4, k5, k6 = self.k
        p1, p2 = self.p
        x, y = points.unbind(-1)
        square = x * x + y * y
        if self.model == "fisheye":
            r = square.sqrt().clamp_min(1e-12)
            angle = torch.atan(r)
            a = angle * angle
            factor = angle * (1 + a * (k1 + a * (k2 + a * (k3 + a * k4)))) / r
            slope = 1 + a * (3 * k1 + a * (5 * k2 + a * (7 * k3 + a * 9 * k4)))
        else:
            s = square
            last = (k4, 0.0, 0.0, 0.0) if self.model == "brown" else (0.0, k4, k5, k6)
            above = 1 + s * (k1 + s * (k2 + s * (k3 + s * last[0])))
            below = 1 + s * (last[1] + s * (last[2] + s * last[3]))
            factor = above / below
            grown = s * (2 * k1 + s * (4 * k2 + s * (6 * k3 + s * 8 * last[0])))
            slope = factor + grown / below - above * s * (2 * last[1] + s * (4 * last[2] + s * 6 * last[3])) / below**2
        seen = torch.stack([
            x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * factor + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ], -1)  # fmt: skip
        return torch.where((slope > 0)[..., None], seen, torch.nan)


def undistorted(planes: Tensor, intrinsics: Tensor, distortion: Distortion, mode: str = "bilinear") -> Tensor:
    """Planes [C,H,W] as a pinhole camera of the same intrinsics [3,3] (pixels) sees them, and one more: 1 where the
    distorted picture shows it, else 0. mode: of `grid_sample`.

    Beyond the distorted picture its border is continued. Distortions below 0.02 pixels change nothing.
    """
    height, width = planes.shape[-2:]
    known = torch.ones(1, height, width)
    grid = [
        _lookup(intrinsics, distortion, width, range(top, min(top + ROWS, height))) for top in range(0, height, ROWS)
    ]
    shift = max(float(torch.nan_to_num(shifted, nan=1.0).max()) for _, shifted in grid)
    if shift < SMALLEST_SHIFT:
        return torch.cat([planes, known])
    bands = []
    for pixels, _ in grid:
        size = pixels.new_tensor([width, height])
        inside = ((pixels >= 0) & (pixels <= size)).all(-1)
        at = torch.nan_to_num(pixels, nan=-1.0) / size * 2 - 1
        found = F.grid_sample(planes[None].float(), at[None], mode=mode, padding_mode="border", align_corners=False)
        bands.append(torch.cat([found[0], inside[None].float()]))
    return torch.cat(bands, 1)


def _lookup(intrinsics: Tensor, distortion: Distortion, width: int, rows: range) -> tuple[Tensor, Tensor]:
    """For the pixels of some rows: where they are in the distorted picture [R,W,2], and how far that is [R,W]."""
    y, x = torch.meshgrid(torch.tensor(rows) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    pixels = torch.stack([x, y, torch.ones_like(x)], -1).double()
    matrix = intrinsics.double()
    points = distortion.distort((pixels @ torch.linalg.inv(matrix).mT)[..., :2])
    seen = (F.pad(points, (0, 1), value=1.0) @ matrix.mT)[..., :2]
    return seen.float(), (seen - pixels[..., :2]).norm(dim=-1).float()
