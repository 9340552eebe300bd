"""Fit a textured mesh to posed pictures: transforms.json, COLMAP, LLFF or projection matrices.

The mesh returns to the source's place and scale, turned until up is +y, as GLB has it: z-up worlds (nerfstudio,
instant-ngp, Blender) lie down for viewers otherwise. COLMAP's world, whose y points down, and others without an axis
are turned by what its cameras have above them. `--keep-frame` leaves the world as it is.
"""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import whole_number
from ..systems.options import check_common
from .fit_outputs import Stopwatch, check_frame_outputs, fit_sheet, write_frames, write_report
from .resumable import check_outputs, resumable

if TYPE_CHECKING:
    from ..networks.contracts import ViewPrior
    from ..progress import Progress
    from .fit_inputs import FitInputs
    from .fit_outputs import Fitted

TEXELS_TO_PIXELS = 0.75  # a picture shows half of the surface, so it needs fewer pixels a side than the texture
GRIDS, GRID, ROUNDS_USUAL = (32, 64, 128, 192), 128, 14
PIXELS, ROUNDS = (16, 4096), (1, 10_000)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("views", type=Path, metavar="VIEWS_DIR", help="folder of pictures with their cameras")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.glb", help="GLB, OBJ, PLY or STL")
    parser.add_argument("--field", choices=("sdf", "radiance"), default="sdf", help="a surface, or a radiance field")
    parser.add_argument(
        "--prior", default="none", metavar="none|embedded|FOLDER", help="diffusion prior of views between the pictures"
    )
    parser.add_argument("--refine-poses", action="store_true", help="bring cameras to fit the pictures first")
    parser.add_argument("--pose", choices=("colmap", "turntable"), help="find the cameras of pictures without any")
    parser.add_argument("--keep-frame", action="store_true", help="write the source's world, not turned to +y up")
    parser.add_argument("--render", type=Path, metavar="CAMERAS.json", help="transforms.json of cameras to render")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="where --render writes 000.png ...")
    parser.add_argument("--grid", type=int, choices=GRIDS, default=GRID, help="nodes per side of the finest grid")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS_USUAL, help="rounds on the finest grid; more is finer and slower"
    )
    parser.add_argument("--pixels", type=int, default=192, help="longest side of the pictures in the fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resolution", type=int, default=256, help="cells per side of the extracted grid")
    parser.add_argument("--texture-size", type=int, default=1024, help="pixels per side of the texture")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write stage times and figures")
    parser.add_argument("--preview", type=Path, metavar="SHEET.png", help="write a sheet of pictures and the result")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress

    check_outputs(
        args.output, args.report, args.preview, inputs=(args.views / "transforms.json", args.views, args.render)
    )
    check_common(args.resolution, args.texture_size, args.seed)
    whole_number(args.pixels, "--pixels", *PIXELS)
    whole_number(args.rounds, "--rounds", *ROUNDS)
    prior = _check_options(args)
    with resumable(args.output, "fit", (args.report, args.preview)) as checkpoint, closing(ConsoleProgress()) as bar:
        _fit(args, prior, checkpoint, bar)
    return 0 if args.output.is_file() else 1


def _check_options(args: Namespace) -> "ViewPrior | None":
    """`BadInput` for options that do not go together, and for cameras that cannot be rendered. -> the prior"""
    if (args.render is None) != (args.frames is None):
        raise BadInput("--render and --frames go together: the cameras, and the folder for their pictures.")
    if args.frames is not None:
        check_frame_outputs(args.render, args.frames, args.views, (args.output, args.report, args.preview))
    if args.field != "sdf" and (args.grid, args.rounds) != (GRID, ROUNDS_USUAL):
        raise BadInput("--grid and --rounds are of --field sdf; leave them out for a radiance field.")
    if args.prior == "none":
        return None
    if args.field != "radiance":
        raise BadInput("--prior guides radiance fields; add --field radiance.")
    from ..stages.fitting.radiance.load_prior import load_prior

    return load_prior(args.prior)


def _fit(args: Namespace, prior: "ViewPrior | None", checkpoint: Path, progress: "Progress") -> None:
    """From the folder of views to all outputs."""
    from ..stages.meshing.export import save_mesh
    from ..stages.meshing.extract import extract_mesh
    from ..stages.meshing.texture import bake_texture
    from ..views.photo import save_image
    from .fit_inputs import load_inputs

    seconds = Stopwatch()
    inputs = load_inputs(args, max(args.pixels, int(TEXELS_TO_PIXELS * args.texture_size)), progress)
    views = inputs.views
    seconds.lap("load")
    fit = _fitted(args, inputs, prior, checkpoint, progress)
    seconds.lap("fit")
    if args.render is not None:
        write_frames(args.render, args.frames, inputs, fit.field, progress)
        seconds.lap("frames")
    mesh = extract_mesh(fit.field, args.resolution, largest=True, progress=progress).mesh
    seconds.lap("extract")
    mesh = bake_texture(mesh, views, field=fit.field, size=args.texture_size, progress=progress)
    seconds.lap("texture")
    placed = inputs.mesh_out(mesh)
    saved = save_mesh(placed, args.output, up="y" if args.keep_frame else None, progress=progress)
    seconds.lap("save")
    if args.preview is not None:
        save_image(fit_sheet(views, fit.field, mesh), args.preview)
    if args.report is not None:
        figures = {"views": len(views), "field": args.field, "seed": args.seed, "grid": args.grid}
        write_report(args.report, {**figures, "seconds": seconds.laps}, fit, inputs, placed, saved.path)


def _fitted(
    args: Namespace, inputs: "FitInputs", prior: "ViewPrior | None", checkpoint: Path, progress: "Progress"
) -> "Fitted":
    """The field that the options ask for, in the object's frame."""
    common = {"seed": args.seed, "checkpoint": checkpoint, "progress": progress}
    if args.field == "radiance":
        from ..stages.fitting.radiance.fit import fit_radiance
        from ..stages.fitting.radiance.settings import RadianceSettings

        return fit_radiance(inputs.views, settings=RadianceSettings(side=args.pixels), prior=prior, **common)
    from ..stages.fitting.sdf_grid.fit import fit_volsdf
    from ..stages.fitting.sdf_grid.settings import FitSettings

    settings = FitSettings(side=args.pixels).upto(args.grid, args.rounds)
    return fit_volsdf(inputs.views, settings=settings, **common)
