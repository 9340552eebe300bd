"""What `fit` writes: frames of other cameras, a report, a sheet of pictures."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import BadInput
from ..parsing import is_file, whole_number

if TYPE_CHECKING:
    from torch import Tensor

    from ..fields.field import RadianceField
    from ..meshes.mesh import Mesh
    from ..progress import Progress
    from ..views.views import Views
    from .fit_inputs import FitInputs

LARGEST_FRAME = 8192  # pixels a side: rays of more do not fit into memory


class Fitted(Protocol):
    """What a fit of either field returns."""

    @property
    def field(self) -> "RadianceField": ...

    @property
    def loss(self) -> float: ...

    @property
    def resumed(self) -> int: ...


class Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Record the stage that ends now."""
        now = time.perf_counter()
        self.laps[name], self._last = round(now - self._last, 3), now


def check_frame_outputs(cameras: Path, folder: Path, views: Path, outputs: tuple[Path | None, ...]) -> None:
    """`BadInput` for cameras that cannot be rendered, and for frames that would replace pictures or other outputs."""
    from ..cameras.camera_path_json import read_cameras
    from ..render.frames import check_frames

    wanted, place = read_cameras(cameras), folder.resolve()
    whole_number(max(wanted.height, wanted.width), f"The longer side of the frames of {cameras}", 1, LARGEST_FRAME)
    if views.resolve() in (place, *place.parents):
        raise BadInput(f"--frames {folder} lies among the pictures that are read; name a folder of its own.")
    names = {f"{i:03}.png" for i in range(len(wanted))}
    for path in (each.resolve() for each in outputs if each is not None):
        if path in (place, *place.parents) or (path.parent == place and path.name in names):
            raise BadInput(f"{path} and --frames {folder} are in each other's way; name another folder.")
    if is_file(folder):
        raise BadInput(f"--frames {folder} is a file; name a folder.")
    check_frames(folder, len(wanted))


def write_frames(cameras: Path, folder: Path, inputs: "FitInputs", field: "RadianceField", progress: "Progress") -> int:
    """Write a frame, 000.png and so on, for each camera of a transforms.json in the source's world. -> their number"""
    from ..cameras.camera_path_json import read_cameras
    from ..render.frames import render_frames

    wanted = inputs.frame.cameras_into(read_cameras(cameras, inputs.frame.origin))
    return len(render_frames(field, wanted, folder, progress))


def write_report(path: Path, figures: dict, fit: Fitted, inputs: "FitInputs", mesh: "Mesh", saved: Path) -> None:
    """Write the figures of a fit as JSON.

    `world_to_file` is the 4x4 matrix from the source's world to the file's; `frame` the object's frame in that world.
    """
    import torch

    from ..files import write_json

    fitted = {name: getattr(fit, name) for name in ("rounds", "steps", "resumed", "loss") if hasattr(fit, name)}
    beta = getattr(fit.field, "beta", None)
    if beta is not None:
        fitted["beta"] = beta
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = inputs.turn
    center = [a + b for a, b in zip(inputs.frame.origin, inputs.frame.center, strict=True)]
    shape = {"vertices": len(mesh.vertices), "triangles": len(mesh.faces), "file": saved.name}
    write_json(path, {
        **figures, "masks_found": inputs.found, "world_to_file": matrix.tolist(),
        "frame": {"center": center, "scale": inputs.frame.scale},
        "fit": fitted, "mesh": {"bounds": mesh.bounds.tolist(), **shape},
    })  # fmt: skip


def fit_sheet(views: "Views", field: "RadianceField", mesh: "Mesh") -> "Tensor":
    """Sheet [3,H,W] of the first pictures, the field's colours and normals from the same cameras, and the mesh.

    views, field and mesh are of one frame, the object's.
    """
    from ..preview import Tile, sheet
    from ..render.field import render_field
    from ..render.mesh import turntable

    first_views = views[:4]
    size = [round(n * 256 / max(first_views.images.shape[-2:])) for n in first_views.images.shape[-2:]]
    cameras = first_views.cameras.resized(*size)
    tiles = [Tile(f"picture {i + 1}", image) for i, image in enumerate(first_views.images)]
    for shading in ("albedo", "normal"):
        pictures = render_field(field, cameras, shading=shading).images
        tiles += [Tile(f"fitted {'colour' if shading == 'albedo' else 'normals'}", image) for image in pictures]
    turns = turntable(mesh, 4, 15.0, size=256).images
    tiles += [
        Tile(f"mesh {side}", image) for side, image in zip(("front", "right", "back", "left"), turns, strict=True)
    ]
    return sheet(tiles, columns=len(first_views))
