"""Draw a sheet of samples as the data engine makes them for training, to be looked at."""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--sheet", type=Path, required=True, metavar="OUT.png", help="the picture to write")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other samples")
    parser.add_argument("--count", type=int, default=8, help="samples on the sheet")
    parser.add_argument("--meshes", type=Path, metavar="FOLDER", help="mix in objects from this folder")


def run(args: Namespace) -> int:
    from ..data.sheet import sample_sheet
    from ..files import check_output
    from ..stages.photo import save_image

    check_output(args.sheet, (".png", ".jpg"))
    save_image(sample_sheet(args.count, seed=args.seed, meshes=args.meshes), args.sheet)
    return 0
