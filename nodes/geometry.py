"""Geometry of ComfyUI's own nodes (MoGe, Depth Anything 3) as views, and cameras for its 3D nodes."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, where_known
from .cameras import VIEWER, WORLD, space_input
from .convert import WHITE_IS_OBJECT, images_to_host, masks_from_host, mesh_from_host
from .mask import meaning_input


class ViewsFromGeometry(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_ViewsFromGeometry",
            display_name="Views from Geometry (MoGe, Depth Anything 3)",
            **where_known(search_aliases=["moge", "da3", "depth anything", "point map", "poses from photos"]),
            category=f"{CATEGORY}/views",
            description="Depth, lens and poses that ComfyUI's MoGe or Depth Anything 3 estimated, as posed views: for "
            "Visible Surface, Fit VolSDF and Visual Hull.",
            inputs=[
                sockets.Geometry.Input(
                    "geometry",
                    tooltip="From Run MoGe Inference, or from Run Depth Anything 3; of several photos in its mode "
                    "multiview.",
                ),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="1 = object, one for each photo or one for all. Nothing connected: all that has depth.",
                ),
                io.Float.Input(
                    "confidence", default=0.1, min=0.0, max=1.0, step=0.01, optional=True,
                    tooltip="Depth with less confidence counts as unknown; 0 keeps all. Depth Anything 3 says it.",
                ),
                sockets.Cameras.Input(
                    "cameras", optional=True, tooltip="The photos' lens, if you know it; their poses do not matter."
                ),
                meaning_input(optional=True),
            ],
            outputs=[
                sockets.Views.Output("views", display_name="views", tooltip="Photos, cameras, masks, depth, normals."),
                sockets.Cameras.Output("cameras_out", display_name="cameras", tooltip="One camera per photo."),
                io.Image.Output("depth", display_name="depth", tooltip="Depth, near is bright."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, geometry, mask=None, confidence=0.1, cameras=None, meaning=WHITE_IS_OBJECT):
        from ..recon_lib.render.pictures import depth_picture
        from ..recon_lib.stages.single_view.geometry_views import views_from_geometry
        from ..recon_lib.views.comfy_geometry import read_geometry

        read = read_geometry(geometry, confidence)
        views = views_from_geometry(read, masks_from_host(mask, read.images, meaning), cameras)
        return io.NodeOutput(views, views.cameras, images_to_host(depth_picture(views.depth)))


class CameraToLoad3D(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CameraToLoad3D",
            display_name="Camera to Load3D (camera_info)",
            **where_known(search_aliases=["camera info", "preview 3d camera", "load3d"]),
            category=f"{CATEGORY}/cameras",
            description="A camera for ComfyUI's own 3D nodes: they show or render the mesh as the photo does.",
            inputs=[
                sockets.Cameras.Input("cameras", tooltip="One camera, such as a photo's; see Pick Camera."),
                io.Mesh.Input(
                    "mesh", optional=True,
                    tooltip="The mesh that the viewer shows, for its scale; nothing: an object that fills the unit "
                    "sphere.",
                ),
                space_input("The viewer scales a mesh and puts it on its floor; others count in the mesh's world."),
            ],
            outputs=[
                io.Load3DCamera.Output("camera_info", display_name="camera_info", tooltip="For Load 3D, Preview 3D."),
                io.Float.Output("fov", display_name="fov", tooltip="Vertical field of view in degrees."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, cameras, mesh=None, space=VIEWER):
        from ..recon_lib.cameras.load3d import UNIT_BOUNDS, to_load3d

        shown = None if mesh is None else mesh_from_host(mesh)
        if shown is not None:
            cameras = cameras.moved_to(shown.origin)
        bounds = UNIT_BOUNDS if shown is None else shown.bounds
        info = to_load3d(cameras, None if space == WORLD else bounds)
        return io.NodeOutput(info, info["fov"])


NODES = [ViewsFromGeometry, CameraToLoad3D]
