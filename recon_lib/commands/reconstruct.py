"""Turn a photo, or each of a folder, into a textured mesh, in the photo's own view: camera on +z, +y up."""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import shown
from ..registry import System, find_system, load_part, systems
from .resumable import check_outputs, resumable
from .standard_output import write_stdout
from .system_options import add_system_options, system_options

if TYPE_CHECKING:
    from torch import Tensor

    from ..cameras.camera import Cameras
    from ..progress import Progress
    from ..stages.meshing.export import ExportReport
    from ..systems.options import Options
    from ..weights.registry import LoadedModel
    from .reconstruct_folder import Job

ENGINES = ("here", "ray")


def add_arguments(parser: ArgumentParser) -> None:
    names = [row.name for row in systems("reconstruct")]
    parser.add_argument(
        "photo",
        type=Path,
        metavar="PHOTO",
        help="any image file, or a folder of them; a see-through background is a mask",
    )
    parser.add_argument("--system", choices=names, default=names[0], help="the method")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT.glb",
        help="GLB, OBJ, PLY or STL; of a folder: a folder",
    )
    parser.add_argument("--mask", type=Path, metavar="M.png", help="white marks the object; else the model finds it")
    parser.add_argument(
        "--depth", type=Path, metavar="D.png", help="z-depth: 16-bit PNG or npy, any scale, 0 = unknown"
    )
    lens = parser.add_mutually_exclusive_group()
    lens.add_argument(
        "--fov", type=float, metavar="DEGREES", help="the photo's vertical field of view; else its EXIF's"
    )
    lens.add_argument("--camera", type=Path, metavar="C.json", help="the photo's camera; only its lens counts")
    parser.add_argument("--upright", action="store_true", help="turn the mesh so that it stands: up is +y")
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is one), cpu, cuda, cuda:1, mps, …")
    parser.add_argument("--model", help="a name from `models`, or a .safetensors file; default: the embedded one")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write camera, stage times and model card")
    parser.add_argument("--preview", type=Path, metavar="SHEET.png", help="write a sheet of all stages' pictures")
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0],
        help="of a folder: here, one photo after another; ray: in several processes, or on a Ray cluster",
    )  # fmt: skip
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="of --engine ray: processes, each with a model; default: one a GPU or core",
    )
    parser.add_argument("--keep-views", type=Path, metavar="DIR", help="write the photo's and the painted views there")
    add_system_options(parser)


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress

    row = find_system(args.system)
    options = system_options(args, row)
    if args.photo.is_dir():
        return _run_folder(args, row, options)
    check_outputs(
        args.output, args.report, args.preview, args.keep_views, (args.photo, args.mask, args.depth, args.camera)
    )
    photo = load_input(args)
    device, model = choose_device(args.device), _load(row, args.model)
    with closing(ConsoleProgress()) as bar:
        saved = _reconstruct(args, row, photo, options, model, device, bar)
    write_stdout(f"{saved}, in {args.output.absolute().parent}\n")
    return 0 if args.output.is_file() else 1


def _run_folder(args: Namespace, row: System, options: "Options") -> int:
    """All photos of a folder. -> 2 if some could not be used"""
    from ..console import ConsoleProgress
    from .reconstruct_folder import one_after_another, reconstruct_folder
    from .reconstruct_ray import check_ray, over_ray

    if args.engine == "ray":
        check_ray(args.workers)
    worker = FolderWorker(args)
    settings = {"system": row.name, "model": worker.model.card.name, "options": asdict(options), "fov": args.fov}
    settings |= {"upright": True} if args.upright else {}
    engine = over_ray(args) if args.engine == "ray" else one_after_another(worker)
    with closing(ConsoleProgress()) as bar:
        rows = reconstruct_folder(args, settings, engine, bar)
    failed = [made for made in rows if "error" in made]
    for made in failed:
        sys.stderr.write(f"{made['photo']}: {made['error']}\n")
    write_stdout(f"{args.output}: {len(rows) - len(failed)} of {len(rows)} photos have their mesh\n")
    return 2 if failed else 0


class FolderWorker:
    """Runs jobs of a folder with one model, loaded once."""

    def __init__(self, args: Namespace) -> None:
        """args: of the whole folder."""
        self.system = find_system(args.system)
        self.options = system_options(args, self.system)
        self.device, self.model = choose_device(args.device), _load(self.system, args.model)

    def __call__(self, job: "Job") -> None:
        from ..progress import Progress

        photo = load_input(job.args)
        _reconstruct(job.args, self.system, photo, self.options, self.model, self.device, Progress(), job.key)


@dataclass(frozen=True)
class PhotoInput:
    """A photo and what was given with it."""

    image: "Tensor"  # [1,3,H,W]
    mask: "Tensor | None"  # [1,1,H,W]
    depth: "Tensor | None"  # [1,1,H,W]
    cameras: "Cameras | None"


def load_input(args: Namespace) -> PhotoInput:
    """The photo that the options name, its mask (the photo's own transparency where none is named), depth, camera."""
    from ..views.depth_files import load_depth
    from ..views.photo import load_mask, load_photo

    photo = load_photo(args.photo)
    size = photo.image.shape[-2:]
    mask = load_mask(args.mask, *size) if args.mask else photo.alpha
    depth = load_depth(args.depth, *size) if args.depth else None
    return PhotoInput(photo.image, mask, depth, photo_camera(args, *size))


def _reconstruct(
    args: Namespace,
    row: System,
    photo: PhotoInput,
    options: "Options",
    model: "LoadedModel",
    device: str,
    progress: "Progress",
    job: dict | None = None,  # what is written into the report, of a folder's job
) -> "ExportReport":
    """From one photo to all outputs. -> of its mesh file"""
    from ..systems.upright import stood_upright
    from .reconstruct_outputs import write_outputs

    with resumable(args.output, row.name, (args.report, args.preview)) as checkpoint:
        result = load_part(row.reconstruct)(
            photo.image, model, mask=photo.mask, depth=photo.depth, cameras=photo.cameras, options=options,
            checkpoint=checkpoint, device=device, progress=progress,
        )  # fmt: skip
        if args.upright:
            result = stood_upright(result, device, progress)
        return write_outputs(args, photo.image, result, model, progress, job)


def photo_camera(args: Namespace, height: int, width: int) -> "Cameras | None":
    """The camera that was given for the photo, else what its EXIF tells; None: nothing is known."""
    from ..views.photo_camera import camera_from_fov, exif_camera, read_photo_camera

    if args.camera is not None:
        return read_photo_camera(args.camera, height, width)
    if args.fov is not None:
        return camera_from_fov(args.fov, height, width)
    return exif_camera(args.photo, height, width)


def choose_device(name: str) -> str:
    """ "auto" or a torch device's name -> a device that is there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # "meta" has no numbers
    except (RuntimeError, AssertionError, ImportError, TypeError, ValueError) as error:
        raise BadInput(f"Device {shown(name)} is not available here; use --device cpu.") from error
    return name


def _load(row: System, name: str | None) -> "LoadedModel":
    """The model asked for, or the first (embedded) one that the system can use."""
    from ..weights.registry import find_models, load_model

    if name is None:
        name = next((card.name for card in find_models() if card.system == row.model), None)
    if name is None:
        raise BadInput(f"No model for {row.name} is embedded in this copy; name a .safetensors file with --model.")
    model = load_model(name)
    if model.card.system != row.model:
        raise BadInput(f"{model.card.name} is a {model.card.system} model; {row.name} needs one of {row.model}.")
    return model
