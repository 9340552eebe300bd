"""ZeroShape-W's two halves: the visible surface of a photo, and the whole shape behind it.

What travels between them is a camera, a mask and a depth, all in the pack's world frame, so that either half can be
swapped. The encoded surface goes along, so that the network need not look at the same crop again.
"""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras
from ...errors import BadInput
from ...fields.decoded import FEATURE_PIXELS, DecodedField, move
from ...fields.observed import ObservedField
from ...memory import default_chunk, explain_oom, in_chunks
from ...networks.contracts import PointDecoder, ShapeNetwork
from ...progress import Progress
from ...views.prepare import check_overlap, fit_mask, prepare_image, prepare_mask
from ...views.views import Views
from ...weights.registry import LoadedModel
from .depth_external import align_depth_picture
from .depth_normal import DepthNormals, paste_depth_normals
from .depth_own import object_depth, warn_if_inverse
from .lens import default_lens, lenses_of
from .lens_from_depth import lens_from_depth
from .mask import segment
from .mask_by_depth import mask_by_depth
from .object_crop import CropPrediction, predict_crop

EXTENT_NODES = 28  # a side of the grid that finds how far the whole shape extends
BOUND = 1.15  # half the side of the field's box, world units: the shape was scaled to the unit sphere on a coarse grid
MIN_VISIBLE_PIXELS = 4  # of the network


@dataclass(frozen=True)
class EncodedView:
    """What the network knows of one view: the shape behind it, for `complete_shape`."""

    views: Views  # the view that it holds for
    decoder: PointDecoder  # on the CPU
    world_to_decoder: Tensor  # [4,4]
    feature_size: float  # world units: `FEATURE_PIXELS` at the object's centre


@dataclass(frozen=True)
class VisibleSurface:
    """What the photo shows of the object, in the world: input camera looking along -z, object in the unit sphere."""

    points: Tensor  # [N,3] world, one for each masked pixel
    colors: Tensor  # [N,3] sRGB
    views: Views  # one view: photo, estimated camera, mask, depth, normals
    occluder: Tensor  # [1,1,H,W] 0-1, what hides the object
    encoded: EncodedView | None = None  # None: `complete_shape` asks the network
    trusted: bool = False  # the depth is the user's own: the completed shape must keep to it


@explain_oom("estimating the visible surface", "give a smaller picture or compute on the CPU")
def visible_surface(
    model: LoadedModel,
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    mask: Tensor | None = None,  # [1,1,H,W] 1 = object; None: predicted
    depth: Tensor | None = None,  # [1,1,H,W] z-depth, any scale, 0 = unknown; None: predicted
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluder: Tensor | None = None,  # [1,1,H,W] 1 = something stands in front of the object; None: predicted
    depth_picture: Tensor | None = None,  # [1,1 or 3,H,W] what a depth node shows, in place of `depth`
    depth_kind: str = "depth",  # of `depth_picture`: "depth" or "inverse"; scale and shift are found
    cameras: Cameras | None = None,  # one, whose lens took the photo; its pose does not matter
) -> VisibleSurface:
    """Segment, estimate depth and camera, and place the world around the object.

    A mask that is found keeps to the edges of a user's depth. A depth picture is aligned to the depth that the network
    predicts. Where no lens is known, `lens_from_depth` looks for the one under which a user's depth looks like a thing;
    without either it is the network's own or the default one, see `lens`. The world's centre and unit are those of the
    bounding sphere of the shape that the model completes, so that the whole object, not its visible part, sits in the
    unit sphere. Raises `BadInput` for an empty picture, mask or depth, and for masks, depth and cameras of another
    size.
    """
    progress, image = progress or Progress(), prepare_image(image)
    lens = None if cameras is None else lenses_of(cameras, 1, *image.shape[-2:])
    own_mask = mask is not None
    mask, occluder = _masks(model, image, mask, occluder, device, progress)
    network = model.module.to(device)
    progress.start("visible surface", 2)
    predict = partial(_predicted, network, image, lens=lens, device=device)
    align = partial(align_depth_picture, depth_picture, depth_kind, image)
    if not own_mask and depth is not None:
        mask = mask_by_depth(mask, depth, default_lens(*image.shape[-2:]) if lens is None else lens)
    elif not own_mask and depth_picture is not None:
        estimate = predict(mask, occluder)[1]
        mask = mask_by_depth(mask, align(estimate.depth, mask), estimate.cameras.intrinsics)
    occluder = occluder * (mask <= 0.5)
    if depth is not None:
        depth = object_depth(depth, mask, lens)
        mask = mask if own_mask else mask * (depth > 0)
    prediction, estimate = predict(mask, occluder, depth)
    progress.step()
    if depth is not None:
        warn_if_inverse(depth, estimate.depth)
    elif depth_picture is not None:
        depth = object_depth(align(estimate.depth, mask), mask, estimate.cameras.intrinsics)
    trusted = depth is not None
    if depth is not None:
        estimate = replace(estimate, depth=depth)
    views = Views(image, estimate.cameras, mask, estimate.depth, estimate.normals)
    decoder, focal = _encode(network, prediction, views, occluder, device)
    encoded = _in_world(decoder, focal, views, device, progress)
    progress.step()
    views = encoded.views
    on = (views.depth[0, 0] > 0) & (mask[0, 0] > 0.5)
    points = views.cameras.unproject(views.depth)[0][on]
    return VisibleSurface(points, image[0].permute(1, 2, 0)[on], views, occluder, encoded, trusted)


@explain_oom("completing the shape", "compute on the CPU")
def complete_shape(
    model: LoadedModel,
    surface: VisibleSurface,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> ObservedField:
    """The whole shape as a field whose values are occupancy logits, in the surface's world frame.

    Nothing of it lies beyond the silhouette; where the depth is a user's own, it starts at that depth exactly.
    """
    progress = progress or Progress()
    progress.start("completing the shape", 1)
    encoded = surface.encoded
    if surface.views.depth is None:
        raise BadInput("These points are no visible surface, they have no depth; connect those of Visible Surface.")
    if encoded is None or encoded.views is not surface.views or encoded.decoder.module is not model.module:
        encoded = _encode_in_place(model.module.to(device), surface, device)
    bounds = torch.tensor([[-BOUND] * 3, [BOUND] * 3])
    progress.step()
    shape = DecodedField(encoded.decoder, encoded.world_to_decoder, bounds, min_feature_size=encoded.feature_size)
    views, depth = surface.views, surface.views.depth if surface.trusted else None
    return ObservedField.of(shape, views.cameras, views.masks, surface.occluder, depth)


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
    if model.module.input_spec.finds_masks and (mask is None or occluder is None):
        try:
            segmentation = segment(model, image, device, progress)
        except BadInput:
            if mask is None:
                raise
        else:
            if mask is not None:
                check_overlap(fit_mask(mask, 1, height, width), segmentation.object, model.card.name)
            mask = segmentation.object if mask is None else mask
            occluder = segmentation.occluder if occluder is None else occluder
    if mask is None:
        raise BadInput(f"{model.card.name} needs the object's mask; connect one, white on the object.")
    mask = prepare_mask(mask, 1, height, width)
    occluder = torch.zeros_like(mask) if occluder is None else fit_mask(occluder, 1, height, width, "occluder mask")
    return mask, occluder * (mask <= 0.5)


def _predicted(
    network: ShapeNetwork,
    image: Tensor,
    mask: Tensor,
    occluder: Tensor,
    depth: Tensor | None = None,
    *,
    lens: Tensor | None,
    device: torch.device | str,
) -> tuple[CropPrediction, DepthNormals]:
    """What the network predicts of the object's crop, and the same in the image; without a lens seen through the one
    that a user's depth tells of.
    """
    spec, prediction = network.input_spec, predict_crop(network, image, mask, occluder, device, lens)
    if depth is not None and lens is None:
        prediction = prediction.through(lens_from_depth(depth), spec)
    return prediction, paste_depth_normals(prediction, mask, spec)


@torch.no_grad()
def _encode(
    network: ShapeNetwork, crop_prediction: CropPrediction, views: Views, occluder: Tensor, device: torch.device | str
) -> tuple[PointDecoder, float]:
    """The shape behind the view's own depth, seen by the view's own camera, and the crop's focal length in pixels."""
    spec, crop = network.input_spec, crop_prediction.crop
    valid = ((views.masks > 0.5) & (views.depth > 0)).float()
    depth, coverage = crop.crop_masked(views.depth, valid, spec.size)
    visible = (coverage > 0.5).float()
    if visible.sum() < MIN_VISIBLE_PIXELS:
        raise BadInput("Too little of the object is visible to reconstruct it; give a larger picture or mask.")
    intrinsics = crop.crop_intrinsics(views.cameras.intrinsics, spec.size, spec.pixel_offset)
    prediction = replace(crop_prediction.prediction, intrinsics=intrinsics.to(device))
    occluded = crop.crop_coverage(occluder, spec.size).to(device) if spec.finds_masks else None
    decoder = network.encode(prediction, visible.to(device), occluded, depth=depth.to(device))
    return move(decoder, "cpu"), float(intrinsics[0, 0, 0])


def _encode_in_place(network: ShapeNetwork, surface: VisibleSurface, device: torch.device | str) -> EncodedView:
    """A surface that comes without its encoding, or was changed since."""
    views = surface.views
    lens = views.cameras.intrinsics
    prediction = predict_crop(network, views.images, views.masks, surface.occluder, device, lens)
    decoder, focal = _encode(network, prediction, views, surface.occluder, device)
    return _encoded_view(views, decoder, focal, unit=1.0)


def _encoded_view(views: Views, decoder: PointDecoder, focal: float, unit: float) -> EncodedView:
    """unit: of the world, in units of the depth that was encoded."""
    world_to_camera = torch.linalg.inv(views.cameras.camera_to_world[0].double())
    scale = torch.diag(torch.tensor([unit, unit, unit, 1.0], dtype=torch.float64))
    world_to_decoder = (decoder.camera_to_decoder.double() @ scale @ world_to_camera).float()
    return EncodedView(views, decoder, world_to_decoder, FEATURE_PIXELS * float(world_to_camera[2, 3]) / focal)


def _in_world(
    decoder: PointDecoder, focal: float, views: Views, device: torch.device | str, progress: Progress
) -> EncodedView:
    """Rescale and shift the world so that the completed shape fits the unit sphere; the camera keeps looking at -z."""
    centre, radius = _bounding_sphere(decoder, views, device, progress)
    pose = torch.eye(4)
    pose[:3, :3] = FLIP_YZ
    pose[:3, 3] = -(FLIP_YZ @ centre) / radius
    cameras = Cameras(pose[None], views.cameras.intrinsics, views.cameras.height, views.cameras.width)
    views = replace(views, cameras=cameras, depth=views.depth / radius)
    return _encoded_view(views, decoder, focal, unit=radius)


def _bounding_sphere(
    decoder: PointDecoder, views: Views, device: torch.device | str, progress: Progress
) -> tuple[Tensor, float]:
    """Centre [3] and radius, camera frame, around the visible points and the completed shape."""
    side = torch.linspace(-decoder.extent, decoder.extent, EXTENT_NODES)
    grid = torch.stack(torch.meshgrid(side, side, side, indexing="ij"), -1).reshape(-1, 3)
    on_device = move(decoder, device)
    with torch.no_grad():
        inside = in_chunks(
            lambda p: on_device.query(p[None].to(device))[0].cpu(), grid, default_chunk(device), progress.check
        )
    decoder_to_camera = torch.linalg.inv(decoder.camera_to_decoder.double()).float()
    occupied = grid[inside > 0] @ decoder_to_camera[:3, :3].T + decoder_to_camera[:3, 3]
    valid = (views.depth[0, 0] > 0) & (views.masks[0, 0] > 0.5)
    visible = views.cameras.to_camera(views.cameras.unproject(views.depth)[0][valid])[0]
    points = torch.cat([visible[:: max(len(visible) // 4096, 1)], occupied])
    centre = (points.amax(0) + points.amin(0)) / 2
    return centre, float((points - centre).norm(dim=-1).max())
