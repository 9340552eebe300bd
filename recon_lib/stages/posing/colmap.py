"""Cameras of photos that overlap, by COLMAP's structure from motion (Schönberger & Frahm 2016), which pycolmap brings.

Features are searched in the masks' surroundings: what the object stands on moves with it and has more texture than it
often has itself, and what lies far away may not stand still. The world that comes out has the object at its origin, in
about the unit sphere, and the mean of the cameras' up directions along +y.
"""

import logging
import tempfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...cameras.colmap_lenses import lens_of_model
from ...cameras.distortion import undistorted
from ...check import check_finite, check_shape
from ...errors import BadInput
from ...progress import Progress
from ...views.photo import save_image
from ...views.views import Views

if TYPE_CHECKING:
    import pycolmap

log = logging.getLogger("recon3d")
SURROUNDINGS = 0.15  # of the longest side: by how much masks are widened
FEWEST, ENOUGH = 3, 0.6  # photos that must register: so many, and this part of all
GUESSED_FOCAL = 1.2  # longest sides; a phone's main lens has about 0.75 to 0.8, a portrait lens 2
INNER = 0.9  # of the object's points lie within the unit sphere's scale
SEED_LIMIT = 2**31 - 1  # COLMAP's seeds are 32-bit


@dataclass(frozen=True)
class PosedPhotos:
    """Photos whose cameras were found."""

    views: Views  # those that registered, undistorted, in the order given
    registered: tuple[int, ...]  # their numbers among the photos given, from 0
    reprojection_error: float  # mean, pixels
    points: Tensor  # [N,3] sparse points, world


def pose_photos(
    images: Tensor,  # [V,3,H,W] sRGB 0-1
    masks: Tensor | None = None,  # [V,1,H,W] 0-1, 1 = object
    *,
    focal: float | None = None,
    surroundings: float = SURROUNDINGS,
    seed: int = 0,
    threads: int = -1,
    progress: Progress | None = None,
) -> PosedPhotos:
    """Cameras of photos of one lens that overlap, for example 20 to 40 around an object.

    masks: features are searched in them, widened by `surroundings` (part of the longest side), and the object that they
    mark is centred; without them everything counts as object.
    focal: in pixels, as a prior, such as EXIF tells (`views.photo_camera.exif_camera`); None: guessed, then adjusted.
    threads: 1 gives the same bytes for the same seed; -1, all cores, nearly so.
    Photos that do not register are left out. Raises `BadInput` if pycolmap is not installed, and if fewer than 3 photos
    or 60 % of them register.
    """
    _check(images, masks, focal)
    progress = progress or Progress()
    progress.start("Pose photos", 4)
    with tempfile.TemporaryDirectory(prefix="recon3d_") as folder:
        names = _write(Path(folder), images, masks, surroundings, progress)
        progress.step()
        found = _reconstruct(Path(folder), names, images, focal, seed, threads, progress)
        registered = [] if found is None else sorted(names.index(image.name) for image in _images(found))
        count = len(images)
        if found is None or len(registered) < max(FEWEST, ENOUGH * count):
            raise BadInput(
                f"Only {len(registered)} of {count} photos register, their overlap is too small; take more of them, at "
                "most 15 degrees apart, on a textured ground that stays in the picture, or give rough poses and refine "
                "them."
            )
        if len(registered) < count:
            missing = ", ".join(str(i + 1) for i in range(count) if i not in registered)
            log.warning("%d of %d photos register; left out: %s", len(registered), count, missing)
        posed = _posed(found, names, registered, images, masks)
    progress.step()
    return posed


def _check(images: Tensor, masks: Tensor | None, focal: float | None) -> None:
    check_shape("images", images, "V", 3, "H", "W")
    check_finite("images", images)
    if masks is not None:
        check_shape("masks", masks, len(images), 1, *images.shape[-2:])
        check_finite("masks", masks)
    if len(images) < FEWEST:
        raise BadInput(f"{len(images)} photos are too few to find cameras; give 3 or more, better 20.")
    if focal is not None and not 0 < focal < 100 * max(images.shape[-2:]):
        raise BadInput(f"A focal length of {focal} pixels is none; leave it out to have it found.")
    if find_spec("pycolmap") is None:
        raise BadInput(
            "Finding the cameras of photos needs the package pycolmap; install it (pip install pycolmap), or use "
            "Turntable Cameras."
        )


def _write(folder: Path, images: Tensor, masks: Tensor | None, surroundings: float, progress: Progress) -> list[str]:
    """Photos and masks in folders as COLMAP wants them. -> the photos' names"""
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    names = [f"{i:05d}.png" for i in range(len(images))]
    radius = round(surroundings * max(images.shape[-2:]))
    for i, name in enumerate(names):
        progress.check()
        save_image(images[i], folder / "images" / name)
        if masks is not None:
            near = F.max_pool2d((masks[i] > 0.5).float(), 2 * radius + 1, 1, radius)
            save_image(near.expand(3, -1, -1), folder / "masks" / f"{name}.png")
    return names


def _reconstruct(
    folder: Path, names: list[str], images: Tensor, focal: float | None, seed: int, threads: int, progress: Progress
) -> "pycolmap.Reconstruction | None":
    """The largest model that COLMAP makes; None if it makes none."""
    import pycolmap

    pycolmap.set_random_seed(seed % SEED_LIMIT)
    height, width = images.shape[-2:]
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "SIMPLE_RADIAL"
    if any((folder / "masks").iterdir()):
        reader.mask_path = folder / "masks"
    if focal is not None:
        reader.camera_params = f"{focal},{width / 2},{height / 2},0"
    reader.default_focal_length_factor = GUESSED_FOCAL
    extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
    mapping = pycolmap.IncrementalPipelineOptions()
    for options in (extraction, matching, mapping):
        options.num_threads = threads
    mapping.random_seed = mapping.mapper.random_seed = seed % SEED_LIMIT
    mapping.min_model_size, mapping.multiple_models = FEWEST, True
    database, cpu = folder / "features.db", pycolmap.Device.cpu
    pycolmap.extract_features(
        database, folder / "images", names, pycolmap.CameraMode.SINGLE, reader, extraction, device=cpu
    )
    progress.step()
    pycolmap.match_exhaustive(database, matching, device=cpu)
    progress.step()
    output = folder / "model"
    output.mkdir()
    stop = progress.check
    models = pycolmap.incremental_mapping(database, folder / "images", output, mapping, next_image_callback=stop)
    largest = sorted(models.values(), key=lambda model: model.num_reg_images())[-1:]
    return largest[0] if largest else None


def _images(model: "pycolmap.Reconstruction") -> list["pycolmap.Image"]:
    return [model.images[i] for i in model.reg_image_ids()]


def _posed(
    model: "pycolmap.Reconstruction",
    names: list[str],
    registered: list[int],
    images: Tensor,
    masks: Tensor | None,
) -> PosedPhotos:
    """Views of the registered photos without distortion, the object at the origin."""
    height, width = images.shape[-2:]
    by_name = {image.name: image for image in _images(model)}
    poses, matrices, planes = [], [], []
    for i in registered:
        image = by_name[names[i]]
        colmap_camera = model.cameras[image.camera_id]
        lens = lens_of_model(colmap_camera.model.name, colmap_camera.params.tolist(), f"Photo {i + 1}")
        matrix = torch.as_tensor(colmap_camera.calibration_matrix()).float()
        world = torch.eye(4, dtype=torch.float64)
        world[:3] = torch.as_tensor(image.cam_from_world().inverse().matrix())
        mask = torch.ones(1, height, width) if masks is None else masks[i].float()
        plane = torch.cat([images[i].float(), mask])
        if lens.distortion is not None:
            plane = undistorted(plane, matrix, lens.distortion)[:4]
        poses.append(world)
        matrices.append(matrix)
        planes.append(plane)
    points = torch.tensor([point.xyz.tolist() for point in model.points3D.values()], dtype=torch.float64).view(-1, 3)
    stacked = torch.stack(planes)
    cameras = Cameras(torch.stack(poses).float(), torch.stack(matrices), height, width)
    views = Views(stacked[:, :3].clamp(0, 1), cameras, stacked[:, 3:].clamp(0, 1))
    views, points = centred(views, points.float())
    return PosedPhotos(views, tuple(registered), float(model.compute_mean_reprojection_error()), points)


def centred(views: Views, points: Tensor) -> tuple[Views, Tensor]:
    """Views and sparse points [N,3] in a world whose +y is up and whose unit sphere holds the object.

    The object is what most masks show of the points; up is the mean of the cameras' own.
    """
    own = points[_within_masks(views, points)]
    own = own if len(own) > 2 else points
    if not len(own):
        raise BadInput("The photos have no point in common; take them closer together.")
    center = own.median(0)[0]
    radius = (own - center).norm(dim=-1).quantile(INNER).clamp_min(1e-9)
    turn = upright(views.cameras)
    pose = views.cameras.camera_to_world.clone()
    pose[:, :3, :3] = turn @ views.cameras.rotation
    pose[:, :3, 3] = (views.cameras.position - center) @ turn.T / radius
    return replace(views, cameras=replace(views.cameras, camera_to_world=pose)), (points - center) @ turn.T / radius


def upright(cameras: Cameras) -> Tensor:
    """The rotation [3,3] that takes the mean of the cameras' up directions to +y and the first camera to azimuth 0."""
    up = F.normalize(-cameras.rotation[:, :, 1].mean(0), dim=0)
    back = -cameras.rotation[0, :, 2]  # from the object to the first camera
    level = back - (back * up).sum() * up
    if float(level.norm()) < 1e-3:
        level = -cameras.rotation[0, :, 1] - (-cameras.rotation[0, :, 1] * up).sum() * up
    front = F.normalize(level, dim=0)
    return torch.stack([torch.linalg.cross(up, front), up, front])


def _within_masks(views: Views, points: Tensor) -> Tensor:
    """Points [N] bool that lie on the object in most of the pictures that hold them."""
    pixels, depth = views.cameras.project(points)
    size = pixels.new_tensor([views.cameras.width, views.cameras.height])
    framed = ((pixels > 0) & (pixels < size)).all(-1) & (depth > 0)
    grid = (pixels * (2 / size) - 1)[:, :, None]
    mask = F.grid_sample(views.masks.float(), grid, align_corners=False)[:, 0, :, 0]
    return (mask * framed).sum(0) > 0.7 * framed.sum(0).clamp_min(1)
