"""ZeroShape-W's two halves: the visible surface of a photo, and the whole shape behind it.

Between them travels nothing of the network: a camera, a mask and a depth, all in the pack's world frame, so that
either half can be swapped.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras
from ...errors import BadInput
from ...fields.decoded import DecodedField, move
from ...memory import default_chunk, explain_oom, in_chunks
from ...networks.zeroshape_w.model import SeenSurface, ZeroShapeW
from ...networks.zeroshape_w.visible_points import Normalization, normalize_visible, unproject
from ...progress import Progress
from ...views.prepare import fit_mask, prepare_image, prepare_mask
from ...views.views import Views
from ...weights.registry import LoadedModel
from .depth_normal import estimate_depth_normals
from .mask import segment
from .object_crop import object_crop, predict_crop

FRAME_GRID = 28  # nodes a side of the grid that finds how far the whole shape reaches
FEATURE_PIXELS = (
    1.5  # network pixels; features have half the picture's resolution, and at 2 some islands of a few cells go
)
BOUND = 1.15  # half the side of the field's box, world units: the shape was scaled to the unit sphere on a coarse grid


@dataclass(frozen=True)
class VisibleSurface:
    """What the photo shows of the object, in the world: input camera looking along -z, object in the unit sphere."""

    points: Tensor  # [N,3] world, one for each masked pixel
    colors: Tensor  # [N,3] sRGB
    views: Views  # one view: photo, estimated camera, mask, depth, normals
    occluder: Tensor  # [1,1,H,W] 0-1, what hides the object


@explain_oom("estimating the visible surface", "give a smaller picture or compute on the CPU")
def visible_surface(
    model: LoadedModel,
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    mask: Tensor | None = None,  # [1,1,H,W] 1 = object; None: predicted
    depth: Tensor | None = None,  # [1,1,H,W] z-depth, any scale, 0 = unknown; None: predicted
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluder: Tensor | None = None,  # [1,1,H,W] 1 = something stands in front of the object; None: predicted
) -> VisibleSurface:
    """Segment, estimate depth and camera, and place the world around the object.

    The world's centre and unit are those of the bounding sphere of the shape that the model completes, so that the
    whole object, not its visible part, sits in the unit sphere.
    """
    progress = progress or Progress()
    image = prepare_image(image)
    mask, occluder = _masks(model, image, mask, occluder, device, progress)
    estimate = estimate_depth_normals(model, image, mask, device, progress, occluder)
    if depth is not None:
        estimate = replace(estimate, depth=_own_depth(depth, mask))
    progress.start("visible surface", 1)
    views = Views(image, estimate.cameras, mask, estimate.depth, estimate.normals)
    views = _in_world(model, views, occluder, device, progress)
    progress.step()
    on = (views.depth[0, 0] > 0) & (mask[0, 0] > 0.5)
    points = views.cameras.unproject(views.depth)[0][on]
    return VisibleSurface(points, image[0].permute(1, 2, 0)[on], views, occluder)


@explain_oom("completing the shape", "compute on the CPU")
def complete_shape(
    model: LoadedModel,
    surface: VisibleSurface,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> DecodedField:
    """The whole shape as a field whose values are occupancy logits, in the surface's world frame."""
    progress = progress or Progress()
    progress.start("completing the shape", 1)
    seen = _encode(model.module.to(device), surface.views, surface.occluder, device)
    pose = torch.linalg.inv(surface.views.cameras.camera_to_world[0])
    bounds = torch.tensor([[-BOUND] * 3, [BOUND] * 3])
    pixel = float(pose[2, 3] / seen.intrinsics[0, 0, 0])  # at the object's centre
    threshold = model.module.config.threshold
    progress.step()
    return DecodedField(
        model.module, seen, pose, seen.normalization, bounds, threshold, min_feature_size=FEATURE_PIXELS * pixel
    )


def _masks(
    model: LoadedModel,
    image: Tensor,
    mask: Tensor | None,
    occluder: Tensor | None,
    device: torch.device | str,
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """Object and occluder [1,1,H,W]: the user's own, predicted where there is none. No pixel belongs to both."""
    height, width = image.shape[-2:]
    if model.module.config.occluders and (mask is None or occluder is None):
        try:
            found = segment(model, image, device, progress)
            mask, occluder = (
                (found.object if mask is None else mask),
                (found.occluder if occluder is None else occluder),
            )
        except BadInput:
            if mask is None:
                raise
    if mask is None:
        raise BadInput(f"{model.card.name} needs the object's mask; connect one, white on the object.")
    mask = prepare_mask(mask, 1, height, width)
    occluder = torch.zeros_like(mask) if occluder is None else fit_mask(occluder, 1, height, width, "occluder mask")
    return mask, occluder * (mask <= 0.5)


def _own_depth(depth: Tensor, mask: Tensor) -> Tensor:
    known = (mask > 0.5) & (depth > 0)
    if known.sum() < 16:
        raise BadInput("The depth map is empty on the object; give z-depth, larger = farther, 0 = unknown.")
    return torch.where(known, depth.float(), 0.0)


@torch.no_grad()
def _encode(module: ZeroShapeW, views: Views, occluder: Tensor, device: torch.device | str) -> SeenSurface:
    """Show the network the window around the mask, with the view's own depth and camera."""
    size, crop = module.config.image_size, object_crop(views.masks, occluder)
    known = ((views.masks > 0.5) & (views.depth > 0)).float()
    depth, share = crop.crop_masked(views.depth, known, size)
    shown = (share > 0.5).float()
    if shown.sum() < 4:
        raise BadInput("Too little of the object is visible to reconstruct it; give a larger picture or mask.")
    prediction = predict_crop(module, crop, views.images, views.masks, occluder, device)
    intrinsics = crop.crop_intrinsics(views.cameras.intrinsics, size, module.config.pixel_offset)
    prediction = replace(prediction, intrinsics=intrinsics.to(device))
    covered = crop.crop_coverage(occluder, size) if module.config.occluders else None
    seen = module.surface(
        prediction, shown.to(device), None if covered is None else covered.to(device), depth=depth.to(device)
    )
    return move(seen, "cpu")


def _in_world(
    model: LoadedModel, views: Views, occluder: Tensor, device: torch.device | str, progress: Progress
) -> Views:
    """Rescale and shift the world so that the completed shape fits the unit sphere; the camera keeps looking at -z."""
    module = model.module
    seen = _encode(module, views, occluder, device)
    side = torch.linspace(-module.config.extent, module.config.extent, FRAME_GRID)
    grid = torch.stack(torch.meshgrid(side, side, side, indexing="ij"), -1).reshape(-1, 3)
    here, level = move(seen, device), module.config.threshold
    with torch.no_grad():
        logits = in_chunks(
            lambda p: module.query(p[None].to(device), here, level)[0].cpu(),
            grid,
            default_chunk(device),
            progress.check,
        )
    points = unproject(views.depth, views.cameras.intrinsics)
    visible, _ = normalize_visible(points, views.masks * (views.depth > 0), robust=module.config.size == "mini")
    shown = visible[0].flatten(1).T[((views.masks > 0.5) & (views.depth > 0)).flatten()]
    around = torch.cat([shown[:: max(len(shown) // 4096, 1)], grid[logits > level]])
    centre = (around.amax(0) + around.amin(0)) / 2
    radius = float((around - centre).norm(dim=-1).max()) * float(seen.normalization.scale)
    origin = Normalization(seen.normalization.centre, seen.normalization.scale).to_camera(centre[None, None])[0, 0]
    pose = torch.eye(4)
    pose[:3, :3] = FLIP_YZ
    pose[:3, 3] = -(FLIP_YZ @ origin) / radius
    cameras = Cameras(pose[None], views.cameras.intrinsics, views.cameras.height, views.cameras.width)
    return replace(views, cameras=cameras, depth=views.depth / radius)
