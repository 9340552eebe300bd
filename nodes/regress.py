"""ZeroShape-W: the visible surface of a photo, and the whole shape behind it."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import WHITE_IS_OBJECT, images_from_host, images_to_host, masks_from_host, occluders_from_host, one_image
from .host import ComfyProgress, reserve_memory
from .mask import meaning_input
from .pictures import four_in_one

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
            tooltip="1 = object, in place of the predicted mask. For Load Image's mask change meaning.",
        ),
        io.Image.Input(
            "depth", optional=True,
            tooltip="A depth picture of the same photo, in place of the predicted depth; its scale does not matter.",
        ),
        io.Combo.Input(
            "depth_kind", options=list(DEPTH_KINDS), default=LINEAR, optional=True,
            tooltip="How to read the depth picture. Estimate Depth & Normal Map, MoGe: far is bright. Depth-Anything, "
            "DPT and MiDaS nodes: near is bright.",
        ),
        io.Mask.Input(
            "occluder", optional=True,
            tooltip="1 = something stands in front of the object, in place of the predicted mask. All black: nothing "
            "does.",
        ),
        sockets.Cameras.Input(
            "cameras", optional=True,
            tooltip="The photo's camera, such as Camera from Field of View's; only its lens counts. Nothing "
            "connected: 40 degrees over the longer side.",
        ),
        meaning_input(optional=True),
        sockets.Views.Input(
            "view", optional=True,
            tooltip="From Views from Geometry, in place of depth, cameras and mask: its depth and lens are trusted.",
        ),
    ]  # fmt: skip


def surface_arguments(image, mask, depth, depth_kind, occluder, cameras, meaning=WHITE_IS_OBJECT, view=None) -> dict:
    """The sockets of `photo_inputs` as the stage takes them."""
    images = one_image(image)
    known = {} if view is None else known_layers(images, view, depth, cameras)
    given = masks_from_host(mask, images, meaning)
    return {
        "image": images,
        "mask": known.get("mask") if given is None else given,
        "occluder": occluders_from_host(occluder, images),
        "depth_picture": None if depth is None else images_from_host(depth),
        "depth_kind": DEPTH_KINDS[depth_kind],
        "cameras": cameras,
        **{name: value for name, value in known.items() if name != "mask"},
    }


def known_layers(images, view, depth, cameras) -> dict:
    """Depth, lens and mask that a view knows of the photo."""
    if depth is not None or cameras is not None:
        raise BadInput("Both the view and depth or cameras are connected; disconnect those, the view has its own.")
    if len(view) != 1 or view.depth is None or view.images.shape != images.shape:
        size = f"{images.shape[-1]}x{images.shape[-2]}"
        raise BadInput(f"The view must be one, with depth, of this very photo of {size}; connect Views from Geometry.")
    return {"depth": view.depth.clone(), "cameras": view.cameras, "mask": view.masks.clone()}


class VisibleSurface(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_VisibleSurface",
            display_name="Visible Surface (Point Cloud)",
            **where_known(search_aliases=["point cloud", "pointcloud", "depth to points"]),
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
    def run(
        cls, model, image, mask=None, depth=None, depth_kind=LINEAR, occluder=None, cameras=None,
        meaning=WHITE_IS_OBJECT, view=None,
    ):  # fmt: skip
        from ..recon_lib.cameras.orbits import arc
        from ..recon_lib.render.points import render_points
        from ..recon_lib.stages.single_view.regress import visible_surface

        progress = ComfyProgress()
        arguments = surface_arguments(image, mask, depth, depth_kind, occluder, cameras, meaning, view)
        surface = visible_surface(model, **arguments, device=reserve_memory(model), progress=progress)
        preview = render_points(surface.points, surface.colors, arc(4, elevation=10.0, height=384, width=384))
        progress.report(four_in_one(preview))
        return io.NodeOutput(surface, surface.views, images_to_host(preview))


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
            display_name="Regress Shape (Photo/Image to 3D)",
            **where_known(search_aliases=["image to 3d", "photo to 3d", "single image", "zeroshape"]),
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
    def run(
        cls, model, image, mask=None, depth=None, depth_kind=LINEAR, occluder=None, cameras=None,
        meaning=WHITE_IS_OBJECT, view=None,
    ):  # fmt: skip
        from ..recon_lib.render.pictures import mask_picture
        from ..recon_lib.stages.single_view.regress import complete_shape, visible_surface

        progress = ComfyProgress()
        arguments = surface_arguments(image, mask, depth, depth_kind, occluder, cameras, meaning, view)
        device = reserve_memory(model)
        surface = visible_surface(model, **arguments, device=device, progress=progress)
        field = complete_shape(model, surface, device=device, progress=progress)
        seen = surface.views
        progress.report(lambda: mask_picture(seen.images, seen.masks, surface.occluder)[0])
        return io.NodeOutput(field, surface.views, surface)


NODES = [VisibleSurface, CompleteShape, RegressShape]
