"""Evaluate a mesh or an image against the truth; the figures are written as JSON."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import BadInput
from ..parsing import SEEDS, whole_number
from .standard_output import write_stdout

SAMPLES = 100, 10_000_000
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".avif", ".heic")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("predicted", type=Path, metavar="PRED", help="mesh (GLB, OBJ, PLY, STL) or image")
    parser.add_argument("truth", type=Path, metavar="TRUTH", help="the true mesh, or the true image of the same size")
    parser.add_argument(
        "--align",
        choices=("none", "scale", "similarity"),
        default="none",
        help="move PRED onto TRUTH first: scale and translation, or rotation as well",
    )
    parser.add_argument(
        "--camera", type=Path, metavar="VIEW.json", help="also split the figures by what this camera sees of TRUTH"
    )
    parser.add_argument("--samples", type=int, default=100_000, help="points on each surface")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", default="-", metavar="OUT.json", help="where the figures go; - is stdout (default)")
    parser.add_argument("--error-mesh", type=Path, metavar="OUT.glb", help="write PRED coloured by its distance")


def run(args: Namespace) -> int:
    from ..files import check_output, json_text, write_json

    whole_number(args.samples, "--samples", *SAMPLES)
    whole_number(args.seed, "--seed", *SEEDS)

    for path, suffixes in ((args.json, (".json",)), (args.error_mesh, (".glb", ".obj", ".ply"))):
        if path not in (None, "-"):
            check_output(path, suffixes)
    images = [path.suffix.lower() in IMAGE_SUFFIXES for path in (args.predicted, args.truth)]
    if images[0] != images[1]:
        raise BadInput("One of the two files is an image and the other is not; compare like with like.")
    figures = _compare_images(args) if images[0] else _compare_meshes(args)
    if args.json == "-":
        write_stdout(json_text(figures))
    else:
        write_json(args.json, figures)
    return 0


def _compare_meshes(args: Namespace) -> dict:
    from ..cameras.camera_json import read_camera
    from ..console import ConsoleProgress
    from ..meshes.files.mesh_io import load_mesh
    from ..stages.evaluation.meshes import compare_meshes, error_mesh
    from ..stages.meshing.export import save_mesh

    camera = read_camera(args.camera) if args.camera else None
    predicted, truth = load_mesh(args.predicted), load_mesh(args.truth)
    options = {"align": args.align, "samples": args.samples, "seed": args.seed}
    progress = ConsoleProgress()
    try:
        figures = compare_meshes(predicted, truth, camera=camera, progress=progress, **options)
    finally:
        progress.close()
    if args.error_mesh:
        save_mesh(error_mesh(predicted, truth, **options), args.error_mesh)
    return figures


def _compare_images(args: Namespace) -> dict:
    from ..stages.evaluation.images import compare_images
    from ..views.image_files import read_unchanged

    if args.camera or args.error_mesh or args.align != "none":
        raise BadInput("--align, --camera and --error-mesh are for meshes; leave them out to compare images.")
    (image, turn), (truth, true_turn) = (read_unchanged(path) for path in (args.predicted, args.truth))
    if image.shape != truth.shape:
        sizes = [f"{x.shape[-1]}x{x.shape[-2]}" for x in (image, truth)]
        raise BadInput(f"The images are {sizes[0]} and {sizes[1]} pixels; give two of one size.")
    if turn != true_turn:
        raise BadInput("One of the two images is turned by its EXIF tag; save it without the tag, as it is to be seen.")
    return compare_images(image[None], truth[None])
