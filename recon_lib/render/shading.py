"""Shading: colours of pixels from albedo, normals and depth."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput

SHADINGS = ("lit", "albedo", "clay", "normal", "depth", "provenance")
CLAY = (0.78, 0.76, 0.73)  # sRGB of a surface without colour
GAMMA = 2.2  # lights are summed in linear space; the exact sRGB curve would make no visible difference

# Lights in the camera's frame, as (direction to the light, strength); axes: x right, y up, z to the viewer.
# Key light from above left, weak fill light from the right, headlight; hemisphere ambient keeps undersides visible.
LIGHTS = (((-0.5, 0.75, 0.65), 0.68), ((0.9, 0.1, 0.45), 0.15), ((0.0, 0.0, 1.0), 0.14))
SKY, GROUND = 0.26, 0.08
WRAP = 0.1  # of wrapped diffuse lighting, which softens the terminator


def check_shading(shading: str) -> None:
    """Raise `BadInput` for a name that is not in `SHADINGS`."""
    if shading not in SHADINGS:
        raise BadInput(f"Shading {shading!r} is not known; choose one of {', '.join(SHADINGS)}.")


def lit(albedo: Tensor, normals: Tensor) -> Tensor:
    """Soft diffuse shading of both sides. albedo [...,3] sRGB, normals [...,3] camera frame -> [...,3] sRGB 0-1."""
    viewer_normals = to_opengl(normals)
    viewer_normals = viewer_normals * torch.where(viewer_normals[..., 2:] < 0, -1.0, 1.0)  # both sides are lit
    light = GROUND + (SKY - GROUND) * (viewer_normals[..., 1:2] + 1) / 2
    for direction, strength in LIGHTS:
        direction = F.normalize(viewer_normals.new_tensor(direction), dim=0)
        cosine = (viewer_normals * direction).sum(-1, keepdim=True)
        light = light + strength * (cosine * (1 - WRAP) + WRAP).clamp_min(0)
    return (albedo.clamp(0, 1) ** GAMMA * light).clamp(0, 1) ** (1 / GAMMA)


def to_opengl(normals: Tensor) -> Tensor:
    """Camera-frame normals [...,3] with OpenGL axes, x right, y up, z to the viewer, from OpenCV's; also inverse."""
    return normals * normals.new_tensor([1.0, -1.0, -1.0])


def normal_colors(normals: Tensor) -> Tensor:
    """OpenGL-style normal-map colours [...,3] sRGB 0-1 of camera-frame normals [...,3]."""
    return (to_opengl(normals) + 1) / 2


def depth_colors(depth: Tensor) -> Tensor:
    """Grey values [...,3] of z-depth [...,1], 0 = none: white at the nearest point, dark grey at the farthest."""
    seen = depth > 0
    if not seen.any():
        return depth.expand(*depth.shape[:-1], 3)
    near, far = depth[seen].min(), depth[seen].max()
    grey = 1 - 0.85 * (depth - near) / (far - near).clamp_min(1e-6)
    return torch.where(seen, grey, 0.0).expand(*depth.shape[:-1], 3)
