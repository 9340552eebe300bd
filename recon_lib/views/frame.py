"""One posed picture of a source, whatever format tells its camera."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera_json import FARTHEST
from ..cameras.lens_json import WIDEST, Lens, is_scaled
from ..errors import BadInput
from .image_files import TRANSPOSED, Size, read_size

LONGEST, ASIDE = 1e4, 100.0  # longer sides of a picture: focal lengths of telescopes, centres of far cut-outs
DEPTH_UNIT = 0.001  # world units per stored unit


@dataclass(frozen=True)
class Frame:
    """One picture with its camera, and with what the picture's header tells."""

    paths: dict[str, Path]  # image, and mask, depth, normals, provenance where the source names them
    pose: Tensor  # [4,4] float64 camera-to-world, OpenCV axes
    lens: Lens
    width: int  # pixels of the image, after the turn
    height: int
    upright: bool  # the image is turned as its EXIF tag says
    depth_unit: float = DEPTH_UNIT


def frame_of(image: Path, pose: Tensor, lens: Lens, told: tuple[int, int] | None, source: str) -> Frame:
    """The frame of a picture with camera-to-world `pose` [4,4] float64 and a lens in pixels of `told` (width, height).

    told None: the lens counts in the picture's own pixels. Reduced copies of what was told scale the lens.
    Raises `BadInput` for a picture of another shape, and for poses that are far away or not finite.
    """
    stored = read_size(image)
    upright = is_upright(stored, told, image.name)
    width, height = stored.upright() if upright else (stored.width, stored.height)
    lens = checked_lens(scaled_lens(lens, (width, height), told, image.name), (width, height), image.name)
    return Frame({"image": image}, checked_pose(pose, image.name, source), lens, width, height, upright)


def checked_lens(lens: Lens, size: tuple[int, int], name: str) -> Lens:
    """The lens. Raises `BadInput` where it cannot have taken a picture of `size` (width, height)."""
    longest, matrix = max(size), lens.intrinsics
    for focal in (float(matrix[0, 0]), float(matrix[1, 1])):
        if not WIDEST * longest <= focal <= LONGEST * longest:
            raise BadInput(
                f"The focal length of {name} is {focal:g} for {size[0]}x{size[1]} pixels, which no lens has; give it "
                "in pixels of this picture."
            )
    if float(matrix[:2, 2].abs().max()) > ASIDE * longest:
        x, y = matrix[:2, 2].tolist()
        raise BadInput(f"The centre of {name} is ({x:g}, {y:g}) for {size[0]}x{size[1]} pixels; give it in pixels.")
    return lens


def checked_pose(pose: Tensor, name: str, source: str) -> Tensor:
    """The pose. Raises `BadInput` if it is not finite or too far away."""
    if not bool(torch.isfinite(pose).all()):
        raise BadInput(f"The pose of {name} in {source} holds NaN or infinity; take its picture out.")
    if float(pose[:3, 3].abs().max()) > FARTHEST:
        raise BadInput(f"The pose of {name} in {source} lies beyond {FARTHEST:g} units; write it in other units.")
    return pose


def scaled_lens(lens: Lens, size: tuple[int, int], told: tuple[int, int] | None, name: str) -> Lens:
    """The lens in pixels of `size` (width, height), of one in pixels of `told`. Raises `BadInput` for another shape."""
    if told is None or told == size:
        return lens
    if not is_scaled(size, told):
        raise BadInput(
            f"w and h of {name} are {told[0]} and {told[1]}, its image has {size[0]}x{size[1]} pixels; "
            "give the image's own size."
        )
    scale = torch.tensor([[size[0] / told[0]], [size[1] / told[1]], [1.0]], dtype=torch.float64)
    return replace(lens, intrinsics=lens.intrinsics * scale)


def is_upright(stored: Size, told: tuple[int, int] | None, name: str) -> bool:
    """Whether an image counts as turned by its EXIF tag: the size (width, height) that the file tells decides."""
    if stored.orientation == 1:
        return True
    if told is not None and stored.orientation in TRANSPOSED and stored.width != stored.height:
        turned, plain = (is_scaled(size, told) for size in (stored.upright(), (stored.width, stored.height)))
        if turned or plain:
            if turned != plain:
                return turned
        else:
            return True  # the sizes do not fit either way, which is told with the lens
    raise BadInput(
        f"{name} is turned by its EXIF tag, and w and h do not tell whether its pose is for the image before or after "
        "the turn; save the images without the tag."
    )
