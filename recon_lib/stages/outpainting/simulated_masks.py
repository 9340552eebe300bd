"""Simulated outpaint masks: the layers of `stages.outpainting.mask` for views of an orbit, from true geometry.

`find_outpaint_mask` rasterises meshes; here the surface is the view's own depth, and the hull is evaluated along the
rays of background pixels. That takes milliseconds, and the layers are the same up to pixels on outlines.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...fields.hull import SILHOUETTE_MARGIN_PX, HullField, signed_distance
from ...provenance import Provenance
from ...render.fill import fill_nearest
from ...render.projection import SOLID, Projector, extent
from ...views.next_views import MAX_VIEW_ANGLE_DEG
from ...views.views import Views
from .mask import UNKNOWN, OutpaintMask, missing_pixels, widened

COARSE_SEGMENTS, FINE_SEGMENTS = 16, 4  # of a ray on which the hull is evaluated, and of each of those
MAX_SLOPE = 1.5  # Lipschitz bound of the hull's field along a ray
NOISE_CELLS = 8  # a side of the coarse grids on which errors are drawn


@dataclass(frozen=True)
class Errors:
    """Errors of a fitted surface and of painted views. The default has none."""

    shift: float = 0.0  # translation of the surface, standard deviation, world units
    depth: float = 0.0  # amplitude of smooth noise in depth, world units
    tilt: float = 0.0  # of smooth noise in the normals, about radians
    blur: float = 0.0  # of the earlier views, 0-1; 1 = means over three pixels
    holes: float = 0.0  # fraction of the seen pixels that count as unseen, in patches
    grow: int = 0  # pixels, see `find_outpaint_mask`
    margin: float = SILHOUETTE_MARGIN_PX  # pixels by which the hull's silhouettes are dilated
    whole: bool = False  # earlier masks keep their outermost pixel, as those of larger pictures nearly do

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Errors":
        """Errors about as large as a fit's, in pictures of 64 pixels that stand for larger ones; a quarter has none."""
        sizes = {"grow": int(rng.choice([0, 1, 2], p=[0.4, 0.4, 0.2])), "whole": bool(rng.random() < 0.6)}
        sizes["margin"] = float(rng.uniform(0.25, SILHOUETTE_MARGIN_PX))
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


NO_ERRORS = Errors()


@dataclass(frozen=True)
class OrbitRenders:
    """Views of an object, prepared for many simulated outpaint masks."""

    views: Views  # with depth and normals
    projector: Projector  # of all views
    distances: Tensor  # [V,1,H,W] pixels, `signed_distance` of the silhouettes

    @classmethod
    def of(cls, views: Views) -> "OrbitRenders":
        """Prepare `views` with true depth and normals."""
        solid = (views.masks > SOLID).float()
        inside = -F.max_pool2d(-solid, 3, 1, 1) > 0
        hit = views.depth > 0
        depth = views.depth.masked_fill(~hit, float("inf"))
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

    def hull(self, earlier: list[int], margin: float = SILHOUETTE_MARGIN_PX) -> HullField:
        """Visual hull of some views."""
        return HullField(self.distances[earlier], self.views.cameras[torch.tensor(earlier)], margin)

    def projector_of(self, earlier: list[int], blur: float = 0.0, whole: bool = False) -> Projector:
        """Projector of some views; `blur` and `whole` as in `Errors`."""
        projector, rows = self.projector, torch.tensor(earlier)
        images = projector.images[rows]
        if blur:
            images = images.lerp(F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1), blur)
        layers = {name: getattr(projector, name)[rows] for name in ("rims", "codes", "depth", "cameras")}
        return replace(projector, images=images, masks=layers["rims"] if whole else projector.masks[rows], **layers)


def simulate_outpaint_mask(
    orbit: OrbitRenders,
    earlier: list[int],
    target: int,
    errors: Errors = NO_ERRORS,
    rng: np.random.Generator | None = None,
) -> OutpaintMask:
    """Outpaint mask of the view `target` after the views `earlier`, as `find_outpaint_mask` finds it; white background.

    Depth and normals are set where a pixel is seen, and 0 elsewhere. `rng` draws the `errors`.
    """
    rng = rng or np.random.default_rng(0)
    view = orbit.views[target]
    covered = view.depth > 0
    silhouette = covered | _hull_beyond(orbit.hull(earlier, errors.margin), view.cameras, covered)
    depth, normals = _noisy_surface(view, errors, rng)
    rotation = view.cameras.rotation[0]
    points = view.cameras.unproject(depth)[covered[:, 0]]
    points = points + errors.shift * torch.from_numpy(rng.normal(size=3)).to(points)
    camera_normals = normals.movedim(1, -1)[covered[:, 0]]
    projected = orbit.projector_of(earlier, errors.blur, errors.whole).look_up(
        points,
        camera_normals @ rotation.T,
        slack=2 * (errors.shift + errors.depth),
        min_cosine=_cosine(MAX_VIEW_ANGLE_DEG),
    )
    seen, colors = torch.zeros_like(covered), torch.zeros_like(view.images)
    seen[covered] = projected.seen
    colors.movedim(1, -1)[covered[:, 0]] = projected.colors
    if errors.holes:
        seen &= ~_patches(covered, errors.holes, rng)

    masks = widened(missing_pixels(silhouette, covered, seen), errors.grow) & silhouette
    seen &= ~masks
    images = torch.where(seen, colors, torch.where(masks, UNKNOWN, 1.0))
    depth, normals = depth * seen, normals * seen
    masks, seen, silhouette = (layer.float() for layer in (masks, seen, silhouette))
    return OutpaintMask(view.cameras, masks, seen, silhouette, images, depth, normals)


def draw_earlier_and_target(rng: np.random.Generator, views: int) -> tuple[list[int], int]:
    """Random earlier views and target, in the schedule's order; one target in seven is any of the later views."""
    count = int(rng.integers(1, views))
    target = count if rng.random() < 6 / 7 else int(rng.integers(count, views))
    return list(range(count)), target


def _hull_beyond(hull: HullField, camera: Cameras, covered: Tensor) -> Tensor:
    """Pixels [1,1,H,W] of the hull that are not `covered`: a segment of their ray has its midpoint inside.

    Coarse segments come first; those whose midpoint is further outside than the segment is long are skipped.
    """
    eye, direction = camera.position, camera.rays()[1][0][~covered[0, 0]]  # [1,3], [P,3]
    middle = -(direction @ eye[0])  # ray parameter of the point nearest to the origin
    half = (hull.radius**2 - eye.square().sum() + middle**2).clamp_min(0).sqrt()  # of the chord in the ball
    ray = half.nonzero().flatten()
    start, length = (middle - half)[ray], 2 * half[ray]
    for segments, slack in ((COARSE_SEGMENTS, MAX_SLOPE / 2), (FINE_SEGMENTS, 0.0)):
        length = (length / segments).repeat_interleave(segments)
        ray = ray.repeat_interleave(segments)
        start = start.repeat_interleave(segments) + length * torch.arange(segments).repeat(len(start))
        points = torch.addcmul(eye, direction[ray], (start + length / 2)[:, None])
        for view in range(len(hull.cameras)):
            rows = (hull.silhouette_distance(view, points) > -slack * length).nonzero().flatten()
            points, ray, start, length = (x.index_select(0, rows) for x in (points, ray, start, length))
    inside = torch.zeros(len(direction), dtype=torch.bool)
    inside[ray] = True
    silhouette = torch.zeros_like(covered)
    silhouette[~covered] = inside
    return silhouette


def _noisy_surface(view: Views, errors: Errors, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Depth and normals of the view with smooth noise; 0 stays 0."""
    hit = (view.depth > 0).float()
    depth, normals = view.depth, view.normals
    if errors.depth:
        depth = (depth + errors.depth * _smooth_noise(depth, rng)) * hit
    if errors.tilt:
        normals = F.normalize(normals + errors.tilt * _smooth_noise(normals, rng), dim=1) * hit
    return depth, normals


def _smooth_noise(like: Tensor, rng: np.random.Generator) -> Tensor:
    """Smooth noise of the shape [1,C,H,W], standard deviation about a half."""
    coarse = torch.from_numpy(rng.normal(size=(*like.shape[:2], NOISE_CELLS, NOISE_CELLS))).to(like)
    return F.interpolate(coarse, like.shape[-2:], mode="bilinear", align_corners=False)


def _patches(region: Tensor, fraction: float, rng: np.random.Generator) -> Tensor:
    """Random patches [1,1,H,W] bool over about a fraction of a region."""
    noise = _smooth_noise(region.float(), rng)
    return noise < noise[region].quantile(fraction) if region.any() else region


def _cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))
