"""Frames of a COLMAP model and its pictures.

Facts (colmap.github.io, "Tutorial" and "Output Format"): a project holds the folder `images` and numbered models in
`sparse`; undistorted ones lie in `sparse` itself, nerfstudio's in `colmap/sparse`. Pictures are named below the folder
of images; COLMAP does not turn them by their EXIF tag unless it was told to, so the camera's width and height decide.
"""

from collections.abc import Callable
from pathlib import Path

from ..cameras.colmap_model import ColmapImage, is_model, read_model
from ..errors import BadInput
from ..parsing import is_file
from ..progress import unchecked
from .frame import Frame, frame_of
from .frame_files import ViewFolder

MODELS = ("sparse/0", "sparse", ".", "0", "colmap/sparse/0", "colmap/sparse", "dense/sparse", "dense/0/sparse")
MODEL_FILES = ("cameras.txt", "cameras.bin", "images.txt", "images.bin")
PICTURES = ("images", ".", "input", "images_2", "images_4", "images_8")  # the last ones are mip-NeRF 360's reductions
HIGHEST = 3  # folders from a model up to its project


def find_model(source: Path) -> Path | None:
    """The folder of the model at `source`: a project, a model's folder, or one of its files; None if there is none."""
    if is_file(source):
        source = source.parent if source.name.lower() in MODEL_FILES else source
    return next((source / name for name in MODELS if is_model(source / name)), None)


def read_colmap(source: Path, check: Callable[[], None] = unchecked) -> list[Frame]:
    """Frames of the COLMAP model at `source`, by the names of their pictures; `check` runs before each.

    The world is the model's: right-handed, +y more or less down, in units of its own.
    Raises `BadInput` for a damaged model, and for pictures that are missing or of another size than told.
    """
    model = find_model(source)
    if model is None:
        raise BadInput(f"{source} holds no COLMAP model; it needs cameras and images, as .txt or .bin, in sparse/0.")
    images = read_model(model, check)
    folder = ViewFolder(_find_pictures(source, model, images), f"The COLMAP model in {model}")
    frames = []
    for image in images:
        check()
        size = image.camera.width, image.camera.height
        frames.append(frame_of(folder.find(image.name), image.pose, image.camera.lens, size, folder.list_name))
    return frames


def _find_pictures(source: Path, model: Path, images: list[ColmapImage]) -> Path:
    """The folder below which the most of the pictures lie: the project's, from the given folder up."""
    projects = list(dict.fromkeys([source if source.is_dir() else model, model, *model.resolve().parents[:HIGHEST]]))
    folders = [project / name for project in projects for name in PICTURES]
    counts = [sum(is_file(folder / image.name.replace("\\", "/")) for image in images) for folder in folders]
    if not any(counts):
        raise BadInput(
            f"The pictures of the COLMAP model in {model}, such as {images[0].name[:100]}, are missing; put them into "
            f"the folder images beside {model.name}."
        )
    return folders[counts.index(max(counts))]
