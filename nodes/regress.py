"""ZeroShape-W: the visible surface of a photo, and the whole shape behind it."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node
from .convert import images_from_host, images_to_host, masks_from_host, occluders_from_host, one_image
from .host import ComfyProgress, reserve_memory

LINEAR, INVERSE = "far is bright (linear depth)", "near is bright (inverse depth, most depth nodes)"
DEPTH_KINDS = {LINEAR: "depth", INVERSE: "inverse"}
MODEL_TIP = "From Load Reconstruction Model (ZeroShape-W)."


def photo_inputs() -> list:
    """What both halves of the method start from."""
    return [
        sockets.Model.Input("model", tooltip=MODEL_TIP),
        io.Image.Input("image", tooltip="One photo, background and all."),
        io.Mask.Input(
            "mask", optional=True,
            tooltip="1 = object, in place of the predicted mask. LoadImage's mask goes through Prepare Mask first.",
        ),
        io.Image.Input(
            "depth", optional=True,
            tooltip="A depth picture of the same photo, in place of the predicted depth; its scale does not matter.",
        ),
        io.Combo.Input(
            "depth_kind", options=list(DEPTH_KINDS), default=LINEAR, optional=True,
            tooltip="How to read the depth picture. Estimate Depth & Normals and MoGe: far is bright. Depth-Anything, "
            "DPT and MiDaS nodes: near is bright.",
        ),
        io.Mask.Input(
            "occluder", optional=True,
            tooltip="1 = something stands in front of the object, in place of the predicted mask. All black: nothing "
            "does.",
        ),
    ]  # fmt: skip


def find_surface(model, image, mask, depth, depth_kind, occluder, progress):
    """The stage behind the sockets."""
    from ..recon_lib.stages.single_view.depth_own import own_depth
    from ..recon_lib.stages.single_view.regress import visible_surface

    images, device = one_image(image), reserve_memory(model)
    masks, hiding = masks_from_host(mask, images), occluders_from_host(occluder, images)
    if depth is not None:
        picture = images_from_host(depth)
        depth = own_depth(model, images, picture, DEPTH_KINDS[depth_kind], masks, device, progress)
    return visible_surface(model, images, mask=masks, depth=depth, occluder=hiding, device=device, progress=progress)


class VisibleSurface(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_VisibleSurface",
            display_name="Visible Surface",
            category=f"{CATEGORY}/shape",
            description="The part of the object that the photo shows, as points in space, with the photo's camera.",
            inputs=photo_inputs(),
            outputs=[
                sockets.Points.Output("points", display_name="surface", tooltip="For Complete Shape."),
                sockets.Views.Output(
                    "views", display_name="views", tooltip="Photo, estimated camera, mask, depth, normals."
                ),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The points from the front, right, back and left."
                ),
            ],
        )

    @classmethod
    def run(cls, model, image, mask=None, depth=None, depth_kind=LINEAR, occluder=None):
        from ..recon_lib.cameras.orbits import arc
        from ..recon_lib.render.points import render_points

        progress = ComfyProgress()
        found = find_surface(model, image, mask, depth, depth_kind, occluder, progress)
        preview = render_points(found.points, found.colors, arc(4, elevation=10.0, height=384, width=384))
        progress.report(preview[0])
        return io.NodeOutput(found, found.views, images_to_host(preview))


class CompleteShape(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CompleteShape",
            display_name="Complete Shape",
            category=f"{CATEGORY}/shape",
            description="The whole object behind its visible surface, as a field.",
            inputs=[
                sockets.Model.Input("model", tooltip=MODEL_TIP),
                sockets.Points.Input("points", tooltip="From Visible Surface."),
            ],
            outputs=[sockets.Field.Output("field", display_name="field", tooltip="For Extract Mesh or Render.")],
        )

    @classmethod
    def run(cls, model, points):
        from ..recon_lib.stages.single_view.regress import complete_shape

        return io.NodeOutput(complete_shape(model, points, device=reserve_memory(model), progress=ComfyProgress()))


class RegressShape(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_RegressShape",
            display_name="Regress Shape (ZeroShape-W)",
            category=f"{CATEGORY}/shape",
            description="Photo to shape in one step: Visible Surface and Complete Shape together.",
            inputs=photo_inputs(),
            outputs=[
                sockets.Field.Output("field", display_name="field", tooltip="For Extract Mesh or Render."),
                sockets.Views.Output("views", display_name="views", tooltip="For Bake Texture."),
                sockets.Points.Output("points", display_name="surface", tooltip="The visible surface."),
            ],
        )

    @classmethod
    def run(cls, model, image, mask=None, depth=None, depth_kind=LINEAR, occluder=None):
        from ..recon_lib.stages.single_view.regress import complete_shape

        progress = ComfyProgress()
        found = find_surface(model, image, mask, depth, depth_kind, occluder, progress)
        field = complete_shape(model, found, device=reserve_memory(model), progress=progress)
        return io.NodeOutput(field, found.views, found)


NODES = [VisibleSurface, CompleteShape, RegressShape]
