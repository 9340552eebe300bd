"""Views as a folder of pictures with a transforms.json, the format of nerfstudio and related tools."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import BadInput
from ..progress import Progress
from ..provenance import Provenance
from .transforms_json import DEPTH_UNIT, Frame, read_frames, write_frames
from .views import Views

if TYPE_CHECKING:
    import numpy as np

FLOAT_LAYERS = ("depth", "normals")  # lossless float32 npy; the other layers are 8-bit PNG


def load_views(folder: Path | str, progress: Progress | None = None) -> Views:
    """Read `folder`/transforms.json and its pictures, which must have one size.

    The world frame is the file's (not rotated, centred or scaled). A picture's mask is its `mask_path`, otherwise its
    alpha channel, otherwise everything. Depth, normals and provenance are loaded if every frame has them.
    Raises `BadInput` naming the file if it is missing, damaged, distorted, of another size or outside the folder.
    """
    progress = progress or Progress()
    frames = read_frames(Path(folder))
    progress.start("Loading views", len(frames))
    layers = [name for name in ("depth", "normals", "provenance") if all(name in f.paths for f in frames)]
    views: list[Views] = []
    for frame in frames:
        view = _load_frame(frame, layers)
        if views and view.images.shape != views[0].images.shape:
            sizes = [f"{v.cameras.width}x{v.cameras.height}" for v in (view, views[0])]
            raise BadInput(
                f"{frame.paths['image'].name} has {sizes[0]} pixels, the first image {sizes[1]}; resize them."
            )
        views.append(view)
        progress.step(view.images[0])
    return Views.cat(views)


def save_views(views: Views, folder: Path | str, progress: Progress | None = None) -> Path:
    """Write the views as a new folder, atomically, for `load_views` to read. -> the folder.

    Images and masks are 8-bit PNG (rounded to 1/255), depth and normals float32 npy, provenance 8-bit PNG codes.
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
        write_frames(beside, views.cameras, names)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder} could not be written ({error.strerror}); check space and rights.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _load_frame(frame: Frame, layers: list[str]) -> Views:
    """One view of one frame."""
    planes = _load_picture(frame.paths["image"])
    height, width = planes.shape[-2:]
    readers: dict[str, Callable[[Path], Tensor]] = {
        "mask": lambda path: _load_picture(path)[:1],
        "depth": lambda path: _load_depth(path) * frame.depth_unit,
        "normals": lambda path: _load_array(path, 3),
        "provenance": _load_codes,
    }
    if "mask" in frame.paths:
        layers = ["mask", *layers]
    planes_by_layer = {}
    for name in layers:
        path = frame.paths[name]
        planes_by_layer[name] = readers[name](path)[None]
        if planes_by_layer[name].shape[-2:] != (height, width):
            raise BadInput(f"{path.name} has another size than its image of {width}x{height} pixels; resize it.")
    alpha = planes[None, 3:] if len(planes) == 4 else torch.ones(1, 1, height, width)
    mask = planes_by_layer.pop("mask", alpha)
    return Views(planes[None, :3], frame.camera(height, width), mask, **planes_by_layer)


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


def _open(path: Path, mode: str | None) -> "np.ndarray":
    """Pixels [H,W] or [H,W,C] of an image file, converted to a PIL mode if one is given."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if mode is None and picture.mode in ("RGBA", "LA", "PA", "P"):
                mode = "RGBA" if "transparency" in picture.info or "A" in picture.mode else "RGB"
            return np.array(picture.convert(mode or "RGB") if mode != "raw" else picture)
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing; put the file back or take its frame out.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path} could not be read as an image ({error}); write it again.") from error


def _load_picture(path: Path) -> Tensor:
    """[3,H,W] or, with transparency, [4,H,W]; float32 0-1."""
    return torch.from_numpy(_open(path, None)).permute(2, 0, 1).float() / 255


def _load_codes(path: Path) -> Tensor:
    """Provenance codes [1,H,W] uint8."""
    codes = torch.from_numpy(_open(path, "L"))[None]
    if int(codes.max()) > max(Provenance):
        raise BadInput(f"{path.name} holds codes above {int(max(Provenance))}; it is no provenance picture.")
    return codes


def _load_depth(path: Path) -> Tensor:
    """Stored depth [1,H,W] float32, in the file's unit; NaN and negative become 0 (no surface)."""
    if path.suffix.lower() == ".npy":
        depth = _load_array(path, 1)
    else:
        pixels = torch.from_numpy(_open(path, "raw").astype("float32"))
        if pixels.ndim != 2:
            raise BadInput(f"{path.name} is a colour picture; depth is a 16-bit grey PNG or an npy file.")
        depth = pixels[None]
    return torch.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0).clamp_min(0)


def _load_array(path: Path, channels: int) -> Tensor:
    """An npy file of [H,W] or [H,W,channels] -> [channels,H,W] float32."""
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing; put the file back or take its frame out.") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path} could not be read as an npy array ({error}); write it again.") from error
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] != channels or array.dtype.kind not in "fiu":
        raise BadInput(
            f"{path.name} holds {array.dtype} {array.shape}; numbers of height x width x {channels} are needed."
        )
    return torch.from_numpy(array.astype(np.float32)).permute(2, 0, 1)
