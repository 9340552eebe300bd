"""LIST's two halves: coarse points of a photo's object, and its signed distance, standing upright.

The world is the photo's upright frame (`cameras.upright`): gravity points down whatever the camera's elevation, and
the camera stands on the side of +z. No camera is given; the network tells where it sees the object from.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...cameras.upright import angles_from_up
from ...errors import BadInput
from ...fields.decoded import FEATURE_PIXELS, DecodedField, move
from ...fields.observed import ObservedField
from ...memory import explain_oom
from ...meshes.mesh import Mesh
from ...networks.list_sdf.spatial_transformer import ViewEstimate
from ...progress import Progress
from ...render.shading import CLAY
from ...views.prepare import fit_mask, prepare_image, prepare_mask
from ...views.square_crop import SquareCrop
from ...views.views import Views
from ...weights.registry import LoadedModel
from ..meshing.extract import extract_mesh
from .object_crop import object_crop
from .regress import VisibleSurface

DETAIL_PIXELS = 2.0  # of the network's picture: its maps have half the picture's resolution
LOOK_CELLS = 40  # a side of the coarse mesh whose outline the camera is fitted to
MARGIN = 0.02  # of the object's size in the picture: how far beyond the silhouette the shape may reach
WORLD_SIDE = 1.15  # world units that the object's longest side takes: it then fits the unit sphere whatever its shape
MIN_POINTS = 16
MIN_VISIBLE_PIXELS = 16  # of the network


@dataclass(frozen=True)
class CoarsePoints(VisibleSurface):
    """LIST's coarse points in the upright world, beside the view that they are of; they have no depth."""


@dataclass(frozen=True)
class UprightShape:
    """What LIST makes of a photo, world frame."""

    points: Tensor  # [P,3] coarse
    field: DecodedField | ObservedField
    views: Views | None  # the photo, its mask and the estimated camera; None where the network tells none
    up: Tensor | None  # [3] unit, in the frame of a camera that looks at the object; None where the network tells none
    occluder: Tensor  # [1,1,H,W] > 0.5 where something stands in front of the object

    @property
    def angles(self) -> tuple[float, float] | None:
        """Elevation and roll of the camera, degrees."""
        if self.up is None:
            return None
        elevation, roll = angles_from_up(self.up[None])
        return float(elevation), float(roll)

    def described(self) -> str:
        """The camera's angles in words."""
        if self.angles is None:
            return "The model tells no camera."
        return "Camera: elevation {:.0f}°, roll {:.0f}°.".format(*self.angles)


@explain_oom("regressing the shape", "compute on the CPU")
@torch.no_grad()
def upright_shape(
    model: LoadedModel,
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    mask: Tensor | None,  # [1,1,H,W] 1 = object
    points: Tensor | None = None,  # [P,3] of `points_in_object`, in place of the coarse ones
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluder: Tensor | None = None,  # [1,1,H,W] 1 = something stands in front of the object; None: nothing does
) -> UprightShape:
    """Coarse points, signed distance and camera of the masked object.

    Raises `BadInput` without a mask, and for another model.
    """
    progress, image = progress or Progress(), prepare_image(image)
    if not hasattr(model.module, "point_decoder"):
        raise BadInput(f"{model.card.name} has no coarse points; load a LIST model.")
    if mask is None:
        raise BadInput(f"{model.card.name} needs a mask, white on the object; connect Segment's.")
    mask = prepare_mask(mask, 1, *image.shape[-2:])
    progress.start("upright shape", 1)
    height, width = image.shape[-2:]
    occluder = torch.zeros_like(mask) if occluder is None else fit_mask(occluder, 1, height, width, "occluder mask")
    occluder = occluder * (mask <= 0.5)
    network, crop, size = model.module.to(device), object_crop(mask, occluder), model.module.input_spec.size
    coverage = (crop.crop_coverage(mask, size) > 0.5).float()
    if coverage.sum() < MIN_VISIBLE_PIXELS:
        raise BadInput("Too little of the object is visible to reconstruct it; give a larger picture or mask.")
    masks = torch.cat([coverage, (crop.crop_coverage(occluder, size) > 0.5).float()], 1)
    cloud = None if points is None else points[None].to(device)
    encoded = network.encode(crop.crop(image, size).to(device), masks.to(device), cloud)
    decoder = move(encoded, "cpu")
    progress.step()
    half = network.config.half * WORLD_SIDE
    bounds = torch.tensor([[-half] * 3, [half] * 3])
    to_decoder = torch.diag(torch.tensor([1 / WORLD_SIDE] * 3 + [1.0]))
    span = float(coverage[0, 0].any(0).sum().maximum(coverage[0, 0].any(1).sum()))
    field = DecodedField(
        decoder, to_decoder, bounds, min_feature_size=DETAIL_PIXELS * FEATURE_PIXELS / span * WORLD_SIDE
    )
    view = getattr(decoder, "view", None)
    cameras = None if view is None else _photo_camera(view, crop, size, *image.shape[-2:])
    views = None if cameras is None else Views(image, cameras, mask)
    up = None if view is None else view.up[0]
    return UprightShape(decoder.points[0] * WORLD_SIDE, field, views, up, occluder)


def held_to_silhouette(shape: UprightShape, progress: Progress | None = None) -> UprightShape:
    """The shape within its photo's silhouette, by the estimated camera whose lens is fitted to the mask.

    Behind an occluder it may be as well; then the mask's box is not the object's, and the camera stays as estimated.
    Where no camera is told, or nothing lies inside, the shape comes back as it is.
    """
    if shape.views is None or not isinstance(shape.field, DecodedField):
        return shape
    hidden = bool((shape.occluder > 0.5).any())
    try:
        look = extract_mesh(shape.field, LOOK_CELLS, coarse=LOOK_CELLS // 2, largest=True, progress=progress).mesh
    except BadInput:
        return shape
    views = shape.views if hidden else fitted_camera(shape.views, look)
    mask = views.masks
    reach = max(1, round(MARGIN * float(mask.sum()) ** 0.5))
    grown = F.max_pool2d((mask > 0.5).float(), 2 * reach + 1, 1, reach)
    field = ObservedField.of(shape.field, views.cameras, grown, shape.occluder, slope=1 / WORLD_SIDE)
    return replace(shape, field=field, views=views)


def coarse_points(
    model: LoadedModel,
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    mask: Tensor | None,  # [1,1,H,W] 1 = object
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluder: Tensor | None = None,  # [1,1,H,W] as in `upright_shape`
) -> CoarsePoints:
    """The first half alone: the coarse points, for `occupancy_grid` and `upright_shape`."""
    shape = upright_shape(model, image, mask, device=device, progress=progress, occluder=occluder)
    if shape.views is None:
        raise BadInput(f"{model.card.name} tells no camera, so that its points belong to no view; use Regress SDF.")
    colors = torch.tensor(CLAY).expand_as(shape.points)
    return CoarsePoints(shape.points, colors, shape.views, torch.zeros_like(shape.views.masks))


def points_in_object(surface: VisibleSurface) -> Tensor:
    """Points [P,3] of a surface in the network's frame: coarse ones as they are, others normalised."""
    return surface.points / WORLD_SIDE if isinstance(surface, CoarsePoints) else normalized_points(surface.points)


@explain_oom("finding the occupancy", "compute on the CPU")
@torch.no_grad()
def occupancy_grid(model: LoadedModel, points: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Probabilities [R,R,R] (z,y,x) that the nodes of the object's cube lie on the surface of points [P,3].

    points in the network's frame, see `points_in_object`.
    """
    network = model.module.to(device)
    encoder = getattr(network, "vox_encoder", None)
    if encoder is None:
        raise BadInput(f"{model.card.name} has no occupancy grid; load a LIST model with its coarse branch.")
    probabilities = encoder(network.occupancy(points[None].to(device))).maps[0]
    return probabilities[0, 0].permute(2, 1, 0).cpu()


def normalized_points(points: Tensor) -> Tensor:
    """Points [P,3] with their box centred and its longest side 1, as the network's frame has them."""
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < MIN_POINTS:
        raise BadInput(f"The points are {tuple(points.shape)}; {MIN_POINTS} or more rows of x, y, z are needed.")
    points = points.detach().float().cpu()
    if not torch.isfinite(points).all():
        raise BadInput("The points hold NaN or infinite values; remove those.")
    low, high = points.amin(0), points.amax(0)
    side = float((high - low).max())
    if not side > 0:
        raise BadInput("All points are one and the same; give points that lie on an object.")
    return (points - (low + high) / 2) / side


def fitted_camera(views: Views, mesh: Mesh) -> Views:
    """The views with their camera's lens moved and scaled so that the mesh's outline spans the mask's box.

    The network tells the camera to a few percent of the picture, which colours at the outline would show.
    """
    if not len(mesh.vertices):
        return views
    pixels, depth = views.cameras.project(mesh.vertices)
    rows, columns = (views.masks[0, 0] > 0.5).any(1).nonzero(), (views.masks[0, 0] > 0.5).any(0).nonzero()
    wanted = torch.tensor([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]], dtype=torch.float32)
    found = torch.stack([pixels[0].amin(0), pixels[0].amax(0)])
    if bool((depth <= 0).any()) or not bool(((found[1] - found[0]) > 0).all()):
        return views
    scale = float(((wanted[1] - wanted[0]) / (found[1] - found[0])).prod().sqrt())
    shift = wanted.mean(0) - scale * found.mean(0)
    intrinsics = views.cameras.intrinsics.clone()
    intrinsics[:, :2] *= scale
    intrinsics[:, :2, 2] += shift
    return replace(views, cameras=replace(views.cameras, intrinsics=intrinsics))


def _photo_camera(view: ViewEstimate, crop: SquareCrop, size: int, height: int, width: int) -> Cameras:
    """The photo's camera in the world, from the estimated view of the crop."""
    intrinsics = crop.picture_intrinsics(view.intrinsics(size), size, height, width)
    pose = view.camera_to_upright()
    pose[:, :3, 3] *= WORLD_SIDE
    return Cameras(pose, intrinsics, height, width)
