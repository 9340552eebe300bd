"""Simulated outpaint masks: what earlier views of an orbit leave open in another one, the layers of
`stages.outpainting.mask`, from true geometry.

`find_outpaint_mask` looks at meshes; here the surface is what the view itself shows, and the hull is asked along the
rays of pixels that show nothing. That takes milliseconds, and the layers are the same up to pixels on outlines.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...fields.hull import MARGIN, HullField, signed_distance
from ...provenance import Provenance
from ...render.fill import fill_nearest
from ...render.projection import SOLID, Projector, extent
from ...views.next_views import MAX_VIEW_ANGLE_DEG
from ...views.views import Views
from .mask import UNKNOWN, OutpaintMask, missing_pixels, widened

LONG, SHORT = 16, 4  # pieces of a ray for which the hull is asked, and pieces of those
MAX_SLOPE = 1.5  # by so much what the hull says changes along a unit of a ray, at most
WAVES = 8  # cells a side of the coarse grids that errors are drawn on


@dataclass(frozen=True)
class Errors:
    """How far a fitted surface and painted views are from the truth. The default is the truth."""

    shift: float = 0.0  # world units: by which the surface is moved as a whole, standard deviation
    depth: float = 0.0  # world units: of its waves along the view's axis
    tilt: float = 0.0  # of its normals, about radians
    blur: float = 0.0  # 0-1: of the earlier views, 1 = means over three pixels
    holes: float = 0.0  # share of the seen pixels that are taken for unseen, in patches
    grow: int = 0  # pixels, see `find_outpaint_mask`
    margin: float = MARGIN  # pixels by which the hull's silhouettes are widened
    whole: bool = False  # earlier masks keep their outermost pixel, as those of larger pictures nearly do

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Errors":
        """About those of a fit, in pictures of 64 pixels that stand for larger ones; a quarter has none."""
        sizes = {"grow": int(rng.choice([0, 1, 2], p=[0.4, 0.4, 0.2])), "whole": bool(rng.random() < 0.6)}
        sizes["margin"] = float(rng.uniform(0.25, MARGIN))
        if rng.random() < 0.25:
            return cls(**sizes)
        strength = rng.uniform(0, 1)
        return cls(
            shift=0.01 * strength,
            depth=0.02 * strength,
            tilt=0.25 * strength,
            blur=float(rng.choice([0.0, rng.uniform(0, 1)])),
            holes=float(rng.choice([0.0, rng.uniform(0, 0.3)])),
            **sizes,
        )


TRUE = Errors()


@dataclass(frozen=True)
class OrbitRenders:
    """The views of an object, made ready for many outpaint masks."""

    views: Views  # with depth and normals
    projector: Projector  # of all views
    outlines: Tensor  # [V,1,H,W] of `signed_distance`

    @classmethod
    def of(cls, views: Views) -> "OrbitRenders":
        """views: with true depth and normals."""
        solid = (views.masks > SOLID).float()
        inside = -F.max_pool2d(-solid, 3, 1, 1) > 0
        hit = views.depth > 0
        depth = torch.where(hit, views.depth, float("inf"))
        projector = Projector(
            images=torch.stack([fill_nearest(i, m[0]) for i, m in zip(views.images, inside, strict=True)]),
            masks=inside,
            rims=solid > 0,
            codes=torch.full_like(views.masks, Provenance.OBSERVED, dtype=torch.uint8),
            cameras=views.cameras,
            depth=-F.max_pool2d(-depth, 3, 1, 1),
            extent=extent(views.cameras.unproject(views.depth)[hit[:, 0]]),
        )
        return cls(views, projector, signed_distance(views.masks))

    def hull(self, earlier: list[int], margin: float = MARGIN) -> HullField:
        """The visual hull of some views."""
        return HullField(self.outlines[earlier], self.views.cameras[torch.tensor(earlier)], margin)

    def sees(self, earlier: list[int], blur: float = 0.0, whole: bool = False) -> Projector:
        """What some views say about points; `blur` and `whole` as in `Errors`."""
        every, rows = self.projector, torch.tensor(earlier)
        images = every.images[rows]
        if blur:
            images = images.lerp(F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1), blur)
        layers = {name: getattr(every, name)[rows] for name in ("rims", "codes", "depth", "cameras")}
        return replace(every, images=images, masks=layers["rims"] if whole else every.masks[rows], **layers)


def simulate_outpaint_mask(
    orbit: OrbitRenders,
    earlier: list[int],
    target: int,
    errors: Errors = TRUE,
    rng: np.random.Generator | None = None,
) -> OutpaintMask:
    """What the view `target` knows when the views `earlier` were seen, as `find_outpaint_mask` would say; background
    white.

    Depth and normals are told where a pixel is seen, and are 0 elsewhere. `rng` draws the `errors`.
    """
    rng = rng or np.random.default_rng(0)
    view = orbit.views[target]
    covered = view.depth > 0
    silhouette = covered | _hull_beside(orbit.hull(earlier, errors.margin), view.cameras, covered)
    depth, normals = _fitted(view, errors, rng)
    rotation = view.cameras.rotation[0]
    points = view.cameras.unproject(depth)[covered[:, 0]]
    points = points + errors.shift * torch.from_numpy(rng.normal(size=3)).to(points)
    facing = normals.movedim(1, -1)[covered[:, 0]]
    shown = orbit.sees(earlier, errors.blur, errors.whole).look_up(
        points, facing @ rotation.T, slack=2 * (errors.shift + errors.depth), min_cosine=_cosine(MAX_VIEW_ANGLE_DEG)
    )
    seen, colors = torch.zeros_like(covered), torch.zeros_like(view.images)
    seen[covered] = shown.seen
    colors.movedim(1, -1)[covered[:, 0]] = shown.colors
    if errors.holes:
        seen &= ~_patches(covered, errors.holes, rng)

    masks = widened(missing_pixels(silhouette, covered, seen), errors.grow) & silhouette
    kept = seen & ~masks
    images = torch.where(kept, colors, torch.where(masks, UNKNOWN, 1.0))
    flat = (layer.float() for layer in (masks, kept, silhouette))
    return OutpaintMask(view.cameras, *flat, images, depth * kept, normals * kept)


def draw_holes(rng: np.random.Generator, views: int) -> tuple[list[int], int]:
    """Earlier views and the next one, in the schedule's order; one in seven times the next is another."""
    count = int(rng.integers(1, views))
    target = count if rng.random() < 6 / 7 else int(rng.integers(count, views))
    return list(range(count)), target


def _hull_beside(hull: HullField, camera: Cameras, covered: Tensor) -> Tensor:
    """Which pixels [1,1,H,W] that are not `covered` show the hull: a piece of their ray has its middle inside.

    Long pieces come first; those whose middle is further outside than they are long have no inside.
    """
    eye, direction = camera.position, camera.rays()[1][0][~covered[0, 0]]  # [1,3], [P,3]
    along = -(direction @ eye[0])
    half = (hull.radius**2 - eye.square().sum() + along**2).clamp_min(0).sqrt()  # of the chord in the ball
    ray = half.nonzero().flatten()
    start, length = (along - half)[ray], 2 * half[ray]
    for pieces, slack in ((LONG, MAX_SLOPE / 2), (SHORT, 0.0)):
        length = (length / pieces).repeat_interleave(pieces)
        ray = ray.repeat_interleave(pieces)
        start = start.repeat_interleave(pieces) + length * torch.arange(pieces).repeat(len(start))
        points = torch.addcmul(eye, direction[ray], (start + length / 2)[:, None])
        for view in range(len(hull.cameras)):
            kept = (hull.silhouette_distance(view, points) > -slack * length).nonzero().flatten()
            points, ray, start, length = (x.index_select(0, kept) for x in (points, ray, start, length))
    shows = torch.zeros(len(direction), dtype=torch.bool)
    shows[ray] = True
    silhouette = torch.zeros_like(covered)
    silhouette[~covered] = shows
    return silhouette


def _fitted(view: Views, errors: Errors, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Depth and normals of the view with errors in waves; nothing stays nothing."""
    hit = (view.depth > 0).float()
    depth, normals = view.depth, view.normals
    if errors.depth:
        depth = (depth + errors.depth * _waves(depth, rng)) * hit
    if errors.tilt:
        normals = F.normalize(normals + errors.tilt * _waves(normals, rng), dim=1) * hit
    return depth, normals


def _waves(like: Tensor, rng: np.random.Generator) -> Tensor:
    """Smooth noise of the shape [1,C,H,W], standard deviation about a half."""
    coarse = torch.from_numpy(rng.normal(size=(*like.shape[:2], WAVES, WAVES))).to(like)
    return F.interpolate(coarse, like.shape[-2:], mode="bilinear", align_corners=False)


def _patches(region: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Patches [1,1,H,W] bool over about `share` of a region."""
    waves = _waves(region.float(), rng)
    return waves < waves[region].quantile(share) if region.any() else region


def _cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))
