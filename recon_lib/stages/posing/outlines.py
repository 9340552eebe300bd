"""Cameras by the outlines alone, without any surface: epipolar tangency, and how far cameras may be from the given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...progress import unchecked
from .descent import AdjustSettings, System, descend, redescending
from .increments import PARAMETERS, moved
from .tangency import Outlines, linearised, touching, usable_pairs

LEAST = 0.3  # pixels: outlines are known no better
SIDE = 192  # pixels of the pictures, longest side, to which these refer:
SIGMAS, ITERATIONS = (3.0, 1.0, 0.3), 12  # pixels, one descent after the other; of each


@dataclass(frozen=True)
class CamerasAlone:
    """A state without a surface."""

    cameras: Cameras

    def after(self, equations: System, step: Tensor) -> "CamerasAlone":
        return CamerasAlone(moved(self.cameras, step))


def adjust_to_outlines(
    cameras: Cameras, outlines: Outlines, settings: AdjustSettings, check: Callable[[], None] = unchecked
) -> Cameras:
    """The cameras after descents on their outlines, the first of which forgive most; the object is at the origin."""
    pixels = max(cameras.width, cameras.height) / SIDE
    for sigma in SIGMAS:
        how = replace(settings, tangency=max(sigma * pixels, LEAST), iterations=ITERATIONS)
        pairs = usable_pairs(cameras, outlines)
        if not pairs.shape[1]:
            break
        equations = partial(_equations, outlines=outlines, pairs=pairs, given=cameras, settings=how)
        cameras = descend(CamerasAlone(cameras), equations, how, check).cameras
    return cameras


def _equations(
    state: CamerasAlone, outlines: Outlines, pairs: Tensor, given: Cameras, settings: AdjustSettings
) -> System:
    tangents = tangent_system(state.cameras, outlines, pairs, settings)
    expected = expected_system(state.cameras, given, torch.zeros(3), settings)
    cost = tangents.cost + expected.cost
    return System(tangents.matrix + expected.matrix, tangents.vector + expected.vector, cost)


def tangent_system(cameras: Cameras, outlines: Outlines, pairs: Tensor, settings: AdjustSettings) -> System:
    """Of the planes that touch the outlines of pairs [2,N] of views; nothing without pairs."""
    if not pairs.shape[1]:
        size = len(cameras) * PARAMETERS
        return System(torch.zeros(size, size).double(), torch.zeros(size).double(), 0.0)
    residual, by_camera = (v / settings.tangency for v in linearised(cameras, touching(cameras, outlines, pairs)))
    weight, cost = redescending(residual.abs(), settings.outlier, torch.ones_like(residual))
    heavy = weight[:, None] * by_camera
    return System(heavy.T @ by_camera, heavy.T @ residual, cost)


def expected_system(cameras: Cameras, given: Cameras, middle: Tensor, settings: AdjustSettings) -> System:
    """What holds the cameras near the given ones; middle: [3] of the object, world."""
    apart = given.rotation.double().mT @ cameras.rotation.double()
    turn = torch.stack([apart[:, 2, 1], apart[:, 0, 2], apart[:, 1, 0]], -1)  # sine of the angle along the axis
    away = (cameras.rotation.double().mT @ (cameras.position - given.position).double()[..., None])[..., 0]
    distance = (given.position - middle).norm(dim=-1, keepdim=True).double()
    focal = (cameras.intrinsics[:, 1, 1:2] / given.intrinsics[:, 1, 1:2]).double().log()
    slope = torch.cat(
        [
            torch.full_like(turn, 1 / settings.pose),
            1 / (settings.pose * distance).expand(-1, 3),
            torch.full_like(focal, 1 / settings.focal),
        ],
        -1,
    ).flatten()
    residual = torch.cat([turn, away, focal], -1).flatten() * slope
    return System(torch.diag(slope**2), slope * residual, float(residual.square().sum()))
