"""A completed shape held to what its picture shows: free space, silhouette, and the surface that is seen.

A network answers at its own resolution and may contradict the picture; here the picture has the last word, pixel by
pixel, as in space carving (Kutulakos & Seitz 2000, "A Theory of Shape by Space Carving") and in the truncated signed
distances of depth fusion (Curless & Levoy 1996): outside before the seen surface and beyond the silhouette, inside
within a thin slab behind the seen surface, the network's answer elsewhere.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..cameras.camera import Cameras
from ..check import check_shape
from ..errors import BadInput
from .decoded import DecodedField

SLAB = 0.05  # world units behind the seen surface that are solid
MAX_STEP = 0.1  # world units of depth between neighbouring pixels of one surface
NO_EDGE = 1e4  # pixels
FEATURE_PIXELS = 1.5  # of the picture: the thinnest part that a silhouette shows


@dataclass(frozen=True)
class ObservedField:
    """`field` where the picture says nothing; its values' slope near the surface is taken on elsewhere.

    Signed distances are along the optical axis behind the seen surface, and across it to the silhouette's edge: 0 on
    the surface and linear around it, so that extraction interpolates.
    """

    field: DecodedField
    cameras: Cameras  # one
    depth: Tensor  # [1,1,H,W] z-depth of the seen surface, world units, 0 = not known
    edge: Tensor  # [1,1,H,W] pixels to the edge of what may hold the object, > 0 within
    slope: float  # of values, a world unit
    has_color: bool = False

    @classmethod
    def of(
        cls,
        field: DecodedField,
        cameras: Cameras,
        mask: Tensor,  # [1,1,H,W] > 0.5 where the object is seen
        occluder: Tensor,  # [1,1,H,W] > 0.5 where it may be hidden
        depth: Tensor | None = None,  # [1,1,H,W] of the seen surface, where it is known better than the field knows it
        slope: float = 10.0,
    ) -> "ObservedField":
        """The field held to a view. Raises `BadInput` for several cameras or maps of another size."""
        if len(cameras) != 1:
            raise BadInput(f"A field is held to one view at a time; {len(cameras)} cameras came.")
        size = (1, 1, cameras.height, cameras.width)
        depth = torch.zeros_like(mask) if depth is None else depth
        for name, values in (("mask", mask), ("occluder", occluder), ("depth", depth)):
            check_shape(name, values, *size)
        seen = without_flying_pixels(torch.where(mask > 0.5, depth, 0.0))
        edge = edge_distance((mask > 0.5) | (occluder > 0.5))
        return cls(field, cameras, seen, edge, slope)

    @property
    def bounds(self) -> Tensor:
        return self.field.bounds

    @property
    def module(self) -> nn.Module:
        """Whose weights answer; hosts move it between devices."""
        return self.field.module

    @property
    def min_feature_size(self) -> float:
        """World units: the field's, or where depth is known what the picture shows at the object's distance.

        A silhouette alone only cuts: it makes no part that the field has not.
        """
        if not self.has_depth:
            return self.field.min_feature_size
        distance, focal = float(self.cameras.position[0].norm()), float(self.cameras.intrinsics[0, 0, 0])
        return min(self.field.min_feature_size, SLAB, FEATURE_PIXELS * distance / focal)

    @property
    def detail(self) -> float:
        return self.field.detail

    @property
    def bumps(self) -> float:
        """World units, see `Field`: the network's; a known depth is finer than they are."""
        return 0.0 if self.has_depth else self.field.bumps

    @property
    def asked(self) -> int:
        return self.field.asked

    def interpolated(self, lower: Tensor, step: Tensor, cells: Tensor) -> "ObservedField":
        """See `InterpolableField`: what the network says; what the picture says stays as fine as it is."""
        return replace(self, field=self.field.interpolated(lower, step, cells))

    @cached_property
    def has_depth(self) -> bool:
        """Whether the seen surface is known anywhere."""
        return bool((self.depth > 0).any())

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N], > 0 inside, on the points' device."""
        values = self.field.inside(points)
        pixels, z = (x[0] for x in self.cameras.to(points.device).project(points))
        if self.has_depth:
            depth, known = seen_depth(self.depth.to(points.device), pixels)
            behind = self.slope * (z - depth)
            slab = torch.minimum(behind, self.slope * SLAB - behind)
            values = torch.where(known, torch.maximum(torch.minimum(values, behind), slab), values)
        across = self._edge_at(pixels) * z / self.cameras.intrinsics[0, 0, 0].to(z)
        return torch.where(z > 0, torch.minimum(values, self.slope * across), values)

    def observed(self, points: Tensor) -> Tensor:
        """Which of points [N,3] world lie on the seen surface or in the slab behind it, [N] bool."""
        pixels, z = (x[0] for x in self.cameras.to(points.device).project(points))
        depth, known = seen_depth(self.depth.to(points.device), pixels)
        return known & ((z - depth).abs() < 1.5 * SLAB)

    def _edge_at(self, pixels: Tensor) -> Tensor:
        """Pixels to the silhouette's edge [N] at pixels [N,2]; infinite beyond the picture: nothing is known there."""
        height, width = self.edge.shape[-2:]
        size = pixels.new_tensor([width, height])
        grid = pixels / size * 2 - 1
        edge = F.grid_sample(self.edge.to(pixels), grid[None, None], padding_mode="border", align_corners=False)
        framed = ((pixels >= 0) & (pixels < size)).all(-1)
        return torch.where(framed, edge[0, 0, 0], torch.inf)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """The network predicts no colour."""
        return self.field.color(points, directions)


def seen_depth(depth: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Depth [N] at positions [N,2] of a map [1,1,H,W], and where it is known [N].

    Bilinear between those of the four neighbours that lie on the surface of the nearest: edges stay sharp.
    """
    corner = (pixels - 0.5).floor()
    share = pixels - 0.5 - corner
    total, weights = pixels.new_zeros(2, len(pixels))
    nearest, known = _depth_at(depth, pixels.floor())
    for right in (0, 1):
        for down in (0, 1):
            value, fine = _depth_at(depth, corner + pixels.new_tensor([right, down]))
            weight = (share[:, 0] - (1 - right)).abs() * (share[:, 1] - (1 - down)).abs()
            weight = weight * (fine & ((value - nearest).abs() < MAX_STEP))
            total, weights = total + weight * value, weights + weight
    return torch.where(known, total / weights.clamp_min(1e-6), 0.0), known


def _depth_at(depth: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Values [N] of whole pixels [N,2] (x,y), and whether each lies in the picture and has one."""
    height, width = depth.shape[-2:]
    column, row = pixels.clamp(-1, max(height, width)).long().unbind(-1)
    framed = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    value = depth[0, 0][row.clamp(0, height - 1), column.clamp(0, width - 1)]
    return value, framed & (value > 0)


def without_flying_pixels(depth: Tensor) -> Tensor:
    """Depth [1,1,H,W] without the values that hang between two surfaces, as blurred depth has them at edges."""
    known = depth > 0
    farthest = F.max_pool2d(depth, 3, 1, 1)
    nearest = -F.max_pool2d(-torch.where(known, depth, torch.inf), 3, 1, 1)
    flies = (farthest - depth > MAX_STEP / 2) & (depth - nearest > MAX_STEP / 2) & (farthest - nearest > 2 * MAX_STEP)
    return torch.where(known & ~flies, depth, 0.0)


def edge_distance(region: Tensor) -> Tensor:
    """Signed distance in pixels [1,1,H,W] from pixel centres to the edge of a region [1,1,H,W] bool, > 0 within.

    The picture's border is no edge: what lies beyond it is not known. A region that fills the picture has no edge.
    """
    import numpy as np
    from scipy.ndimage import distance_transform_edt

    inside = region[0, 0].cpu().numpy()
    if inside.all():
        return torch.full(region.shape, NO_EDGE)
    if not inside.any():
        raise BadInput("The object's mask is empty; white (1) must mark the object.")
    within, beyond = (np.asarray(distance_transform_edt(part)) - 0.5 for part in (inside, ~inside))
    return torch.from_numpy(np.where(inside, within, -beyond)).float()[None, None].to(region.device)
