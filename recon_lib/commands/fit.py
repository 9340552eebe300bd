"""Fit a textured mesh to posed pictures: a folder with transforms.json (nerfstudio's format), in that file's world."""

import time
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..parsing import whole_number
from ..systems.options import check_common
from .resumable import check_outputs, resumable

if TYPE_CHECKING:
    from torch import Tensor

    from ..fields.sdf_grid import SdfGrid
    from ..meshes.mesh import Mesh
    from ..progress import Progress
    from ..stages.fitting.sdf_grid.fit import Fit
    from ..stages.fitting.sdf_grid.settings import FitSettings
    from ..views.views import Views

LARGEST_VIEWS = 1 << 29  # bytes of pictures in memory
TEXELS_TO_PIXELS = 0.75  # a picture shows half of the surface, so it needs fewer pixels a side than the texture
GRIDS = (32, 64, 128, 192)
PIXELS, ROUNDS = (16, 4096), (1, 10_000)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("views", type=Path, metavar="VIEWS_DIR", help="folder with transforms.json, or that file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.glb", help="GLB, OBJ, PLY or STL")
    parser.add_argument("--grid", type=int, choices=GRIDS, default=128, help="nodes per side of the finest grid")
    parser.add_argument("--rounds", type=int, default=14, help="rounds on the finest grid; more is finer and slower")
    parser.add_argument("--pixels", type=int, default=192, help="longest side of the pictures in the fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resolution", type=int, default=256, help="cells per side of the extracted grid")
    parser.add_argument("--texture-size", type=int, default=1024, help="pixels per side of the texture")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write stage times and figures")
    parser.add_argument("--preview", type=Path, metavar="SHEET.png", help="write a sheet of pictures and the result")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress
    from ..stages.fitting.sdf_grid.settings import FitSettings

    check_outputs(args.output, args.report, args.preview, inputs=(args.views / "transforms.json", args.views))
    check_common(args.resolution, args.texture_size, args.seed)
    whole_number(args.pixels, "--pixels", *PIXELS)
    whole_number(args.rounds, "--rounds", *ROUNDS)
    settings = FitSettings(side=args.pixels).upto(args.grid, args.rounds)
    with resumable(args.output, "fit", (args.report, args.preview)) as checkpoint, closing(ConsoleProgress()) as bar:
        _fit(args, settings, checkpoint, bar)
    return 0 if args.output.is_file() else 1


def _fit(args: Namespace, settings: "FitSettings", checkpoint: Path, progress: "Progress") -> None:
    """From the folder of views to all outputs."""
    from ..stages.fitting.sdf_grid.fit import fit_volsdf
    from ..stages.meshing.export import save_mesh
    from ..stages.meshing.extract import extract_mesh
    from ..stages.meshing.texture import bake_texture
    from ..views.photo import save_image
    from ..views.posed_images import load_views

    seconds = Stopwatch()
    side = max(settings.side, int(TEXELS_TO_PIXELS * args.texture_size))
    views = load_views(args.views, progress, side, LARGEST_VIEWS)
    seconds.lap("load")
    fit = fit_volsdf(views, settings=settings, seed=args.seed, checkpoint=checkpoint, progress=progress)
    seconds.lap("fit")
    mesh = extract_mesh(fit.field, args.resolution, largest=True, progress=progress).mesh
    seconds.lap("extract")
    mesh = bake_texture(mesh, views, field=fit.field, size=args.texture_size, progress=progress)
    mesh = replace(mesh, origin=views.origin)
    seconds.lap("texture")
    saved = save_mesh(mesh, args.output, progress=progress)
    seconds.lap("save")
    if args.preview is not None:
        save_image(fit_sheet(views, fit.field, mesh), args.preview)
    if args.report is not None:
        figures = {"views": len(views), "seed": args.seed, "grid": args.grid, "seconds": seconds.laps}
        _write_report(args.report, figures, fit, mesh, saved.path)


def _write_report(path: Path, figures: dict, fit: "Fit", mesh: "Mesh", saved: Path) -> None:
    from ..files import write_json

    fitted = {"rounds": fit.rounds, "resumed": fit.resumed, "loss": fit.loss, "beta": fit.field.beta}
    shape = {"vertices": len(mesh.vertices), "triangles": len(mesh.faces), "file": saved.name}
    write_json(path, {**figures, "fit": fitted, "mesh": {"bounds": mesh.bounds.tolist(), **shape}})


class Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Record the stage that ends now."""
        now = time.perf_counter()
        self.laps[name], self._last = round(now - self._last, 3), now


def fit_sheet(views: "Views", field: "SdfGrid", mesh: "Mesh") -> "Tensor":
    """Sheet [3,H,W] of the first pictures, the field's colours and normals from the same cameras, and the mesh."""
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
