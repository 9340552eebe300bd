"""Cameras of photos as cameras of a glTF scene (Khronos specification 2.0, section 3.10): viewers look through them."""

import logging
import math
from collections.abc import Sequence

from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras

log = logging.getLogger("recon3d")
OFF_MIDDLE = 0.005  # of the picture's height
NEAR, FAR = 0.01, 100.0  # of the distance from the mesh's middle


def gltf_cameras(cameras: Cameras, middle: Tensor) -> tuple[list[dict], list[dict]]:
    """The entries "cameras" and their "nodes" for cameras of the mesh's own frame, whose middle lies at [3].

    A glTF camera looks along -z with +y up, and its pixels may be oblong; it has no principal point: photos whose lens
    looks past their middle, as cropped ones do, get a line in the log. Positions are in double precision.
    """
    entries, nodes = [], []
    focal = cameras.intrinsics.double().cpu()
    x, y = focal[:, 0, 2] - cameras.width / 2, focal[:, 1, 2] - cameras.height / 2
    if float(max(x.abs().max(), y.abs().max())) > OFF_MIDDLE * cameras.height:
        log.warning("A GLB's camera looks through the middle of its picture, this photo's does not: take it uncropped.")
    for index in range(len(cameras)):
        fx, fy = float(focal[index, 0, 0]), float(focal[index, 1, 1])
        distance = max(float((cameras.position[index].cpu() - middle.cpu()).norm()), 1e-6)
        perspective = {
            "yfov": 2 * math.atan(cameras.height / 2 / fy),
            "aspectRatio": cameras.width / fx / (cameras.height / fy),
            "znear": NEAR * distance,
            "zfar": FAR * distance,
        }
        name = "photo" if len(cameras) == 1 else f"photo {index + 1}"
        entries.append({"type": "perspective", "perspective": perspective, "name": name})
        nodes.append({"camera": index, "name": name, **_place(cameras[index])})
    return entries, nodes


def _place(camera: Cameras) -> dict[str, Sequence[float]]:
    """Rotation (x, y, z, w) and translation of a camera's node."""
    from scipy.spatial.transform import Rotation

    turn = (camera.rotation[0].cpu() @ FLIP_YZ).double().numpy()
    position = camera.position[0].double().cpu().tolist()
    translation = [at + start for at, start in zip(position, camera.origin, strict=True)]
    return {"rotation": Rotation.from_matrix(turn).as_quat().tolist(), "translation": translation}
