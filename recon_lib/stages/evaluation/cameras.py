"""Errors of cameras whose world is known up to a similarity."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...meshes.align import Similarity, similarity_from_pairs


@dataclass(frozen=True)
class CameraErrors:
    """Errors of V cameras after the best similarity."""

    rotation: Tensor  # [V] degrees
    position: Tensor  # [V] per cent of the true camera's distance from what the cameras look at
    focal: Tensor  # [V] per cent of the true focal length


def camera_errors(cameras: Cameras, truth: Cameras) -> CameraErrors:
    """Errors of `cameras` against `truth`, camera by camera, after the similarity that aligns them best.

    Raises `BadInput` for fewer than two cameras and for numbers that differ.
    """
    aligned = transformed(cameras, align_cameras(cameras, truth))
    turn = aligned.rotation.double().mT @ truth.rotation.double()
    sine = (turn - torch.eye(3, dtype=torch.float64)).square().sum((1, 2)).sqrt() / 8**0.5  # of half the angle
    distance = (truth.position - looked_at(truth)).norm(dim=-1)
    position = (aligned.position - truth.position).norm(dim=-1) / distance
    focal = cameras.intrinsics[:, 1, 1] / cameras.height / (truth.intrinsics[:, 1, 1] / truth.height) - 1
    return CameraErrors(torch.rad2deg(2 * sine.clamp(0, 1).asin()).float(), 100 * position, 100 * focal.abs())


def align_cameras(cameras: Cameras, truth: Cameras) -> Similarity:
    """The similarity that takes `cameras` to `truth` with the least squares.

    Umeyama's closed form over the optical centres and, so that two cameras or a straight row of them have an answer,
    over the tips of their axes, which are as long as the centres spread.
    """
    if len(cameras) != len(truth):
        raise BadInput(f"{len(cameras)} cameras cannot be compared with {len(truth)}; give as many, in the same order.")
    if len(cameras) < 2:
        raise BadInput("One camera has no scale to be aligned by; compare two or more.")
    return similarity_from_pairs(_frame_points(cameras), _frame_points(truth))


def _frame_points(cameras: Cameras) -> Tensor:
    """Optical centres and the tips of the three axes, [4V,3]."""
    centres = cameras.position.double()
    length = (centres - centres.mean(0)).norm(dim=-1).mean()
    if length <= 0:
        raise BadInput("All cameras stand on one spot, so they have no scale; check their poses.")
    return torch.cat([centres, *(centres + length * cameras.rotation[..., i].double() for i in range(3))])


def transformed(cameras: Cameras, similarity: Similarity) -> Cameras:
    """The same cameras in a world to which `similarity` takes theirs."""
    pose = cameras.camera_to_world.clone()
    pose[:, :3, :3] = (similarity.rotation @ cameras.rotation.double()).float()
    pose[:, :3, 3] = similarity(cameras.position.double()).float()
    return replace(cameras, camera_to_world=pose)


def looked_at(cameras: Cameras) -> Tensor:
    """The point [3] nearest to all optical axes, world, in the least squares' sense."""
    axis = cameras.rotation[:, :, 2].double()
    across = torch.eye(3, dtype=torch.float64) - axis[:, :, None] * axis[:, None]  # [V,3,3] projectors off the axes
    centre = (across @ cameras.position.double()[..., None]).sum(0)[:, 0]
    return (torch.linalg.pinv(across.sum(0)) @ centre).float()
