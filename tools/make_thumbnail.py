"""Draws a workflow's thumbnail from its own stages: python tools/make_thumbnail.py WORKFLOW [PHOTO]

Four pictures of what happens on the way, by the workflow's name.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recon_lib.cameras.camera import Cameras  # noqa: E402
from recon_lib.meshes.clean import decimated  # noqa: E402
from recon_lib.meshes.files.mesh_io import load_mesh  # noqa: E402
from recon_lib.render.frames import render_radiance  # noqa: E402
from recon_lib.render.mesh import render_mesh  # noqa: E402
from recon_lib.render.pictures import mask_picture  # noqa: E402
from recon_lib.render.points import render_points  # noqa: E402
from recon_lib.stages.carving.carve import carve  # noqa: E402
from recon_lib.stages.fitting.radiance.fit import fit_radiance  # noqa: E402
from recon_lib.stages.fitting.radiance.load_prior import load_prior  # noqa: E402
from recon_lib.stages.fitting.radiance.settings import RadianceSettings  # noqa: E402
from recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf  # noqa: E402
from recon_lib.stages.meshing.extract import extract_mesh  # noqa: E402
from recon_lib.stages.meshing.mesh_to_field import mesh_to_field  # noqa: E402
from recon_lib.stages.meshing.project import project_views  # noqa: E402
from recon_lib.stages.meshing.texture import bake_texture  # noqa: E402
from recon_lib.stages.outpainting.painter_embedded import load_embedded_painter  # noqa: E402
from recon_lib.stages.outpainting.painter_plain import PlainPainter  # noqa: E402
from recon_lib.stages.posing.onto_photo.align import align_mesh, photo_view  # noqa: E402
from recon_lib.stages.posing.onto_photo.picture import overlay  # noqa: E402
from recon_lib.stages.single_view.mask import segment  # noqa: E402
from recon_lib.stages.single_view.upright_shape import coarse_points  # noqa: E402
from recon_lib.systems import g3dr, list_sdf  # noqa: E402
from recon_lib.systems.pop3d import loop as pop3d  # noqa: E402
from recon_lib.systems.zeroshape_w import reconstruct  # noqa: E402
from recon_lib.views.photo import load_photo, save_image  # noqa: E402
from recon_lib.views.posed_images import load_views  # noqa: E402
from recon_lib.weights.registry import load_model  # noqa: E402

THUMBNAIL_SIDE_PX = 320  # of each picture


def square(image: torch.Tensor) -> torch.Tensor:
    """The middle of [1,3,H,W] at the thumbnail's size."""
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = image[..., top : top + side, left : left + side]
    return F.interpolate(
        cut, (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), mode="bilinear", antialias=True, align_corners=False
    )


def of_zeroshape_w(image: torch.Tensor) -> list[torch.Tensor]:
    """Photo, segmentation, visible surface, textured mesh."""
    result = reconstruct(image, load_model("zeroshape_w_mini"))
    return [
        square(image),
        square(mask_picture(image, result.surface.views.masks, result.surface.occluder)),
        render_points(result.surface.points, result.surface.colors, aside(35.0)),
        render_mesh(result.mesh, aside(35.0)).images,
    ]


def of_photo_to_mesh(image: torch.Tensor) -> list[torch.Tensor]:
    """Photo, and the textured mesh from the front, the side and the back."""
    mesh = reconstruct(image, load_model("zeroshape_w_mini")).mesh
    return [square(image), *(render_mesh(mesh, aside(azimuth)).images for azimuth in (20.0, 70.0, 160.0))]


def of_list(image: torch.Tensor) -> list[torch.Tensor]:
    """Photo, coarse points, and the upright mesh from the front and the side."""
    model = load_model("list_mini")
    masks = segment(load_model("zeroshape_w_mini"), image)
    points = coarse_points(model, image, masks.object, occluder=masks.occluder)
    mesh = list_sdf.reconstruct(image, model).mesh
    cloud = render_points(points.points, points.colors * 0.6, aside(35.0, 2.4), size=1)
    return [square(image), cloud, *(render_mesh(mesh, aside(azimuth, 2.4)).images for azimuth in (20.0, 75.0))]


def of_g3dr(image: torch.Tensor) -> list[torch.Tensor]:
    """Photo, a novel view of the triplane, and the mesh from the front and the side."""
    result = g3dr.reconstruct(image, load_model("g3dr_mini"))
    novel = render_radiance(result.field, aside(25.0)).images
    return [square(image), novel, *(render_mesh(result.mesh, aside(azimuth)).images for azimuth in (15.0, 60.0))]


def of_photos_to_mesh(folder: str = "figure") -> list[torch.Tensor]:
    """Two of the pictures, and the fitted mesh from the front and the back."""
    views = load_views(ROOT / "assets" / "views" / folder)
    field = fit_volsdf(views).field
    mesh = bake_texture(extract_mesh(field, 192, largest=True).mesh, views, field=field)
    given = views.images * views.masks + 1 - views.masks
    return [square(given[:1]), square(given[1:2]), *(render_mesh(mesh, aside(a)).images for a in (30.0, 200.0))]


def of_few_views_volsdf() -> list[torch.Tensor]:
    """The same of three pictures."""
    return of_photos_to_mesh("figure/three_views.json")


def of_mend_mesh() -> list[torch.Tensor]:
    """The coarse mesh, one of the photos, and the mended mesh without and with its texture."""
    scan = load_mesh(ROOT / "assets" / "meshes" / "figure_scan.glb")
    worn = extract_mesh(mesh_to_field(scan, 32), 32, largest=True, smooth=40).mesh
    views = load_views(ROOT / "assets" / "views" / "figure")
    field = fit_volsdf(views, start=mesh_to_field(worn), hull=carve(views, 64).field).field
    mesh = bake_texture(extract_mesh(field, 256, largest=True).mesh, views, field=field)
    given = views.images * views.masks + 1 - views.masks
    shown = [(worn, "clay"), (mesh, "clay"), (mesh, "lit")]
    first, second, third = (render_mesh(one, aside(30.0), shading=shading).images for one, shading in shown)
    return [first, square(given[1:2]), second, third]


def of_photo_onto_mesh(image: torch.Tensor) -> list[torch.Tensor]:
    """The photo, the bare mesh, both over each other in the pose that was found, and the mesh with the photo."""
    bare = decimated(load_mesh(ROOT / "assets" / "meshes" / "mug_scan.glb"), 4000)
    view = photo_view(image, segment(load_model("zeroshape_w_mini"), image).object)
    posed = replace(view, cameras=align_mesh(bare, view)[0].cameras)
    painted = project_views(bare, posed, size=1024).mesh
    over = overlay(bare, posed)
    return [
        square(image),
        render_mesh(bare, aside(60.0), shading="clay").images,
        square(over[..., 2 * over.shape[-1] // 3 :]),
        render_mesh(painted, aside(10.0), shading="albedo").images,
    ]


def of_reconfusion() -> list[torch.Tensor]:
    """One of the three pictures, two novel views of the field, and its mesh."""
    views = load_views(ROOT / "assets" / "views" / "figure" / "three_views.json")
    settings = RadianceSettings(steps=150, side=96)
    field = fit_radiance(views, settings=settings, prior=load_prior("embedded")).field
    novel = [render_radiance(field, aside(azimuth, 3.4)).images for azimuth in (75.0, 200.0)]
    mesh = bake_texture(extract_mesh(field, 128, largest=True).mesh, views)
    given = views.images * views.masks + 1 - views.masks
    return [square(given[:1]), *novel, render_mesh(mesh, aside(30.0, 3.4)).images]


def of_pop3d(image: torch.Tensor, cameras: int = 8) -> list[torch.Tensor]:
    """Photo, what the second view lacks, the same view painted, the mesh from behind."""
    options = pop3d.Options(cameras=cameras)
    result = pop3d.reconstruct(image, load_model("zeroshape_w_mini"), load_embedded_painter(), options=options)
    return [
        square(image), square(result.outpaint_masks[0].preview()), square(result.views.images[1:2]),
        render_mesh(result.mesh, aside(150.0)).images,
    ]  # fmt: skip


def of_pop3d_steps(image: torch.Tensor) -> list[torch.Tensor]:
    """The same with the three painted views that stand as steps in the graph."""
    return of_pop3d(image, cameras=4)


def of_pop3d_native_inpaint(image: torch.Tensor) -> list[torch.Tensor]:
    """Photo, the two views that are handed to a sampler, the mesh (here with the nearest colours)."""
    result = pop3d.reconstruct(image, load_model("zeroshape_w_mini"), PlainPainter(), options=pop3d.Options(cameras=3))
    return [
        square(image),
        *(square(one.preview()) for one in result.outpaint_masks),
        render_mesh(result.mesh, aside(60.0)).images,
    ]


def aside(azimuth: float, distance: float = 4.0) -> Cameras:
    return Cameras.orbit(azimuth, 20.0, distance, 34.0, THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX)


WORKFLOWS = {
    "list": of_list,
    "g3dr": of_g3dr,
    "g3dr_text_to_3d": of_g3dr,
    "photo_to_mesh": of_photo_to_mesh,
    "photo_onto_mesh": of_photo_onto_mesh,
    "zeroshape_w": of_zeroshape_w,
    "pop3d": of_pop3d,
    "pop3d_steps": of_pop3d_steps,
    "pop3d_native_inpaint": of_pop3d_native_inpaint,
}
FROM_VIEWS = {
    "photos_to_mesh": of_photos_to_mesh,
    "few_views_volsdf": of_few_views_volsdf,
    "mend_mesh": of_mend_mesh,
    "reconfusion": of_reconfusion,
}


def main() -> None:
    name = sys.argv[1]
    photo = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "assets" / "photos" / "buddha_side.jpg"
    tiles = FROM_VIEWS[name]() if name in FROM_VIEWS else WORKFLOWS[name](load_photo(photo).image)
    rows = [torch.cat(tiles[i : i + 2], -1) for i in (0, 2)]
    save_image(torch.cat(rows, -2)[0], ROOT / "workflows" / f"{name}.jpg")


if __name__ == "__main__":
    main()
