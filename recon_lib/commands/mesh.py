"""Clean, simplify or convert a mesh file: fewer triangles, smoother, without loose bits, in another format or size."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..parsing import number, whole_number
from .resumable import check_outputs
from .standard_output import write_stdout

FACES, PASSES, SIZES_MM = (4, 10_000_000), (0, 100), (1e-3, 1e6)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, metavar="MESH", help="GLB, glTF, OBJ, PLY or STL")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.glb", help="GLB, OBJ, PLY or STL")
    parser.add_argument("--faces", type=int, help="reduce to about this many triangles; colours go")
    parser.add_argument("--smooth", type=int, default=0, metavar="PASSES", help="smoothing passes; 5 is usual")
    parser.add_argument("--largest", action="store_true", help="keep only the largest connected surface")
    parser.add_argument("--up", choices=("y", "z"), help="axis that points up; default: z for STL, y for the others")
    parser.add_argument("--size-mm", type=float, metavar="MM", help="longest side, millimetres")


def run(args: Namespace) -> int:
    from ..meshes.clean import cleaned
    from ..meshes.files.mesh_io import load_mesh
    from ..stages.meshing.export import save_mesh

    check_outputs(args.output, None, None, inputs=(args.mesh,))
    if args.faces is not None:
        whole_number(args.faces, "--faces", *FACES)
    whole_number(args.smooth, "--smooth", *PASSES)
    if args.size_mm is not None:
        number(args.size_mm, "--size-mm", *SIZES_MM)
    mesh = cleaned(load_mesh(args.mesh), largest=args.largest, smooth=args.smooth, faces=args.faces)
    write_stdout(f"{save_mesh(mesh, args.output, up=args.up, size_mm=args.size_mm)}\n")
    return 0
