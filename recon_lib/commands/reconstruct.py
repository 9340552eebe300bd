"""Turn a photo into a textured mesh, in the photo's own view: camera on +z looking at -z, +y up."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from . import pop3d

if TYPE_CHECKING:
    from torch import Tensor

    from ..stages.meshing.export import ExportReport
    from ..systems.zeroshape_w import Reconstruction
    from ..weights.registry import LoadedModel

SYSTEMS = ("zeroshape-w", "pop3d")
MESH_SUFFIXES = (".glb", ".obj", ".ply", ".stl")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="any image file; a see-through background is a mask")
    parser.add_argument("--system", choices=SYSTEMS, default="zeroshape-w", help="the method")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.glb", help="GLB, OBJ, PLY or STL")
    parser.add_argument("--mask", type=Path, metavar="M.png", help="white marks the object; else the model finds it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resolution", type=int, default=256, help="cells per side of the extracted grid")
    parser.add_argument("--texture-size", type=int, default=1024, help="pixels per side of the texture")
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is one), cpu, cuda, cuda:1, mps, …")
    parser.add_argument("--model", help="a name from `models`, or a .safetensors file; default: the embedded one")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write camera, stage times and model card")
    parser.add_argument("--preview", type=Path, metavar="SHEET.png", help="write a sheet of all stages' pictures")
    pop3d.add_arguments(parser.add_argument_group("pop3d"))


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress
    from ..files import check_output
    from ..views.photo import load_mask, load_photo, save_image

    for path, suffixes in ((args.output, MESH_SUFFIXES), (args.report, (".json",)), (args.preview, PICTURE_SUFFIXES)):
        if path is not None:
            check_output(path, suffixes)
    if args.system == "pop3d":
        pop3d.check(args)
    photo = load_photo(args.photo)
    mask = load_mask(args.mask, *photo.image.shape[-2:]) if args.mask else photo.alpha
    device = choose_device(args.device)
    model = _load("zeroshape-w", args.model)
    progress = ConsoleProgress()
    try:
        result = _reconstruct(args, photo.image, model, mask=mask, device=device, progress=progress)
    finally:
        progress.close()
    saved = _save(result, args.output)
    if args.report is not None:
        _write_report(args, result, model, saved)
    if args.preview is not None:
        save_image(result_sheet(photo.image, result), args.preview)
    return 0 if args.output.is_file() else 1


def _reconstruct(
    args: Namespace, image: "Tensor", model: "LoadedModel", **given: object
) -> "Reconstruction | pop3d.Reconstruction":
    """The method that was asked for."""
    if args.system == "pop3d":
        return pop3d.reconstruct(args, image, model, **given)
    from ..systems.zeroshape_w import reconstruct

    options = {"resolution": args.resolution, "texture_size": args.texture_size, "seed": args.seed}
    return reconstruct(image, model, **options, **given)


def _save(result: "Reconstruction", path: Path) -> "ExportReport":
    from ..stages.meshing.export import save_mesh

    return save_mesh(result.mesh, path)


def choose_device(name: str) -> str:
    """ "auto" or a torch device's name -> a device that is there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BadInput(f"Device {name!r} is not available here; use --device cpu.") from error
    return name


def _load(system: str, name: str | None) -> "LoadedModel":
    """The model asked for, or the first (embedded) one of the system."""
    from ..weights.registry import find_models, load_model

    if name is None:
        name = next((card.name for card in find_models() if card.system == system), None)
    if name is None:
        raise BadInput(f"No model for {system} is embedded in this copy; name a .safetensors file with --model.")
    model = load_model(name)
    if model.card.system != system:
        raise BadInput(f"{model.card.name} is a {model.card.system} model; {system} needs one of its own.")
    return model


def result_sheet(image: "Tensor", result: "Reconstruction | pop3d.Reconstruction") -> "Tensor":
    """Input [1,3,H,W], masks, depth, normals, four views of the mesh, and painted views as one picture [3,H,W]."""
    from ..preview import Tile, sheet
    from ..render.mesh import turntable
    from ..render.pictures import depth_picture, mask_picture, normal_picture

    views, occluder = result.surface.views, result.surface.occluder
    tiles = [
        Tile("photo", image[0]),
        Tile("object (green), occluder (red)", mask_picture(views.images, views.masks, occluder)[0]),
        Tile("depth", depth_picture(views.depth)[0]),
        Tile("normals", normal_picture(views.normals)[0]),
    ]
    around = turntable(result.mesh, 4, 15.0, size=256).images
    names = ("front", "right", "back", "left")
    painted = pop3d.tiles(result) if hasattr(result, "outpaint_masks") else []
    return sheet(tiles + [Tile(name, picture) for name, picture in zip(names, around, strict=True)] + painted)


def _write_report(args: Namespace, result: "Reconstruction", model: "LoadedModel", saved: "ExportReport") -> None:
    from dataclasses import asdict

    from ..files import write_json

    camera = result.surface.views.cameras
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
