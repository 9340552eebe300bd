"""Turn a photo into a textured mesh, in the photo's own view: camera on +z looking at -z, +y up."""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import shown
from ..registry import System, find_system, load_part, systems
from .resumable import check_outputs, keep_views, resumable
from .system_options import add_system_options, system_options

if TYPE_CHECKING:
    from torch import Tensor

    from ..cameras.camera import Cameras
    from ..preview import Tile
    from ..progress import Progress
    from ..stages.meshing.export import ExportReport
    from ..systems.reconstruction import Reconstruction
    from ..weights.registry import LoadedModel


def add_arguments(parser: ArgumentParser) -> None:
    names = [row.name for row in systems("reconstruct")]
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="any image file; a see-through background is a mask")
    parser.add_argument("--system", choices=names, default=names[0], help="the method")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.glb", help="GLB, OBJ, PLY or STL")
    parser.add_argument("--mask", type=Path, metavar="M.png", help="white marks the object; else the model finds it")
    parser.add_argument(
        "--depth", type=Path, metavar="D.png", help="z-depth: 16-bit PNG or npy, any scale, 0 = unknown"
    )
    lens = parser.add_mutually_exclusive_group()
    lens.add_argument(
        "--fov", type=float, metavar="DEGREES", help="the photo's vertical field of view; else its EXIF's"
    )
    lens.add_argument("--camera", type=Path, metavar="C.json", help="the photo's camera; only its lens counts")
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is one), cpu, cuda, cuda:1, mps, …")
    parser.add_argument("--model", help="a name from `models`, or a .safetensors file; default: the embedded one")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write camera, stage times and model card")
    parser.add_argument("--preview", type=Path, metavar="SHEET.png", help="write a sheet of all stages' pictures")
    parser.add_argument("--keep-views", type=Path, metavar="DIR", help="write the photo's and the painted views there")
    add_system_options(parser)


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress
    from ..views.depth_files import load_depth
    from ..views.photo import load_mask, load_photo

    row = find_system(args.system)
    check_outputs(
        args.output, args.report, args.preview, args.keep_views, (args.photo, args.mask, args.depth, args.camera)
    )
    options = system_options(args, row)
    photo = load_photo(args.photo)
    mask = load_mask(args.mask, *photo.image.shape[-2:]) if args.mask else photo.alpha
    depth = load_depth(args.depth, *photo.image.shape[-2:]) if args.depth else None
    cameras = photo_camera(args, *photo.image.shape[-2:])
    device, model = choose_device(args.device), _load(row, args.model)
    with resumable(args.output, row.name, (args.report, args.preview)) as checkpoint, closing(ConsoleProgress()) as bar:
        result = load_part(row.reconstruct)(
            photo.image, model, mask=mask, depth=depth, cameras=cameras, options=options, checkpoint=checkpoint,
            device=device, progress=bar,
        )  # fmt: skip
        _write_outputs(args, photo.image, result, model, bar)
    return 0 if args.output.is_file() else 1


def photo_camera(args: Namespace, height: int, width: int) -> "Cameras | None":
    """The camera that was given for the photo, else what its EXIF tells; None: nothing is known."""
    from ..views.photo_camera import camera_from_fov, exif_camera, read_photo_camera

    if args.camera is not None:
        return read_photo_camera(args.camera, height, width)
    if args.fov is not None:
        return camera_from_fov(args.fov, height, width)
    return exif_camera(args.photo, height, width)


def _write_outputs(
    args: Namespace, image: "Tensor", result: "Reconstruction", model: "LoadedModel", progress: "Progress"
) -> None:
    """Everything that was asked for; the views first, the mesh last but for pictures and figures of it."""
    from ..stages.meshing.export import save_mesh
    from ..views.photo import save_image

    if args.keep_views is not None:
        keep_views(result.views, args.keep_views, progress)
    saved = save_mesh(result.mesh, args.output)
    if args.report is not None:
        _write_report(args, result, model, saved)
    if args.preview is not None:
        save_image(result_sheet(image, result), args.preview)


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


def result_sheet(image: "Tensor", result: "Reconstruction") -> "Tensor":
    """Input [1,3,H,W], masks, depth, normals, four views of the mesh, and painted views as one picture [3,H,W]."""
    from ..preview import Tile, sheet
    from ..render.mesh import turntable

    around = turntable(result.mesh, 4, 15.0, size=256).images
    names = ("front", "right", "back", "left")
    mesh_tiles = [Tile(name, picture) for name, picture in zip(names, around, strict=True)]
    return sheet([Tile("photo", image[0]), *_surface_tiles(result), *mesh_tiles, *_painted_tiles(result)])


def _surface_tiles(result: "Reconstruction") -> "list[Tile]":
    """What was estimated of the photo, where the system estimates it."""
    from ..preview import Tile
    from ..render.pictures import depth_picture, mask_picture, normal_picture

    if result.surface is None:
        return []
    views = result.surface.views
    masks = mask_picture(views.images, views.masks, result.surface.occluder)[0]
    return [
        Tile("object (green), occluder (red)", masks),
        Tile("depth", depth_picture(views.depth)[0]),
        Tile("normals", normal_picture(views.normals)[0]),
    ]


def _painted_tiles(result: "Reconstruction") -> "list[Tile]":
    """The painted views, and what each lacked."""
    from ..preview import Tile

    lacking = [Tile(f"lacking in view {i}", mask.preview()[0]) for i, mask in enumerate(result.outpaint_masks, 2)]
    return lacking + [Tile(f"view {i}", image) for i, image in enumerate(result.views.images[1:], 2)]


def _write_report(args: Namespace, result: "Reconstruction", model: "LoadedModel", saved: "ExportReport") -> None:
    from dataclasses import asdict

    from ..files import write_json

    camera = result.views.cameras if result.surface is None else result.surface.views.cameras
    mesh = {**asdict(saved), "path": saved.path.name}
    if mesh.get("bounds") is not None:
        mesh["bounds"] = [[float(x) for x in corner] for corner in mesh["bounds"]]
    report = {
        "photo": args.photo.name,
        "system": args.system,
        "seed": args.seed,
        "resolution": args.resolution,
        "camera": {
            "camera_to_world": camera.camera_to_world[0].tolist(),
            "intrinsics": camera.intrinsics[0].tolist(),
            "height": camera.height,
            "width": camera.width,
            "vertical_fov_degrees": float(camera.vertical_fov[0]),
        },
        "seconds": result.seconds,
        "mesh": mesh,
        "details": result.report,
        "model": model.card.to_dict(),
    }
    write_json(args.report, report)
