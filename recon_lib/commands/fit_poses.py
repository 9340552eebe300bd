"""Photos without cameras, for `fit --pose`."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..progress import Progress
    from ..views.photo_folder import Photos
    from ..views.posed_images import LoadedViews

MASK_MODEL = "zeroshape_w_mini"  # the embedded network that finds masks


def pose_by_colmap(folder: Path, side: int, seed: int, progress: "Progress") -> "LoadedViews":
    """Photos of a folder posed by structure from motion; those that do not register are left out."""
    import torch

    from ..stages.posing.colmap import pose_photos
    from ..views.photo_camera import exif_camera
    from ..views.photo_folder import load_photos
    from ..views.posed_images import LoadedViews

    photos = load_photos(folder, side, progress)
    camera = exif_camera(photos.paths[0], *photos.images.shape[-2:])
    focal = None if camera is None else float(camera.intrinsics[0, 0, 0])
    given = bool(photos.masked.all())
    masks = photos.masks if given else None
    found = pose_photos(photos.images, masks, focal=focal, seed=seed, threads=1, progress=progress)
    masked = torch.full((len(found.views),), given)
    return LoadedViews(found.views, masked, "colmap")


def pose_on_turntable(folder: Path, side: int, seed: int, progress: "Progress") -> "LoadedViews":
    """Photos of a folder, by name, at even steps around the object; masks are found where none are given."""
    import torch

    from ..stages.posing.turntable import turntable_views
    from ..views.photo_folder import load_photos
    from ..views.posed_images import LoadedViews

    photos = load_photos(folder, side, progress)
    views = turntable_views(photos.images, _masks(photos, progress), seed=seed, progress=progress)
    return LoadedViews(views, torch.ones(len(views), dtype=torch.bool), "transforms")


def _masks(photos: "Photos", progress: "Progress"):
    """Masks [V,1,H,W]: those that were given, and found ones."""
    from ..stages.single_view.mask import segment
    from ..weights.registry import load_model

    missing = ~photos.masked
    if not bool(missing.any()):
        return photos.masks
    masks = photos.masks.clone()
    masks[missing] = segment(load_model(MASK_MODEL), photos.images[missing], progress=progress).object
    return masks
