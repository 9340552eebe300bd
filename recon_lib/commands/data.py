"""Data engine: render objects for training, or draw a sheet of samples."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import whole_number

if TYPE_CHECKING:
    from ..progress import Progress

LIMITS = {  # least and most of the whole numbers
    "count": (1, 4096), "solids": (0, 10**6), "views": (1, 10**4), "scattered": (0, 1024), "backgrounds": (0, 10**6),
    "seed": (0, 2**31 - 1),
}  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--sheet", type=Path, metavar="OUT.png", help="draw a sheet of training samples")
    parser.add_argument("--count", type=int, default=8, help="samples on the sheet")
    parser.add_argument("--shards", type=Path, metavar="FOLDER", help="render shards for training into this folder")
    parser.add_argument(
        "--distances", action="store_true", help="--shards get signed distances too, also finished ones"
    )
    parser.add_argument("--orbits", type=Path, metavar="FOLDER", help="render orbits of views for outpainters")
    parser.add_argument(
        "--scattered", type=int, default=0, metavar="N", help="--orbits of N views from all around, for priors of views"
    )
    parser.add_argument("--outpaint-samples", type=Path, metavar="FOLDER", help="make outpainting samples of --orbits")
    parser.add_argument("--meshes", type=Path, metavar="FOLDER", help="objects: a folder of meshes")
    parser.add_argument("--split", default="train", help="of the folder's manifest.json, if it has one")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--solids", type=int, default=0, metavar="N", help="objects: this number of procedural solids")
    parser.add_argument("--views", type=int, default=8, help="renders of an object; samples of an orbit")
    parser.add_argument(
        "--backgrounds", type=int, default=0, metavar="N", help="draw a bank of this number of backgrounds"
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photographs to crop some backgrounds from")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other samples")


def run(args: Namespace) -> int:
    if args.sheet is None and args.shards is None and args.orbits is None:
        raise BadInput("There is nothing to do; give --sheet OUT.png, --shards FOLDER or --orbits FOLDER.")
    if args.shards is not None and not (args.meshes or args.solids or args.backgrounds):
        raise BadInput("There is nothing to render; give --meshes, --solids or --backgrounds.")
    if args.orbits is not None and not (args.meshes or args.solids or args.outpaint_samples):
        raise BadInput(
            "There is nothing to render; give --meshes or --solids, or --outpaint-samples for samples of these orbits."
        )
    for name, limits in LIMITS.items():
        whole_number(getattr(args, name), f"--{name}", *limits)
    if args.sheet is not None:
        from ..data.shards.sheet import sample_sheet
        from ..files import check_output
        from ..views.photo import save_image

        check_output(args.sheet, (".png", ".jpg"))
        save_image(sample_sheet(args.count, seed=args.seed, meshes=args.meshes), args.sheet)
    for folder, make in (
        (args.shards, _render),
        (args.orbits, _render_orbits),
        (args.outpaint_samples, _make_outpaint_samples),
    ):
        if folder is not None:
            _fill_folder(make, folder, args)
    return 0


def _fill_folder(make: Callable[[Namespace, "Progress"], None], folder: Path, args: Namespace) -> None:
    """Fill a folder, with the progress on the console."""
    from ..console import ConsoleProgress
    from ..files import check_output

    check_output(folder / "shard")
    progress = ConsoleProgress()
    try:
        make(args, progress)
    finally:
        progress.close()


def _render(args: Namespace, progress: "Progress") -> None:
    from ..data.backgrounds.bank import draw_backgrounds
    from ..data.rendering.objects import list_objects
    from ..data.shards.render_shards import render_meshes, render_solids

    options = {"views": args.views, "progress": progress}
    if args.meshes:
        list_objects(args.meshes, args.split)  # says so before anything is drawn when there are none
    if args.backgrounds:
        photos = _photographs(args.photos) if args.photos else ()
        draw_backgrounds(
            args.shards / "backgrounds.npy", args.backgrounds, photos=photos, seed=args.seed, progress=progress
        )
    solids = range(args.seed * args.solids, (args.seed + 1) * args.solids)
    if args.meshes:
        render_meshes(args.meshes, args.shards, seed=args.seed, split=args.split, up=args.up, **options)
    if args.solids:
        render_solids(args.shards, solids, **options)
    if args.distances:
        _add_distances(args, solids, progress)


def _add_distances(args: Namespace, solids: range, progress: "Progress") -> None:
    from ..data.shards.distances import add_mesh_distances, add_solid_distances

    if args.meshes:
        add_mesh_distances(args.meshes, args.shards, seed=args.seed, split=args.split, up=args.up, progress=progress)
    if args.solids:
        add_solid_distances(args.shards, solids, views=args.views, progress=progress)


def _render_orbits(args: Namespace, progress: "Progress") -> None:
    from ..data.shards.orbits import render_mesh_orbits, render_solid_orbits
    from ..data.shards.scattered import SCATTERED_SIDE_PX, scattered

    options = {"progress": progress}
    if args.scattered:
        options |= {"size": SCATTERED_SIDE_PX, "draw": scattered(args.scattered)}
    if args.meshes:
        render_mesh_orbits(args.meshes, args.orbits, seed=args.seed, split=args.split, up=args.up, **options)
    if args.solids:
        seeds = range(args.seed * args.solids, (args.seed + 1) * args.solids)
        render_solid_orbits(args.orbits, seeds, **options)


def _make_outpaint_samples(args: Namespace, progress: "Progress") -> None:
    from ..training.outpainter.dataset import make_samples

    if args.orbits is None:
        raise BadInput("Outpainting samples are made of orbits; name their folder with --orbits.")
    make_samples(args.orbits, args.outpaint_samples, count=args.views, seed=args.seed, progress=progress)


def _photographs(folder: Path) -> list:
    """The photographs of a folder, [H,W,3] uint8 each."""
    from ..views.image_files import read_picture

    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}; name the one that holds the photographs.")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    pictures = (read_picture(path)[:3] for path in paths)
    return [(p.expand(3, -1, -1) * 255).round().byte().permute(1, 2, 0).numpy() for p in pictures]
