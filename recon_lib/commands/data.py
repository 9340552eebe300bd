"""The data engine: render objects for training, or draw a sheet of samples to be looked at."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import BadInput


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--sheet", type=Path, metavar="OUT.png", help="draw samples as training sees them")
    parser.add_argument("--count", type=int, default=8, help="samples on the sheet")
    parser.add_argument("--shards", type=Path, metavar="FOLDER", help="render shards for training into this folder")
    parser.add_argument("--meshes", type=Path, metavar="FOLDER", help="objects: a folder of meshes")
    parser.add_argument("--split", default="train", help="of the folder's manifest.json, if it has one")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--solids", type=int, default=0, metavar="N", help="objects: so many procedural solids")
    parser.add_argument("--views", type=int, default=8, help="renders of an object")
    parser.add_argument("--backgrounds", type=int, default=0, metavar="N", help="draw a bank of so many backgrounds")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photographs to cut some backgrounds from")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other samples")


def run(args: Namespace) -> int:
    if args.sheet is None and args.shards is None:
        raise BadInput("There is nothing to do; give --sheet OUT.png or --shards FOLDER.")
    if args.shards is not None and not (args.meshes or args.solids or args.backgrounds):
        raise BadInput("There is nothing to render; give --meshes, --solids or --backgrounds.")
    if args.sheet is not None and args.count < 1:
        raise BadInput(f"A sheet of {args.count} samples is empty; it needs at least one sample.")
    if args.sheet is not None:
        from ..data.sheet import sample_sheet
        from ..files import check_output
        from ..stages.photo import save_image

        check_output(args.sheet, (".png", ".jpg"))
        save_image(sample_sheet(args.count, seed=args.seed, meshes=args.meshes), args.sheet)
    if args.shards is not None:
        from ..console import ConsoleProgress
        from ..files import check_output

        check_output(args.shards / "shard")
        progress = ConsoleProgress()
        try:
            _render(args, progress)
        finally:
            progress.close()
    return 0


def _render(args: Namespace, progress) -> None:
    from ..data.background_bank import draw_backgrounds
    from ..data.render_shards import render_meshes, render_solids

    options = {"views": args.views, "progress": progress}
    if args.backgrounds:
        photos = _photographs(args.photos) if args.photos else ()
        draw_backgrounds(
            args.shards / "backgrounds.npy", args.backgrounds, photos=photos, seed=args.seed, progress=progress
        )
    if args.meshes:
        render_meshes(args.meshes, args.shards, seed=args.seed, split=args.split, up=args.up, **options)
    if args.solids:
        render_solids(args.shards, range(args.seed * args.solids, (args.seed + 1) * args.solids), **options)


def _photographs(folder: Path) -> list:
    import numpy as np
    from PIL import Image

    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}; name the one that holds the photographs.")
    paths, photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")), []
    for path in paths:
        try:
            photos.append(np.asarray(Image.open(path).convert("RGB")))
        except (OSError, SyntaxError) as error:
            raise BadInput(f"{path.name} cannot be read as a picture; remove it from {folder}.") from error
    return photos
