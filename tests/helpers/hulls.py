"""Views of solids whose visual hulls have closed forms."""

import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.views.views import Views

FAR, NARROW = 200.0, 0.7  # distance and field of view: rays are parallel to 1/200; the unit ball fills 0.82


def ball_mask(cameras: Cameras, radius: float, centre=(0.0, 0.0, 0.0)) -> Tensor:
    """[V,1,H,W] float: rays through pixel centres that meet a ball."""
    origins, directions = cameras.rays()
    away = torch.linalg.cross(torch.tensor(centre) - origins, directions).norm(dim=-1)
    return (away < radius)[:, None].float()


def box_mask(cameras: Cameras, half=(0.5, 0.5, 0.5)) -> Tensor:
    """[V,1,H,W] float: rays through pixel centres that meet a box around the origin (slab test)."""
    origins, directions = cameras.rays()
    directions = torch.where(directions.abs() < 1e-9, 1e-9, directions)
    sides = [(side * torch.tensor(half) - origins) / directions for side in (-1, 1)]
    return (torch.minimum(*sides).amax(-1) < torch.maximum(*sides).amin(-1))[:, None].float()


def masked(cameras: Cameras, masks: Tensor, **layers: Tensor) -> Views:
    """Views of nothing but their masks."""
    return Views(masks.expand(-1, 3, -1, -1), cameras, masks, **layers)


def around(count: int = 12, size: int = 192, distance: float = 3.5) -> Cameras:
    """Cameras all around the object, below and above it."""
    azimuths = [360.0 * i / count for i in range(count)]
    return Cameras.orbit(azimuths, [(0.0, 30.0, -30.0)[i % 3] for i in range(count)], distance, 40.0, size, size)


def straight(directions: str = "zxy", size: int = 256) -> Cameras:
    """Almost parallel projections along the named axes: "z" from the front, "x" from the right, "y" from above."""
    angles = {"z": (0.0, 0.0), "x": (90.0, 0.0), "y": (0.0, 90.0)}
    azimuths, elevations = zip(*(angles[d] for d in directions), strict=True)
    return Cameras.orbit(azimuths, elevations, FAR, NARROW, size, size)


def eroded(masks: Tensor) -> Tensor:
    """Without the outermost pixel, corners too."""
    return -torch.nn.functional.max_pool2d(-masks, 3, 1, 1)


def dilated(masks: Tensor) -> Tensor:
    """With one pixel more, corners too."""
    return torch.nn.functional.max_pool2d(masks, 3, 1, 1)


def iou(a: Tensor, b: Tensor) -> float:
    """Intersection over union of boolean grids."""
    return float((a & b).sum() / (a | b).sum())


def recall(predicted: Tensor, truth: Tensor) -> float:
    """Fraction of `truth` that was predicted."""
    return float((predicted & truth).sum() / truth.sum())
