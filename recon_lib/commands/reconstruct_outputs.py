"""What `reconstruct` writes: the mesh, a report, a sheet of pictures, the views."""

from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from .resumable import keep_views

if TYPE_CHECKING:
    from torch import Tensor

    from ..preview import Tile
    from ..progress import Progress
    from ..stages.meshing.export import ExportReport
    from ..systems.reconstruction import Reconstruction
    from ..weights.registry import LoadedModel


def write_outputs(
    args: Namespace,
    image: "Tensor",
    result: "Reconstruction",
    model: "LoadedModel",
    progress: "Progress",
    job: dict | None,
) -> "ExportReport":
    """Write everything that was asked for; the views first, the mesh last but for pictures and figures of it.

    -> of the mesh file
    """
    from ..stages.meshing.export import save_mesh
    from ..views.photo import save_image

    if args.keep_views is not None:
        keep_views(result.views, args.keep_views, progress)
    saved = save_mesh(result.mesh, args.output)
    if args.report is not None:
        _write_report(args, result, model, saved, job)
    if args.preview is not None:
        save_image(result_sheet(image, result), args.preview)
    return saved


def result_sheet(image: "Tensor", result: "Reconstruction") -> "Tensor":
    """Input [1,3,H,W], masks, depth, normals, four views of the mesh, and painted views as one picture [3,H,W]."""
    from ..preview import Tile, sheet
    from ..render.mesh import turntable

    around = turntable(result.mesh, 4, 15.0, size=256).images
    names = ("front", "right", "back", "left")
    mesh_tiles = [Tile(name, picture) for name, picture in zip(names, around, strict=True)]
    return sheet([Tile("photo", image[0]), *_surface_tiles(result), *mesh_tiles, *_painted_tiles(result)])


def _surface_tiles(result: "Reconstruction") -> "list[Tile]":
    """What was estimated of the photo, where the system estimates it."""
    from ..preview import Tile
    from ..render.pictures import depth_picture, mask_picture, normal_picture

    if result.surface is None:
        return []
    views = result.surface.views
    masks = mask_picture(views.images, views.masks, result.surface.occluder)[0]
    return [
        Tile("object (green), occluder (red)", masks),
        Tile("depth", depth_picture(views.depth)[0]),
        Tile("normals", normal_picture(views.normals)[0]),
    ]


def _painted_tiles(result: "Reconstruction") -> "list[Tile]":
    """The painted views, and what each lacked."""
    from ..preview import Tile

    lacking = [Tile(f"lacking in view {i}", mask.preview()[0]) for i, mask in enumerate(result.outpaint_masks, 2)]
    return lacking + [Tile(f"view {i}", image) for i, image in enumerate(result.views.images[1:], 2)]


def _write_report(
    args: Namespace, result: "Reconstruction", model: "LoadedModel", saved: "ExportReport", job: dict | None
) -> None:
    from ..files import write_json

    camera = result.views.cameras if result.surface is None else result.surface.views.cameras
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
    write_json(args.report, report if job is None else {**report, "job": job})
