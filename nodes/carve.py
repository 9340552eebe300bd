"""Space carving: where the object may be, and what of it the next view must show."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, advanced, where_known
from .convert import images_to_host, masks_to_host, mesh_from_host, voxel_to_host
from .host import ComfyProgress, device

FOLDER = f"{CATEGORY}/outpaint"
PREVIEW_CELLS, PREVIEW_SIZE = 96, 192


class VisualHull(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_VisualHull",
            display_name="Visual Hull (Space Carving)",
            **where_known(search_aliases=["space carving", "shape from silhouette", "voxel carving"]),
            category=FOLDER,
            description="Carves away what lies outside the object masks of the views: the object is in the rest.",
            inputs=[
                sockets.Views.Input("views", tooltip="With object masks; pixels outside a picture carve nothing."),
                io.Int.Input(
                    "resolution", default=256, min=8, max=512, step=8, tooltip="Voxels along a side of the VOXEL."
                ),
                io.Float.Input(
                    "margin", default=1.25, min=0.0, max=64.0, step=0.25, **advanced(),
                    tooltip="Pixels by which every mask is widened, so that a mask that is one pixel off does not eat "
                    "the object.",
                ),
                io.Float.Input(
                    "radius", default=1.0, min=0.01, max=1000.0, step=0.05, **advanced(),
                    tooltip="The object lies within this distance of the centre, in world units.",
                ),
                io.Boolean.Input(
                    "use_depth", default=False, tooltip="Carve away, too, what lies before the depth of the views."
                ),
                io.Float.Input(
                    "depth_slack", default=0.02, min=0.0, max=10.0, step=0.005, **advanced(),
                    tooltip="World units by which the depth may be wrong; used with use_depth.",
                ),
            ],
            outputs=[
                sockets.Field.Output("field", display_name="hull", tooltip="For Extract Mesh, Outpainting Mask."),
                io.Voxel.Output("voxel", display_name="voxel", tooltip="For Voxel to Mesh and others: 1 = inside."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The hull from the front, right, back and left."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, views, resolution, margin, radius, use_depth, depth_slack):
        from ..recon_lib.render.mesh import turntable
        from ..recon_lib.stages.carving.carve import carve
        from ..recon_lib.stages.meshing.extract import extract_mesh

        progress = ComfyProgress()
        options = {"margin": margin, "radius": radius, "depth_slack": depth_slack if use_depth else None}
        found = carve(views, resolution, **options, device=device(), progress=progress)
        mesh = extract_mesh(found.field, PREVIEW_CELLS, device=device(), progress=progress).mesh
        shown = turntable(mesh, 4, size=PREVIEW_SIZE, shading="clay", progress=progress)
        return io.NodeOutput(found.field, voxel_to_host(found.as_voxel()), images_to_host(shown.images))


class OutpaintingMask(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_OutpaintingMask",
            display_name="Outpainting Mask",
            category=FOLDER,
            description="What a new view must paint: where the object may be, less what an earlier view really saw.",
            inputs=[
                sockets.Views.Input("views", tooltip="All views so far; their colours are kept where they are seen."),
                sockets.Cameras.Input("cameras", tooltip="The next camera, or several: each is treated as the next."),
                sockets.Field.Input("hull", tooltip="From Visual Hull, made from the same views."),
                sockets.Field.Input(
                    "field", optional=True, tooltip="The current surface. Connect a field or a mesh of it."
                ),
                io.Mesh.Input("mesh", optional=True, tooltip="The current surface as a mesh."),
                io.Int.Input(
                    "grow", default=-1, min=-1, max=64,
                    tooltip="Pixels by which the region reaches into what was seen, to hide its seam; "
                    "-1: one for every 256 pixels of the picture's shorter side.",
                ),
                io.Float.Input(
                    "grazing", default=75.0, min=1.0, max=90.0, step=1.0,
                    tooltip="Degrees by which a surface may be turned away from an earlier camera to count as seen.",
                ),
            ],
            outputs=[
                io.Mask.Output("mask", display_name="mask", tooltip="1 = to be painted, for inpainting nodes."),
                io.Image.Output(
                    "image", display_name="image",
                    tooltip="Seen colours in their new place, grey where they are to be painted, white around.",
                ),
                io.Mask.Output("silhouette", display_name="silhouette", tooltip="1 = hull: the object may be there."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="Seen colours, and what is to be painted in orange."
                ),
                sockets.OutpaintMask.Output(
                    "gap", display_name="gap", tooltip="All of it, for Outpaint View and Join Painted View."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, views, cameras, hull, grow, grazing, field=None, mesh=None):
        from ..recon_lib.stages.outpainting.mask import find_outpaint_mask

        if (mesh is None) == (field is None):
            raise BadInput("Outpainting Mask needs the current surface; connect a field or a mesh, one of them.")
        surface = field if mesh is None else mesh_from_host(mesh)
        options = {
            "grow": None if grow < 0 else grow,
            "max_view_angle": grazing,
            "device": device(),
            "progress": ComfyProgress(),
        }
        found = find_outpaint_mask(views, cameras, hull, surface, **options)
        masks, silhouettes = (masks_to_host(layer) for layer in (found.masks, found.silhouettes))
        pictures = images_to_host(found.images), images_to_host(found.preview())
        return io.NodeOutput(masks, pictures[0], silhouettes, pictures[1], found)


NODES = [VisualHull, OutpaintingMask]
