"""G3DR: a picture and its depth to a triplane, a radiance field of the whole object."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import WHITE_IS_OBJECT
from .host import ComfyProgress, reserve_memory
from .regress import LINEAR, photo_inputs, surface_arguments

MODEL_TIP = "From Load Reconstruction Model (G3DR)."
DEPTH_TIP = "A depth picture of the same photo, such as a MoGe or Depth-Anything node's; nothing connected: the pack's."


class ImageDepthToTriplane(Node):
    @classmethod
    def define_schema(cls):
        inputs = {each.id: each for each in photo_inputs()}
        return io.Schema(
            node_id="Recon3D_ImageDepthToTriplane",
            display_name="Image + Depth to Triplane (G3DR)",
            **where_known(search_aliases=["g3dr", "triplane", "image to 3d", "depth to 3d", "text to 3d"]),
            category=f"{CATEGORY}/shape",
            is_experimental=True,
            description="One picture and its depth to density and colour in space, in one pass.",
            inputs=[
                sockets.Model.Input("model", tooltip=MODEL_TIP),
                inputs["image"],
                inputs["mask"],
                io.Image.Input("depth", optional=True, tooltip=DEPTH_TIP),
                *(inputs[name] for name in ("depth_kind", "occluder", "cameras", "meaning")),
                io.Float.Input(
                    "level", default=0.25, min=0.01, max=10.0, step=0.05,
                    tooltip="How dense matter must be to count as solid in Extract Mesh: optical depth of a texel.",
                ),
            ],
            outputs=[
                sockets.Field.Output(
                    "field", display_name="field", tooltip="For Render Path, Extract Mesh, Bake Texture."
                ),
                sockets.Views.Output("views", display_name="views", tooltip="Photo, camera, mask, depth, normals."),
            ],
        )  # fmt: skip

    @classmethod
    def run(
        cls, model, image, level, mask=None, depth=None, depth_kind=LINEAR, occluder=None, cameras=None,
        meaning=WHITE_IS_OBJECT,
    ):  # fmt: skip
        from ..recon_lib.stages.single_view.regress import visible_surface
        from ..recon_lib.stages.single_view.triplane import views_to_triplane
        from ..recon_lib.systems.g3dr import SURFACE_MODEL
        from ..recon_lib.weights.registry import load_model

        progress, finder = ComfyProgress(), load_model(SURFACE_MODEL)
        arguments = surface_arguments(image, mask, depth, depth_kind, occluder, cameras, meaning)
        surface = visible_surface(finder, **arguments, device=reserve_memory(finder), progress=progress)
        field = views_to_triplane(model, surface.views, level, reserve_memory(model), progress)
        return io.NodeOutput(field, surface.views)


NODES = [ImageDepthToTriplane]
