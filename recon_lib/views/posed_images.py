"""Views of folders with pictures and their cameras (`sources.py` lists the formats); saved with a transforms.json."""

import logging
import math
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..cameras.colmap_write import write_colmap
from ..errors import BadInput
from ..memory import explain_oom
from ..progress import Progress
from .frame import DEPTH_UNIT, Frame
from .frame_layers import Layers, load_layers
from .image_files import reduced_size
from .sources import Format, read_frames
from .transforms_json import write_frames
from .views import Views

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("recon3d")

FLOAT_LAYERS = ("depth", "normals")  # lossless float32 npy; the other layers are 8-bit PNG
LAYER_CHANNELS = {"depth": 1, "normals": 3, "provenance": 1}
MAX_BYTES = 2 << 30  # of loaded views; more are reduced
SMALLEST_SIDE = 16  # pixels
FAR = 1000.0  # distance from the origin over the extent of the cameras from which float32 loses what matters


@dataclass(frozen=True)
class LoadedViews:
    """Views of a source, and what it tells about them."""

    views: Views
    masked: Tensor  # [V] bool, whether a mask was given; the others mark everything
    format: Format


def load_views(
    source: Path | str,
    progress: Progress | None = None,
    longest_side: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Views:
    """The views alone of `load_posed`."""
    return load_posed(source, progress, longest_side, max_bytes).views


@explain_oom("loading the views", "reduce the pictures or take frames out")
def load_posed(
    source: Path | str,
    progress: Progress | None = None,
    longest_side: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> LoadedViews:
    """Read a folder of pictures with their cameras: a transforms.json (or such a file itself, whatever its name), a
    COLMAP model, LLFF's poses_bounds.npy, or projection matrices.

    The world frame is the source's (not rotated, centred or scaled), except far from its origin: then a new origin is
    subtracted, in float64, and kept in `Views.origin`. A picture's mask is its `mask_path` or that of a folder
    `masks`, otherwise its alpha channel, otherwise everything. Depth, normals and provenance are loaded if every frame
    has them. Pictures are made to be what a pinhole camera sees; those of several sizes are padded at their right and
    lower edges, off the mask.
    longest_side: pixels to which larger pictures are reduced while they are read. If the views would still take more
    than `max_bytes`, they are reduced further.
    Raises `BadInput` naming the file if it is missing, damaged, of another size than told or outside the folder.
    """
    progress = progress or Progress()
    frames, kind = read_frames(Path(source), progress.check)
    progress.start("Loading views", len(frames))
    names = [name for name in LAYER_CHANNELS if all(name in frame.paths for frame in frames)]
    sizes = _sizes(frames, longest_side, max_bytes, 4 + sum(LAYER_CHANNELS[name] for name in names))
    width, height = (max(size[axis] for size in sizes) for axis in (0, 1))
    channels = {"images": 3, "masks": 1, **{name: LAYER_CHANNELS[name] for name in names}}
    stacks = {
        name: torch.zeros(
            len(frames), count, height, width, dtype=torch.uint8 if name == "provenance" else torch.float32
        )
        for name, count in channels.items()
    }
    intrinsics = torch.empty(len(frames), 3, 3, dtype=torch.float64)
    masked = torch.zeros(len(frames), dtype=torch.bool)
    for index, (frame, size) in enumerate(zip(frames, sizes, strict=True)):
        layers = load_layers(frame, size, names)
        _place(layers, stacks, index, frame)
        intrinsics[index] = layers.intrinsics
        masked[index] = layers.masked
        progress.step(stacks["images"][index])
    origin, poses = _near_origin(torch.stack([frame.pose for frame in frames]))
    views = Views(cameras=Cameras(poses, intrinsics.float(), height, width, origin), **stacks)
    return LoadedViews(views, masked, kind)


def _sizes(frames: list[Frame], longest_side: int | None, max_bytes: int, channels: int) -> list[tuple[int, int]]:
    """(width, height) at which each frame is read, so that all of them, padded to one size, fit `max_bytes`."""
    stored = [(frame.width, frame.height) for frame in frames]
    full = max(max(size) for size in stored)
    side = full if longest_side is None else min(longest_side, full)
    while True:
        sizes = [reduced_size(*size, side) for size in stored]
        wanted = 4 * channels * len(frames) * math.prod(max(size[axis] for size in sizes) for axis in (0, 1))
        if wanted <= max_bytes:
            break
        if side <= SMALLEST_SIDE:
            raise BadInput(f"{len(frames)} pictures are too many to be loaded at once; take frames out.")
        side = max(SMALLEST_SIDE, min(side - 1, int(side * math.sqrt(max_bytes / wanted))))
    if side < min(full, longest_side or full):
        log.warning("pictures are reduced to %d pixels: %d of them would take too much memory", side, len(frames))
    elif len(set(sizes)) > 1:
        log.info(
            "pictures of several sizes are padded to %dx%d", *(max(size[axis] for size in sizes) for axis in (0, 1))
        )
    return sizes


def _place(layers: Layers, stacks: dict[str, Tensor], index: int, frame: Frame) -> None:
    """Put a frame's layers into the stacks [V,C,H,W]; what is beyond them stays off the mask, over white."""
    height, width = layers.planes["images"].shape[-2:]
    stacks["images"][index] = 1.0
    for name, stack in stacks.items():
        stack[index, :, :height, :width] = layers.planes[name]
    mask, size = layers.planes["masks"] > 0.5, stacks["masks"].shape[-2:]
    if (height < size[0] and bool(mask[0, -1].any())) or (width < size[1] and bool(mask[0, :, -1].any())):
        log.warning("the object of %s reaches the edge where it is padded", frame.paths["image"].name)


def _near_origin(poses: Tensor) -> tuple[tuple[float, float, float], Tensor]:
    """The origin to count from, and camera-to-world [V,4,4] float32 of poses in float64 counted from there."""
    positions = poses[:, :3, 3]
    middle = positions.mean(0)
    extent = float((positions - middle).norm(dim=-1).max()) or 1.0
    if float(middle.norm()) <= FAR * extent:
        return (0.0, 0.0, 0.0), poses.float()
    x, y, z = middle.round().tolist()
    log.info("the views lie far from the origin: coordinates count from (%g, %g, %g)", x, y, z)
    near = poses.clone()
    near[:, :3, 3] -= poses.new_tensor([x, y, z])
    return (x, y, z), near.float()


def save_views(views: Views, folder: Path | str, progress: Progress | None = None, *, colmap: bool = False) -> Path:
    """Write the views as a new folder, atomically, for `load_views` to read. -> the folder.

    Images and masks are 8-bit PNG (rounded to 1/255), depth and normals float32 npy, provenance 8-bit PNG codes.
    colmap: write the cameras as a COLMAP text model too, in `sparse/0`, without points.
    An existing folder is never touched unless it is empty.
    """
    progress = progress or Progress()
    folder = Path(folder)
    if not len(views):
        raise BadInput("There is no view to save; connect at least one.")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadInput(f"{folder} exists already; choose a new folder.")
    beside = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    progress.start("Saving views", len(views))
    try:
        beside.mkdir(parents=True)
        names = []
        for i in range(len(views)):
            names.append(_save_view(views[i], beside, i))
            progress.step(views.images[i])
        write_frames(beside, views.cameras, names, views.origin)
        if colmap:
            pictures = [Path(files["image"]).name for files in names]
            write_colmap(beside / "sparse" / "0", views.cameras, pictures, views.origin)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder} could not be written ({error.strerror}); check space and rights.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _save_view(view: Views, folder: Path, index: int) -> dict[str, str]:
    """Write the files of one view. -> relative path of each layer."""
    import numpy as np

    layers = {"image": view.images, "mask": view.masks}
    layers |= {name: getattr(view, name) for name in ("depth", "normals", "provenance")}
    names = {}
    for name, value in layers.items():
        if value is None:
            continue
        plane = value[0].detach().cpu().permute(1, 2, 0).numpy()
        ending = "npy" if name in FLOAT_LAYERS else "png"
        names[name] = f"{name if name != 'image' else 'images'}/{index:04d}.{ending}"
        path = folder / names[name]
        path.parent.mkdir(exist_ok=True)
        if name in FLOAT_LAYERS:
            plane = plane[..., 0] / DEPTH_UNIT if name == "depth" else plane
            np.save(path, plane.astype(np.float32), allow_pickle=False)
        else:
            _save_png(path, plane if name == "provenance" else (plane.clip(0, 1) * 255).round())
    return names


def _save_png(path: Path, plane: "np.ndarray") -> None:
    """Write [H,W,C] of 0-255, C 1 or 3."""
    from PIL import Image

    Image.fromarray(plane.astype("uint8").squeeze(-1) if plane.shape[-1] == 1 else plane.astype("uint8")).save(path)
