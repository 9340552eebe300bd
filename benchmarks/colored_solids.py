"""Objects of benchmarks that compare colours and shape: closed meshes of more than one colour."""

import argparse
import json
from pathlib import Path

from recon_lib.cameras.camera import Cameras
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed
from recon_lib.render.mesh import render_mesh
from recon_lib.views.views import Views


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which objects: --meshes, --split, --up, --count."""
    parser.add_argument("--meshes", type=Path, required=True, help="a folder of meshes")
    parser.add_argument("--split", help="of the folder's manifest.json")
    parser.add_argument("--up", choices=["y", "z"], default="z")
    parser.add_argument("--count", type=int, default=5)


def colored_solids(options: argparse.Namespace) -> list[tuple[str, Mesh]]:
    """Names and meshes of `options.count` closed, coloured objects, evenly spread over their sorted names.

    Pictures do not determine the inside of open ones. All of them if there are fewer.
    """
    solids = []
    for file in list_objects(options.meshes, options.split):
        mesh = load_object(file.path, options.up)
        if is_closed(mesh) and is_colored(mesh):
            solids.append((file.name, mesh))
    return [solids[index] for index in spread(len(solids), options.count)]


def is_colored(mesh: Mesh) -> bool:
    """Whether it has a texture, or vertices of more than one colour."""
    colors = mesh.vertex_colors
    return mesh.texture is not None or (colors is not None and bool((colors != colors[0]).any()))


def spread(number: int, count: int) -> list[int]:
    """`count` indices, evenly spaced from the first to the last of `number`; all of them if there are fewer."""
    count = min(count, number)
    return [round(index * (number - 1) / max(count - 1, 1)) for index in range(count)]


def seen(mesh: Mesh, cameras: Cameras) -> Views:
    """True views: unlit, over white, with depth and normals."""
    return render_mesh(mesh, cameras, shading="albedo", supersample=4).as_views(cameras)


def write(path: Path | None, report: dict) -> None:
    """Write the report as JSON if there is a path."""
    if path:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
