"""Pictures of a field or a mesh: a turntable, or from given cameras."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from ..recon_lib.render.shading import SHADINGS
from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import images_to_host, masks_to_host, mesh_from_host
from .host import ComfyProgress, device

BACKGROUNDS = {"white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5), "black": (0.0, 0.0, 0.0)}


class Render(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_Render",
            display_name="Render Turntable of Field or Mesh",
            **where_known(search_aliases=["turntable", "render mesh"]),
            category=f"{CATEGORY}/views",
            description="Frames once around the object, or from the cameras that are connected.",
            inputs=[
                io.Mesh.Input("mesh", optional=True, tooltip="A mesh of any node. Connect a mesh or a field."),
                sockets.Field.Input("field", optional=True, tooltip="A field, shown without extracting it first."),
                sockets.Cameras.Input(
                    "cameras", optional=True, tooltip="Render from these; the widgets frames, elevation and size rest."
                ),
                io.Int.Input("frames", default=24, min=1, max=360, tooltip="Pictures once around the object."),
                io.Float.Input(
                    "elevation", default=15.0, min=-90.0, max=90.0, step=1.0, tooltip="Degrees above the horizon."
                ),
                io.Int.Input("size", default=384, min=16, max=2048, tooltip="Width and height in pixels."),
                io.Combo.Input(
                    "shading", options=list(SHADINGS), default="lit",
                    tooltip="lit: colours under a lamp; albedo: colours alone; clay: shape alone; normal, depth; "
                    "provenance: green seen, orange outpainted, grey inferred.",
                ),
                io.Combo.Input("background", options=list(BACKGROUNDS), default="white", tooltip="Behind the object."),
            ],
            outputs=[
                io.Image.Output("image", display_name="frames", tooltip="One picture per camera."),
                io.Mask.Output("mask", display_name="mask", tooltip="1 = object, soft edges."),
                sockets.Views.Output("views", display_name="views", tooltip="Pictures with all layers."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, frames, elevation, size, shading, background, mesh=None, field=None, cameras=None):
        from ..recon_lib.cameras.turntable import inscribed_sphere, turntable_cameras
        from ..recon_lib.meshes.bounding_sphere import bounding_sphere
        from ..recon_lib.meshes.one_origin import counted_alike
        from ..recon_lib.render.field import render_field
        from ..recon_lib.render.mesh import render_mesh

        if (mesh is None) == (field is None):
            raise BadInput("Render needs a mesh or a field; connect exactly one of them.")
        solid = field if mesh is None else mesh_from_host(mesh)
        if cameras is None:
            center, radius = inscribed_sphere(field.bounds) if mesh is None else bounding_sphere(solid.vertices)
            cameras = turntable_cameras(frames, elevation=elevation, size=size, center=center, radius=radius)
        if mesh is not None:
            solid, cameras = counted_alike(solid, cameras)
        options = {"shading": shading, "background": BACKGROUNDS[background], "progress": ComfyProgress()}
        if mesh is None:
            shown = render_field(field, cameras, device=device(), **options)
        else:
            shown = render_mesh(solid, cameras, **options)
        return io.NodeOutput(images_to_host(shown.images), masks_to_host(shown.masks), shown.as_views(cameras))


NODES = [Render]
