"""Alignment of a mesh to a photo: the cameras under which the photo could show it, each with its score."""

import logging
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....meshes.mesh import Mesh
from ....progress import Progress
from ....views.photo_camera import camera_from_fov
from ....views.views import Views
from .adjust import Evidence, adjusted, with_focal
from .model import Model
from .score import Score, score
from .search import angle, search
from .target import Photo, Target

log = logging.getLogger("recon3d")
TITLE = "Align mesh to photo"
GUESSED_FOV = 40.0  # degrees over the photo's longer side
COARSE_LEVELS = 2  # on which a mesh without colours keeps twice as many answers
ZOOMS = 0.7, 1.4  # other lenses: perspective and pose explain each other, so a refinement can end between two


@dataclass(frozen=True)
class AlignSettings:
    """The defaults take 10 to 14 seconds on one core."""

    candidates: int = 16  # of the coarse search
    bare: int = 3  # times as many for a mesh without colours: outlines alone tell less
    apart: float = 12.0  # degrees between them
    levels: tuple[tuple[int, int, int], ...] = (
        (64, 6, 8),
        (96, 10, 4),
        (160, 15, 4),
        (256, 6, 4),
    )  # side, rounds at most, kept
    zoomed: int = 3  # best answers of the first level that are tried with other lenses too, if none is known
    distinct: float = 8.0  # degrees from which two answers are different ones
    focal_first: float = 0.15  # deviation of the focal length's logarithm on the first level, if it is not known
    focal: float = 0.5  # the same afterwards
    focal_known: float = 0.005  # the same, if it is known


@dataclass(frozen=True)
class Answer:
    """One camera under which the photo could show the mesh."""

    cameras: Cameras  # one, in the mesh's world, of the photo's pixels
    score: Score


def align_mesh(
    mesh: Mesh,
    view: Views,
    *,
    known_lens: bool = False,
    settings: AlignSettings | None = None,
    progress: Progress | None = None,
) -> list[Answer]:
    """Cameras for a photo of the mesh, best first; several where the mesh looks alike from several sides.

    view: one photo with the object's mask, and normals where they are known (camera frame); of its camera only the
    lens counts: exactly (`known_lens`), or as a first guess, whose principal point is right. Light, and what the mesh's
    colours say of it, are estimated. The mesh may be open, wound either way, cross itself, and lie anywhere.
    Raises `BadInput` for a mesh without extent and for a mask that marks nothing, or everything.
    """
    settings, progress = settings or AlignSettings(), progress or Progress()
    progress.start(TITLE, 1 + len(settings.levels))
    with torch.no_grad():
        model, photo = Model.of(mesh, progress.check), Photo.of(view)
        target = photo.at(settings.levels[0][0])
        candidates = settings.candidates * (1 if model.colored else settings.bare)
        poses = list(search(model, target, candidates, settings.apart, progress.check).cameras)
        progress.step()
        answers: list[tuple[Cameras, Score]] = []
        for number, (side, rounds, kept) in enumerate(settings.levels):
            target = photo.at(side)
            deviation = settings.focal_known if known_lens else settings.focal if number else settings.focal_first
            answers = _refined(model, poses, target, rounds, deviation, progress)
            more = 2 if number < COARSE_LEVELS and not model.colored else 1
            answers = _distinct(answers, settings.distinct)[: more * kept]
            poses = [camera for camera, _ in answers]
            if not number and not known_lens:
                poses += [with_focal(pose, zoom * _focal(pose)) for pose in poses[: settings.zoomed] for zoom in ZOOMS]
            progress.step()
    found = [Answer(_whole(camera, target, photo, model), each) for camera, each in answers]
    log.info("aligned: %s", "; ".join(str(answer.score) for answer in found))
    return found


def photo_view(image: Tensor, mask: Tensor | None, lens: Cameras | None = None, normals: Tensor | None = None) -> Views:
    """One photo [1,3,H,W] with its mask [1,1,H,W] as `align_mesh` takes it; without a lens, the usual guess.

    Raises `BadInput` without a mask.
    """
    if mask is None:
        raise BadInput("The mask is empty, and without one the mesh cannot be aligned; connect Segment's object.")
    height, width = image.shape[-2:]
    if lens is None:
        half = math.tan(math.radians(GUESSED_FOV) / 2) * height / max(height, width)
        lens = camera_from_fov(math.degrees(2 * math.atan(half)), height, width)
    pose = torch.eye(4)[None]
    return Views(image, replace(lens[0].resized(height, width), camera_to_world=pose), mask, normals=normals)


def _refined(
    model: Model, poses: list[Cameras], target: Target, rounds: int, deviation: float, progress: Progress
) -> list[tuple[Cameras, Score]]:
    """All poses after `rounds` against the target, with their scores, best first."""
    evidence = Evidence.of(target, model.colored)
    focal = math.log(float(target.camera.intrinsics[0, 1, 1])), deviation
    refined = []
    for pose in poses:
        camera = adjusted(model, pose.resized(target.side, target.side), evidence, rounds, focal, progress.check)
        refined.append((camera, score(model, camera, target)))
    return sorted(refined, key=lambda pair: -pair[1].total)


def _focal(camera: Cameras) -> float:
    """Pixels."""
    return float(camera.intrinsics[0, 1, 1])


def _distinct(answers: list[tuple[Cameras, Score]], apart: float) -> list[tuple[Cameras, Score]]:
    """The answers without those that are close to a better one."""
    kept: list[tuple[Cameras, Score]] = []
    for answer in answers:
        if all(angle(answer[0].rotation[0], other[0].rotation[0]) >= apart for other in kept):
            kept.append(answer)
    return kept


def _whole(camera: Cameras, target: Target, photo: Photo, model: Model) -> Cameras:
    """The camera of the whole photo, in the mesh's own world."""
    height, width = photo.view.images.shape[-2:]
    intrinsics = photo.crop.picture_intrinsics(camera.intrinsics, target.side, height, width)
    return model.camera_out(replace(camera, intrinsics=intrinsics, height=height, width=width))
