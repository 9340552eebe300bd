"""The visual hull: all points that no silhouette rules out (Laurentini 1994, "The visual hull concept").

A view says how far inside its silhouette a point is: the distance of the point's pixel to the outline, plus a margin,
times the size of a pixel at the point's depth. The hull's value is the smallest that any view says, so it behaves like
a distance near the surface and can be asked anywhere, without a grid. A view says nothing about points outside its
picture or behind its camera.
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
SILHOUETTE_MARGIN_PX = (
    1.25  # pixels: the least, in quarters, that keeps 0.99 of thin objects when masks of 256 px lose their rim
)
DEPTH_SLACK = 0.02  # world units
BOUNDLESS = 1e6  # pixels: the distance to an outline that the picture does not show


@dataclass(frozen=True)
class HullField:
    """The solid inside every widened silhouette and inside the ball of `radius` around the origin."""

    silhouettes: Tensor  # [V,1,H,W] pixels by which a pixel's centre lies inside (> 0) the object's outline
    cameras: Cameras  # V cameras of H x W
    margin: float = SILHOUETTE_MARGIN_PX  # pixels by which every silhouette is widened, >= 0
    radius: float = 1.0  # world units; what no silhouette bounds ends here
    nearest: Tensor | None = None  # [V,1,H,W] z-depth before which a view saw nothing; 0 = not known
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
        """The hull of the masks of `views`; with `depth_slack` (world units) also of their depth, where they have it.

        What lies further than the slack before the surface that a view saw is carved away too. Within the margin
        (at least a pixel) around a depth edge the nearer surface counts, and where a pixel without depth is as near,
        none.
        """
        nearest = None
        if depth_slack is not None and views.depth is not None:
            nearest = (_smallest_around(views.depth.float().cpu(), max(1, math.ceil(margin))) - depth_slack).relu()
        return cls(signed_distance(views.masks, check), views.cameras.to("cpu"), margin, radius, nearest)

    def to(self, device: torch.device | str) -> "HullField":
        """The same hull with its tensors on a device."""
        nearest = None if self.nearest is None else self.nearest.to(device)
        layers = {"silhouettes": self.silhouettes.to(device), "nearest": nearest}
        return replace(self, cameras=self.cameras.to(device), **layers)

    @property
    def bounds(self) -> Tensor:
        """[2,3] the cube around the ball, world."""
        return self.radius * torch.tensor([[-1.0], [1.0]]).expand(2, 3)

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> about the distance to the hull's surface [N], world units, > 0 inside."""
        check_shape("points", points, "N", 3)
        value = self.radius - points.norm(dim=-1)
        for view in range(len(self.cameras)):
            value = torch.minimum(value, self.silhouette_distance(view, points))
        return value

    def silhouette_distance(self, view: int, points: Tensor) -> Tensor:
        """What one view says about points [N,3] -> [N]; infinity where it says nothing."""
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
        """`layer` [V,1,H,W] of one view, bilinear at pixels [N,2]; beyond the picture its nearest pixel. -> [N]"""
        size = pixels.new_tensor([self.cameras.width, self.cameras.height])
        grid = (pixels * (2 / size) - 1)[None, None]
        image = layer[view : view + 1].to(pixels)
        return F.grid_sample(image, grid, padding_mode="border", align_corners=False)[0, 0, 0]

    def framed(self, pixels: Tensor, border: Tensor | float = 0.0) -> Tensor:
        """Which pixels [N,2] lie in the picture, at least `border` [N] from its edge. -> [N] bool"""
        x, y = pixels.unbind(-1)
        low, right, bottom = border, self.cameras.width - border, self.cameras.height - border
        return (x >= low) & (y >= low) & (x <= right) & (y <= bottom)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """A hull has no colour."""
        raise NotImplementedError("A visual hull has no colour; bake a texture from its views.")


def signed_distance(masks: Tensor, check: Callable[[], None] = unchecked) -> Tensor:
    """Distance in pixels from every pixel's centre to the outline of masks [V,1,H,W], > 0 inside. -> [V,1,H,W] float32

    Soft masks are read as the share of each pixel that the object covers, so the outline is found between pixels:
    next to a pixel that is object (above 0.5) with share c and not object with share c' beside it, it runs c + c' - 0.5
    from the first one's centre, exact for edges along the pixels (after Gustavson & Strand 2011, "Anti-aliased
    Euclidean distance transform"). Elsewhere the Euclidean distance to the nearest such pixel is added.
    """
    import numpy as np
    from scipy.ndimage import distance_transform_edt

    check_shape("masks", masks, "V", 1, "H", "W")
    share = masks.float().cpu()
    solid = share > SOLID
    beside = _largest_beside(torch.where(solid, -1.0, share))
    rim = solid & (beside >= 0)
    offset = (share + beside - 0.5).clamp(0, 1)
    distance = torch.full_like(share, BOUNDLESS)
    places = np.indices(share.shape[-2:], np.int32)
    for view in range(len(share)):
        check()
        if rim[view].any():
            nearest = distance_transform_edt(~rim[view, 0].numpy(), return_distances=False, return_indices=True)
            down, across = (nearest - places).astype(np.float32)
            far = torch.from_numpy(np.sqrt(down * down + across * across))
            own = offset[view].flatten()[torch.from_numpy(nearest[0] * share.shape[-1] + nearest[1]).long()]
            distance[view, 0] = torch.where(solid[view, 0], far + own, far - own)
    return torch.where(solid, distance, -distance)


def _largest_beside(values: Tensor) -> Tensor:
    """The largest of the up to four neighbours of every pixel of [V,1,H,W]; beyond the picture there are none."""
    padded = F.pad(values, (1, 1, 1, 1), value=-1.0)
    rows, columns = padded[..., 1:-1, :], padded[..., :, 1:-1]
    return torch.maximum(
        torch.maximum(rows[..., 2:], rows[..., :-2]), torch.maximum(columns[..., 2:, :], columns[..., :-2, :])
    )


def _smallest_around(depth: Tensor, reach: int) -> Tensor:
    """The smallest value within `reach` pixels of every pixel of [V,1,H,W]."""
    return -F.max_pool2d(-depth, 2 * reach + 1, 1, reach)
