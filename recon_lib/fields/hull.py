"""Visual hull: all points that project into every silhouette (Laurentini 1994, "The visual hull concept").

The silhouette distance of a point in a view is the distance of its pixel to the outline, plus a margin, times the size
of a pixel at the point's depth. The hull's value is the smallest over all views, so it is about a distance near the
surface and can be evaluated anywhere, without a grid. A view does not bound points outside its picture or behind its
camera.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..progress import unchecked
from ..views.views import Views

SOLID = 0.5  # mask value from which a pixel belongs to the object
SILHOUETTE_MARGIN_PX = 1.25  # least, in quarters, that keeps 0.99 of thin objects when 256 px masks lose their rim
DEPTH_SLACK = 0.02  # world units
BOUNDLESS = 1e6  # pixels: the distance to an outline if the picture shows none


@dataclass(frozen=True)
class HullField:
    """Visual hull as a field: the solid inside every dilated silhouette and the ball of `radius` around the origin."""

    silhouettes: Tensor  # [V,1,H,W] signed distance of pixel centres to the object's outline, pixels, > 0 inside
    cameras: Cameras  # V cameras of H x W
    margin: float = SILHOUETTE_MARGIN_PX  # pixels by which every silhouette is dilated, >= 0
    radius: float = 1.0  # world units
    nearest: Tensor | None = None  # [V,1,H,W] z-depth up to which space is empty in a view; 0 = not known
    has_color: bool = False

    @classmethod
    def of(
        cls,
        views: Views,
        margin: float = SILHOUETTE_MARGIN_PX,
        radius: float = 1.0,
        depth_slack: float | None = None,
        check: Callable[[], None] = unchecked,
    ) -> "HullField":
        """Visual hull of the masks of `views`; with `depth_slack` (world units) also of their depth, if they have it.

        Points further than the slack in front of the surface that a view saw are carved away too. Within the margin
        (at least a pixel) around a depth edge the nearer surface counts; a pixel without depth within it disables this.
        """
        nearest = None
        if depth_slack is not None and views.depth is not None:
            nearest = (_min_pooled(views.depth.float().cpu(), max(1, math.ceil(margin))) - depth_slack).relu()
        return cls(signed_distance(views.masks, check), views.cameras.to("cpu"), margin, radius, nearest)

    def to(self, device: torch.device | str) -> "HullField":
        """The same hull with its tensors on a device."""
        nearest = None if self.nearest is None else self.nearest.to(device)
        layers = {"silhouettes": self.silhouettes.to(device), "nearest": nearest}
        return replace(self, cameras=self.cameras.to(device), **layers)

    @property
    def bounds(self) -> Tensor:
        """Cube around the ball [2,3], world."""
        return self.radius * torch.tensor([[-1.0], [1.0]]).expand(2, 3)

    def inside(self, points: Tensor) -> Tensor:
        """Approximate distance [N] of points [N,3] world to the hull's surface, world units, > 0 inside."""
        check_shape("points", points, "N", 3)
        value = self.radius - points.norm(dim=-1)
        for view in range(len(self.cameras)):
            value = torch.minimum(value, self.silhouette_distance(view, points))
        return value

    def silhouette_distance(self, view: int, points: Tensor) -> Tensor:
        """Silhouette distance [N] of points [N,3] in one view, world units; infinity where the view bounds nothing."""
        pixels, depth = self.project(view, points)
        focal = float(self.cameras.intrinsics[view, [0, 1], [0, 1]].mean())
        value = (self.read(self.silhouettes, view, pixels) + self.margin) * (depth / focal)
        if self.nearest is not None:
            value = torch.minimum(value, depth - self.read(self.nearest, view, pixels))
        return torch.where((depth > 0) & self.framed(pixels), value, float("inf"))

    def project(self, view: int, points: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [N,2] and z-depth [N] of points [N,3] in one view; as `Cameras.project`, with one product."""
        matrix = (self.cameras.intrinsics[view] @ self.cameras.rotation[view].T).to(points)
        local = torch.addmm(-(matrix @ self.cameras.position[view].to(points)), points, matrix.T)
        depth = local[:, 2]
        return local[:, :2] / depth.clamp_min(1e-8)[:, None], depth

    def read(self, layer: Tensor, view: int, pixels: Tensor) -> Tensor:
        """Values [N] of `layer` [V,1,H,W] of one view, bilinear at pixels [N,2], clamped to the picture."""
        size = pixels.new_tensor([self.cameras.width, self.cameras.height])
        grid = (pixels * (2 / size) - 1)[None, None]
        image = layer[view : view + 1].to(pixels)
        return F.grid_sample(image, grid, padding_mode="border", align_corners=False)[0, 0, 0]

    def framed(self, pixels: Tensor, border: Tensor | float = 0.0) -> Tensor:
        """Mask [N] bool of the pixels [N,2] that are in the picture, at least `border` [N] from its edge."""
        x, y = pixels.unbind(-1)
        low, right, bottom = border, self.cameras.width - border, self.cameras.height - border
        return (x >= low) & (y >= low) & (x <= right) & (y <= bottom)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """A hull has no colour."""
        raise NotImplementedError("A visual hull has no colour; bake a texture from its views.")


def signed_distance(masks: Tensor, check: Callable[[], None] = unchecked) -> Tensor:
    """Signed distance [V,1,H,W] float32, pixels, of pixel centres to the outline of masks [V,1,H,W], > 0 inside.

    Soft masks are the coverage of each pixel by the object, so the outline is located between pixels: between an object
    pixel (above 0.5) of coverage c and a neighbour outside of coverage c', it is c + c' - 0.5 from the first one's
    centre, exact for edges along the pixels (after Gustavson & Strand 2011, "Anti-aliased Euclidean distance
    transform"). Elsewhere the Euclidean distance to the nearest such pixel is added.
    """
    import numpy as np
    from scipy.ndimage import distance_transform_edt

    check_shape("masks", masks, "V", 1, "H", "W")
    coverage = masks.float().cpu()
    solid = coverage > SOLID
    neighbour = _largest_neighbour(torch.where(solid, -1.0, coverage))
    rim = solid & (neighbour >= 0)
    offset = (coverage + neighbour - 0.5).clamp(0, 1)
    distance = torch.full_like(coverage, BOUNDLESS)
    indices = np.indices(coverage.shape[-2:], np.int32)
    for view in range(len(coverage)):
        check()
        if rim[view].any():
            nearest = distance_transform_edt(~rim[view, 0].numpy(), return_distances=False, return_indices=True)
            down, across = (nearest - indices).astype(np.float32)
            pixel_distance = torch.from_numpy(np.sqrt(down * down + across * across))
            pixel_offset = offset[view].flatten()[torch.from_numpy(nearest[0] * coverage.shape[-1] + nearest[1]).long()]
            distance[view, 0] = torch.where(
                solid[view, 0], pixel_distance + pixel_offset, pixel_distance - pixel_offset
            )
    return torch.where(solid, distance, -distance)


def _largest_neighbour(values: Tensor) -> Tensor:
    """Largest of the up to four neighbours of every pixel of [V,1,H,W]; -1 beyond the picture."""
    padded = F.pad(values, (1, 1, 1, 1), value=-1.0)
    rows, columns = padded[..., 1:-1, :], padded[..., :, 1:-1]
    return torch.maximum(
        torch.maximum(rows[..., 2:], rows[..., :-2]), torch.maximum(columns[..., 2:, :], columns[..., :-2, :])
    )


def _min_pooled(depth: Tensor, radius: int) -> Tensor:
    """Smallest value within `radius` pixels of every pixel of [V,1,H,W]."""
    return -F.max_pool2d(-depth, 2 * radius + 1, 1, radius)
