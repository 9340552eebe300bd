"""Views of photos whose depth, lens and poses another model estimated, for Visible Surface, the fits and POP3D."""

import logging
import math
from dataclasses import replace

import torch
from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras
from ...cameras.world_up import turn_to_y_up, turned_cameras, world_up
from ...errors import BadInput
from ...meshes.bounding_sphere import bounding_sphere
from ...views.comfy_geometry import Geometry
from ...views.object_frame import ObjectFrame
from ...views.prepare import prepare_mask
from ...views.views import Views
from .lens import default_lens, lenses_of

log = logging.getLogger("recon3d")
OUTLIERS = 0.01  # of the points along each axis, on either side, that say nothing of the object's place
MOST_POINTS = 50_000  # that say it
ROOM = 1.02  # factor of the radius


def views_from_geometry(geometry: Geometry, masks: Tensor | None = None, cameras: Cameras | None = None) -> Views:
    """The photos as posed views with depth, in a world in which the object lies in the unit sphere.

    masks: [1 or B,1,H,W] 1 = object; None: all that has depth. cameras: their lens counts instead of the geometry's.
    Depth Anything 3 says none of one photo; without either it is the default one, with a line in the log.
    One photo: the camera looks along -z; as much lies behind the visible surface as it is wide. Several: +y is up and
    the first camera stands in front (+z). Raises `BadInput` for several photos without poses and masks without depth.
    """
    count, _, height, width = geometry.images.shape
    if count > 1 and geometry.world_to_camera is None:
        raise BadInput(
            f"The geometry has {count} photos without poses; estimate them together (Depth Anything 3 in its mode "
            "multiview), or give one photo."
        )
    depth, lens = geometry.depth, _lens(geometry, cameras)
    if masks is None:
        masks = (depth > 0).float()
    else:
        masks = prepare_mask(masks, count, height, width)
        depth = depth * (masks > 0.5)
    pose = torch.eye(4)[None] if geometry.world_to_camera is None else geometry.world_to_camera
    posed = Cameras(torch.linalg.inv(pose.double()).float(), lens, height, width)
    views = Views(geometry.images, posed if count > 1 else _facing(posed), masks, depth, geometry.normals)
    if count > 1:
        views = replace(views, cameras=_upright(views.cameras))
    return _frame(views).views_into(views)


def _lens(geometry: Geometry, cameras: Cameras | None) -> Tensor:
    count, _, height, width = geometry.images.shape
    if cameras is not None:
        return lenses_of(cameras, count, height, width)
    if geometry.intrinsics is not None:
        return geometry.intrinsics
    log.warning("The geometry says no lens: 40 degrees over the longer side are assumed; connect a camera to say more.")
    return default_lens(height, width).expand(count, -1, -1)


def _facing(cameras: Cameras) -> Cameras:
    """The one camera at the origin, looking along -z."""
    pose = torch.eye(4)[None]
    pose[0, :3, :3] = FLIP_YZ
    return replace(cameras, camera_to_world=pose)


def _upright(cameras: Cameras) -> Cameras:
    """The cameras in a world with +y up, the first one in front of what they look at."""
    cameras = turned_cameras(cameras, turn_to_y_up(world_up(cameras, along_axes=False)))
    x, _, z = (-cameras.rotation[0, :, 2]).double().tolist()
    angle = math.atan2(x, z)
    c, s = math.cos(angle), math.sin(angle)
    return turned_cameras(cameras, torch.tensor([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]], dtype=torch.float64))


def _frame(views: Views) -> ObjectFrame:
    """The frame whose unit sphere holds the points that the depth shows."""
    on = (views.depth[:, 0] > 0) & (views.masks[:, 0] > 0.5)
    points = views.cameras.unproject(views.depth)[on]
    if not len(points):
        raise BadInput("The geometry knows no depth on the object; check the mask, or lower the confidence.")
    points = points[:: max(len(points) // MOST_POINTS, 1)]
    low, high = torch.quantile(points, torch.tensor([OUTLIERS, 1 - OUTLIERS]), dim=0)
    within = ((points >= low) & (points <= high)).all(1)
    center, radius = bounding_sphere(points[within] if within.any() else points)
    if len(views) == 1:  # the front alone: as deep as it is wide
        half = float((high - low)[:2].max()) / 2
        center = (low + high).double() / 2
        center[2] = float(high[2]) - max(half, float(high[2] - low[2]) / 2)
        radius = float((points[within].double() - center).norm(dim=-1).max()) if within.any() else half
    if not radius > 0:
        raise BadInput("The geometry's points on the object all lie in one place; check its depth and the mask.")
    x, y, z = center.tolist()
    return ObjectFrame((x, y, z), radius * ROOM)
