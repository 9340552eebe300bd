"""From what a pixel sees (albedo, normal, depth) to the colour that is shown."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput

SHADINGS = ("lit", "albedo", "clay", "normal", "depth", "provenance")
CLAY = (0.78, 0.76, 0.73)  # sRGB of a surface without colour
GAMMA = 2.2  # light adds up in linear space; the exact sRGB curve would not be told apart here

# Lights that travel with the camera, as (direction to the light, strength); axes: x right, y up, z to the viewer.
# Key from above left, weak fill from the right, headlight; a hemisphere from above keeps undersides readable.
LIGHTS = (((-0.5, 0.75, 0.65), 0.68), ((0.9, 0.1, 0.45), 0.15), ((0.0, 0.0, 1.0), 0.14))
SKY, GROUND = 0.26, 0.08
WRAP = 0.1  # light that bends around the terminator, so that it does not end in a hard line


def check_shading(shading: str) -> None:
    """Raise `BadInput` for a name that is not in `SHADINGS`."""
    if shading not in SHADINGS:
        raise BadInput(f"Shading {shading!r} is not known; choose one of {', '.join(SHADINGS)}.")


def lit(albedo: Tensor, normals: Tensor) -> Tensor:
    """Soft diffuse shading of both sides. albedo [...,3] sRGB, normals [...,3] camera frame -> [...,3] sRGB 0-1."""
    toward = to_opengl(normals)
    toward = toward * torch.where(toward[..., 2:] < 0, -1.0, 1.0)  # light whichever side is seen
    light = GROUND + (SKY - GROUND) * (toward[..., 1:2] + 1) / 2
    for direction, strength in LIGHTS:
        direction = F.normalize(toward.new_tensor(direction), dim=0)
        facing = (toward * direction).sum(-1, keepdim=True)
        light = light + strength * (facing * (1 - WRAP) + WRAP).clamp_min(0)
    return (albedo.clamp(0, 1) ** GAMMA * light).clamp(0, 1) ** (1 / GAMMA)


def to_opengl(normals: Tensor) -> Tensor:
    """Camera-frame normals [...,3] from OpenCV axes to x right, y up, z toward the viewer (and back)."""
    return normals * normals.new_tensor([1.0, -1.0, -1.0])


def normal_colors(normals: Tensor) -> Tensor:
    """OpenGL-style normal-map colours of camera-frame normals [...,3] -> [...,3] sRGB 0-1."""
    return (to_opengl(normals) + 1) / 2


def depth_colors(depth: Tensor) -> Tensor:
    """Grey values of z-depth [...,1] with 0 = none -> [...,3]: white at the nearest, dark grey at the farthest."""
    seen = depth > 0
    if not seen.any():
        return depth.expand(*depth.shape[:-1], 3)
    near, far = depth[seen].min(), depth[seen].max()
    grey = 1 - 0.85 * (depth - near) / (far - near).clamp_min(1e-6)
    return torch.where(seen, grey, 0.0).expand(*depth.shape[:-1], 3)
