"""The lens that took a photo: given, assumed, and what a prediction means through it.

A lens is a matrix of intrinsics [1,3,3], pixels of the photo.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...networks.contracts import DensePrediction

DEFAULT_FOV = 40.0  # degrees over the photo's longer side: see `default_lens`
ASPECT_TOLERANCE = 0.02  # relative, between the photo's sides and those of a camera given for it


def default_lens(height: int, width: int) -> Tensor:
    """What is assumed of a photo of which nothing is known: `DEFAULT_FOV` over the longer side, looking at its middle.

    People photograph things with the main camera of a phone (65-70 degrees over the longer side) from as near as it
    focuses, with its tele lens (25-45 degrees), or cut the picture afterwards; 40 degrees lies between, is what
    ZeroShape's renders have, and is off by a factor of at most 1.9 for all of these.
    """
    return lens_from_fov(DEFAULT_FOV, height, width)


def lens_from_fov(degrees: float, height: int, width: int) -> Tensor:
    """Square pixels, principal point in the middle; `degrees` in (0,180) over the longer side."""
    if not 0 < degrees < 180:
        raise BadInput(f"A field of view of {degrees:g} degrees is no lens; give one between 0 and 180, such as 40.")
    focal = max(height, width) / (2 * math.tan(math.radians(degrees) / 2))
    return torch.tensor([[[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]])


def lenses_of(cameras: Cameras, count: int, height: int, width: int) -> Tensor:
    """The lenses [count,3,3] of cameras that were given for photos of that size; their poses do not matter.

    One camera serves all photos. Raises `BadInput` for another number and for cameras of another shape of picture.
    """
    if len(cameras) not in (1, count):
        raise BadInput(f"There are {len(cameras)} cameras and {count} photos; give the one that took each.")
    if abs(cameras.width / cameras.height / (width / height) - 1) > ASPECT_TOLERANCE:
        sizes = f"The camera's picture is {cameras.width}x{cameras.height} and the photo {width}x{height}"
        raise BadInput(f"{sizes}; give the camera of this very photo.")
    lens = cameras.resized(height, width).intrinsics.cpu().float()
    if not (lens[:, :2, :2].diagonal(dim1=1, dim2=2) > 0).all():
        raise BadInput("The camera's focal length is not above 0; give its intrinsics in pixels.")
    return lens.expand(count, -1, -1)


def through_lens(prediction: DensePrediction, intrinsics: Tensor) -> DensePrediction:
    """What a network predicted of a crop, for a camera of other intrinsics [1,3,3] than it predicted.

    A picture shows relief in units of its own width at the object's distance, which is about log depth times focal
    length; so log depth is scaled by the ratio of the focal lengths.
    """
    intrinsics = intrinsics.to(prediction.intrinsics)
    ratio = (prediction.intrinsics[:, 0, 0] / intrinsics[:, 0, 0])[:, None, None, None]
    depth = torch.where(prediction.dense.depth > 0, prediction.dense.depth.clamp_min(1e-9) ** ratio, 0.0)
    return replace(prediction, dense=replace(prediction.dense, depth=depth), intrinsics=intrinsics)


def fov_of(lens: Tensor, height: int, width: int) -> float:
    """Degrees over the longer side of a photo."""
    row = 0 if width >= height else 1
    return math.degrees(2 * math.atan(max(height, width) / (2 * float(lens[0, row, row]))))
