"""Projection of posed images onto surface points: colours and provenance."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..meshes.mesh import Mesh
from ..progress import unchecked
from ..provenance import Provenance
from ..views.views import Views
from .fill import fill_nearest
from .rasterize import rasterize

MIN_VIEW_COSINE = 0.15  # 81 degrees: at larger view angles colours are smeared over few pixels
RIM_VIEW_COSINE = 0.07  # 86 degrees, up to which smeared colours are still better than none
SHARPNESS = 4  # exponent of the view angle's cosine: the most frontal view dominates, without hard edges
DEPTH_TOLERANCE = 0.005  # of the mesh's extent
SOLID = 0.5  # mask value from which a pixel belongs to the object


@dataclass(frozen=True)
class Projected:
    """Colours and provenance of P surface points in posed images."""

    colors: Tensor  # [P,3] sRGB 0-1, 0 where not seen
    provenance: Tensor  # [P] uint8: OBSERVED or OUTPAINTED where seen, INFERRED elsewhere

    @property
    def seen(self) -> Tensor:
        """[P] bool."""
        return self.provenance != Provenance.INFERRED

    def or_else(self, other: "Projected") -> "Projected":
        """The same points with `other` where they are not seen here."""
        colors = torch.where(self.seen[:, None], self.colors, other.colors)
        return Projected(colors, torch.where(self.seen, self.provenance, other.provenance))

    def merged(self, group: Tensor, count: int) -> "Projected":
        """Points merged by group: the best provenance of each group and the mean colour seen with it.

        group [P] int64 in 0..count-1 -> `count` points.
        """
        codes = torch.full((count,), int(Provenance.INFERRED), dtype=torch.int32, device=group.device)
        codes = codes.scatter_reduce(0, group, self.provenance.int(), "amin").to(torch.uint8)
        used = (self.seen & (self.provenance == codes[group])).float()[:, None]
        total = self.colors.new_zeros(count, 4).index_add(0, group, torch.cat([self.colors * used, used], -1))
        return Projected(total[:, :3] / total[:, 3:].clamp_min(1), codes)

    @classmethod
    def nothing(cls, points: Tensor) -> "Projected":
        """Result for `points` [P,3] that no view sees."""
        codes = torch.full((len(points),), Provenance.INFERRED, dtype=torch.uint8, device=points.device)
        return cls(torch.zeros_like(points), codes)


@dataclass(frozen=True)
class Projector:
    """Views prepared for look-ups: depth of the mesh itself, eroded masks, colours extended over the mask's edge."""

    images: Tensor  # [V,3,H,W], background pixels replaced by the nearest object colour
    masks: Tensor  # [V,1,H,W] bool, one pixel smaller than the object
    rims: Tensor  # [V,1,H,W] bool, one pixel larger than the object
    codes: Tensor  # [V,1,H,W] uint8
    cameras: Cameras
    depth: Tensor  # [V,1,H,W] nearest z of the mesh within a pixel around, inf = nothing there
    extent: float  # world units, diagonal of the mesh's box
    check: Callable[[], None] = unchecked  # called before every view

    @classmethod
    def prepare(cls, views: Views, mesh: Mesh, check: Callable[[], None] = unchecked) -> "Projector":
        """Projector of `views` onto `mesh`, whose depth is rendered in every view, on the mesh's device."""
        device = mesh.vertices.device
        cameras = views.cameras.to(device)
        solid = (views.masks.to(device) > SOLID).float()
        inside = -F.max_pool2d(-solid, 3, 1, 1) > 0  # without the outermost pixel: object and background mix there
        fragments = rasterize(mesh, cameras, check=check)
        depth = torch.where(fragments.mask, fragments.depth, float("inf"))[:, None]
        observed = torch.full_like(views.masks, Provenance.OBSERVED, dtype=torch.uint8)
        return cls(
            images=_extended(views.images.to(device), inside),
            masks=inside,
            rims=F.max_pool2d(solid, 3, 1, 1) > 0,
            codes=(observed if views.provenance is None else views.provenance).to(device),
            cameras=cameras,
            depth=-F.max_pool2d(-depth, 3, 1, 1),
            extent=extent(mesh.vertices),
            check=check,
        )

    def only(self, view: int) -> "Projector":
        """The same for one view."""
        row = slice(view, view + 1)
        return replace(
            self, images=self.images[row], masks=self.masks[row], rims=self.rims[row], codes=self.codes[row],
            cameras=self.cameras[view], depth=self.depth[row],
        )  # fmt: skip

    def look_up(
        self,
        points: Tensor,
        normals: Tensor,
        slack: float = 0.0,
        include_rim: bool = False,
        min_cosine: float = MIN_VIEW_COSINE,
    ) -> Projected:
        """Colours at surface points [P,3] with unit normals [P,3], world.

        Views are blended by view angle; observed and outpainted colours are never mixed. `slack` (world units) loosens
        the depth test for points that are only near the surface. Points are seen up to the view angle whose cosine is
        `min_cosine`. With `include_rim`, pixels on the object's rim count too, and larger view angles: not reliable,
        but the best guess there.
        """
        observed, outpainted = points.new_zeros(2, len(points), 4)
        for i in range(len(self.cameras)):
            self.check()
            color, weight, code = self._look_up_view(i, points, normals, slack, include_rim, min_cosine)
            sample = torch.cat([color * weight[:, None], weight[:, None]], -1)
            observed += torch.where((code == Provenance.OBSERVED)[:, None], sample, 0.0)
            outpainted += torch.where((code == Provenance.OUTPAINTED)[:, None], sample, 0.0)
        real, painted = observed[:, 3] > 0, outpainted[:, 3] > 0
        total = torch.where(real[:, None], observed, outpainted)
        provenance = Projected.nothing(points).provenance
        provenance[painted] = Provenance.OUTPAINTED
        provenance[real] = Provenance.OBSERVED
        return Projected(total[:, :3] / total[:, 3:].clamp_min(1e-12), provenance)

    def _look_up_view(
        self, view: int, points: Tensor, normals: Tensor, slack: float, include_rim: bool, min_cosine: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Colours [P,3], blending weights [P] (0 = not seen) and provenance codes [P] of one view."""
        camera = self.cameras[view]
        pixels, depth = (x[0] for x in camera.project(points))
        cosine = (F.normalize(camera.position - points, dim=-1) * normals).sum(-1)
        column, row = pixels.floor().clamp(-1e6, 1e6).long().unbind(-1)
        framed = (depth > 0) & (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
        column, row = column.clamp(0, camera.width - 1), row.clamp(0, camera.height - 1)
        # a tilted surface changes its depth across the pixels over which the smallest depth is taken
        tilt = (1 - cosine**2).clamp_min(0).sqrt() / cosine.clamp_min(MIN_VIEW_COSINE)
        footprint = depth / camera.intrinsics[0, 1, 1]
        allowed = DEPTH_TOLERANCE * self.extent + slack + 2 * footprint * tilt
        limit, masks = (RIM_VIEW_COSINE, self.rims) if include_rim else (min_cosine, self.masks)
        visible = framed & (cosine > limit) & masks[view, 0, row, column]
        visible &= depth <= self.depth[view, 0, row, column] + allowed
        grid = pixels / pixels.new_tensor([camera.width, camera.height]) * 2 - 1
        color = F.grid_sample(
            self.images[view : view + 1], grid[None, None], padding_mode="border", align_corners=False
        )
        weight = torch.where(visible, cosine.clamp_min(0) ** SHARPNESS, 0.0)
        return color[0, :, 0].T, weight, self.codes[view, 0, row, column]


def extent(points: Tensor) -> float:
    """Diagonal of the box around points [N,3]."""
    return float((points.amax(0) - points.amin(0)).norm())


def _extended(images: Tensor, inside: Tensor) -> Tensor:
    """Images [V,3,H,W] whose pixels outside `inside` [V,1,H,W] have the colour of the nearest one inside."""
    return torch.stack([fill_nearest(i, m[0]) for i, m in zip(images, inside, strict=True)])
