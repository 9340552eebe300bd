"""Put photos onto a mesh of any origin: its UVs, and its colours where no photo shows it, stay; the first photo wins.
Photos without a camera are aligned to the mesh first."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import number, whole_number
from .resumable import check_outputs
from .standard_output import write_stdout

if TYPE_CHECKING:
    from torch import Tensor

    from ..cameras.camera import Cameras
    from ..meshes.mesh import Mesh
    from ..progress import Progress
    from ..views.views import Views

ELSEWHERE = ("auto", "own", "continue")
MASK_MODEL = "zeroshape_w_mini"  # the embedded network that finds masks


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, metavar="MESH", help="GLB, glTF, OBJ, PLY or STL")
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="of the same thing; the first one wins")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT.glb",
        help="GLB, with the first photo's camera, OBJ or PLY",
    )
    parser.add_argument("--mask", type=Path, nargs="+", default=[], metavar="M.png", help="one for each photo; else "
                        "its transparency, else masks are found")  # fmt: skip
    parser.add_argument("--camera", type=Path, nargs="+", default=[], metavar="C.json", help="one with pose for each "
                        "photo; else poses are found")  # fmt: skip
    parser.add_argument("--size", type=int, default=2048, help="texels a side at least")
    parser.add_argument("--elsewhere", choices=ELSEWHERE, default="auto", help="where no photo shows the mesh: its own "
                        "colours, or a continuation of what is seen; auto: own if it has any")  # fmt: skip
    parser.add_argument("--blend", type=float, default=0.1, metavar="WIDTH", help="of the seam, parts of the extent")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write cameras and scores")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress
    from ..meshes.files.mesh_io import load_mesh
    from ..stages.meshing.export import save_mesh

    _check(args)
    mesh, progress, rows, first = load_mesh(args.mesh), ConsoleProgress(), [], None
    elsewhere = args.elsewhere
    try:
        for index in range(len(args.photos)):
            view, row = _posed(args, index, mesh, progress)
            first = first or view.cameras
            mesh, elsewhere, seen = _painted(args, mesh, view, elsewhere, progress)
            rows.append({"photo": args.photos[index].name, **row, "seen": seen})
    finally:
        progress.close()
    kind = args.output.suffix.lower()
    saved = save_mesh(mesh, args.output, provenance=kind != ".obj", cameras=first if kind == ".glb" else None)
    if args.report:
        from ..files import write_json

        write_json(args.report, {"photos": rows})
    write_stdout("".join(f"{row['photo']}: {row['text']}\n" for row in rows) + f"{saved}\n")
    return 0


def _check(args: Namespace) -> None:
    check_outputs(args.output, args.report, None, inputs=(args.mesh, *args.photos))
    if args.output.suffix.lower() == ".stl":
        raise BadInput("STL holds no colours; write GLB, OBJ or PLY.")
    whole_number(args.size, "--size", 16, 8192)
    number(args.blend, "--blend", 0, 10)
    for name in ("mask", "camera"):
        given = len(getattr(args, name))
        if given not in (0, len(args.photos)):
            raise BadInput(f"--{name} names {given} files for {len(args.photos)} photos; give one for each.")


def _painted(
    args: Namespace, mesh: "Mesh", view: "Views", elsewhere: str, progress: "Progress"
) -> "tuple[Mesh, str, float]":
    """The mesh with one photo more, what the next one finds elsewhere, and the share of the surface that was seen."""
    from ..stages.meshing.painted import GUESSED
    from ..stages.meshing.project import project_views

    options = {"size": args.size, "elsewhere": elsewhere, "blend": args.blend, "progress": progress}
    found = project_views(mesh, view, **options)
    guessed = bool((found.vertex_source == GUESSED).any())  # what was continued is to be continued from all photos
    return found.mesh, "continue" if guessed else elsewhere, round(found.seen, 4)


def _posed(args: Namespace, index: int, mesh: "Mesh", progress: "Progress") -> "tuple[Views, dict]":
    """One photo with its camera, and the row of the report."""
    from ..cameras.camera_json import read_camera
    from ..stages.posing.onto_photo.align import align_mesh, photo_view
    from ..stages.posing.onto_photo.report import fit_report
    from ..views.photo import load_photo
    from ..views.photo_camera import exif_camera

    photo = load_photo(args.photos[index])
    mask = _mask(args, index, photo.image, photo.alpha, progress)
    height, width = photo.image.shape[-2:]
    if args.camera:
        camera = read_camera(args.camera[index]).resized(height, width)
        return replace(photo_view(photo.image, mask, camera), cameras=camera), {"text": "given camera"}
    lens = exif_camera(args.photos[index], height, width)
    view = photo_view(photo.image, mask, lens)
    answers = align_mesh(mesh, view, known_lens=lens is not None, progress=progress)
    best = answers[0]
    row = {"text": fit_report(answers), "fit": best.score.fit, "camera": _as_json(best.cameras)}
    return replace(view, cameras=best.cameras), row


def _as_json(camera: "Cameras") -> dict:
    """A camera as `read_camera` reads it."""
    placed = camera.moved_to((0.0, 0.0, 0.0))
    pose, matrix = placed.camera_to_world[0].tolist(), placed.intrinsics[0].tolist()
    return {"camera_to_world": pose, "intrinsics": matrix, "height": placed.height, "width": placed.width}


def _mask(args: Namespace, index: int, image: "Tensor", alpha: "Tensor | None", progress: "Progress") -> "Tensor":
    """The mask that was given, the photo's transparency, or one that is found."""
    from ..stages.single_view.mask import segment
    from ..views.photo import load_mask
    from ..weights.registry import load_model

    if args.mask:
        return load_mask(args.mask[index], *image.shape[-2:])
    return alpha if alpha is not None else segment(load_model(MASK_MODEL), image, progress=progress).object
