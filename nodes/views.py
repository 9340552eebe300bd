"""Views: posed pictures, made from images, taken apart, loaded and saved."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import WHITE_IS_OBJECT, images_from_host, images_to_host, masks_from_host, masks_to_host
from .host import ComfyProgress, changed, input_path, output_name, output_path, reserve_memory
from .mask import meaning_input


class MakeView(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_MakeView",
            display_name="Make View",
            category=f"{CATEGORY}/views",
            description="Joins pictures, their cameras and object masks to posed views.",
            inputs=[
                io.Image.Input("image", tooltip="One picture per camera."),
                sockets.Cameras.Input("cameras", tooltip="One camera per picture; scaled to the pictures' size."),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="1 = object. For Load Image's mask change meaning. Nothing connected: the whole picture "
                    "is object.",
                ),
                sockets.Views.Input("views", optional=True, tooltip="Earlier views that the new ones are added to."),
                meaning_input(optional=True),
            ],
            outputs=[sockets.Views.Output("views_out", display_name="views", tooltip="Earlier and new views.")],
        )  # fmt: skip

    @classmethod
    def run(cls, image, cameras, mask=None, views=None, meaning=WHITE_IS_OBJECT):
        from ..recon_lib.views.views import Views

        images = images_from_host(image)
        masks = masks_from_host(mask, images, meaning)
        height, width = images.shape[-2:]
        made = Views(images, cameras.resized(height, width), images[:, :1] * 0 + 1 if masks is None else masks)
        return io.NodeOutput(made if views is None else Views.cat([views, made]))


class ViewsToImages(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_ViewsToImages",
            display_name="Views to Images",
            category=f"{CATEGORY}/views",
            description="Takes views apart: pictures, masks, and coloured depth, normals and provenance for looking.",
            inputs=[sockets.Views.Input("views", tooltip="Views of any stage.")],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The pictures, sRGB."),
                io.Mask.Output("mask", display_name="mask", tooltip="1 = object."),
                io.Image.Output("depth", display_name="depth", tooltip="Depth, near is bright; black without surface."),
                io.Image.Output("normals", display_name="normals", tooltip="OpenGL-style normal map, camera frame."),
                io.Image.Output(
                    "provenance", display_name="provenance", tooltip="Green seen, orange outpainted, grey inferred."
                ),
                sockets.Cameras.Output("cameras", display_name="cameras", tooltip="One camera per picture."),
            ],
        )

    @classmethod
    def run(cls, views):
        from ..recon_lib.render.pictures import depth_picture, normal_picture, provenance_picture

        nothing = views.images * 0
        depth = nothing if views.depth is None else depth_picture(views.depth)
        normals = nothing if views.normals is None else normal_picture(views.normals)
        pictures = (images_to_host(picture) for picture in (depth, normals, provenance_picture(views)))
        return io.NodeOutput(images_to_host(views.images), masks_to_host(views.masks), *pictures, views.cameras)


class CropViews(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CropViews",
            display_name="Crop Views",
            category=f"{CATEGORY}/views",
            description="Cuts the square around its object out of every view, at a size that later stages can afford.",
            inputs=[
                sockets.Views.Input("views", tooltip="With object masks. The cameras stay where they are."),
                io.Int.Input(
                    "side", default=256, min=16, max=4096, step=16, tooltip="Pixels along a side of the new pictures."
                ),
                io.Float.Input(
                    "share", default=0.85, min=0.05, max=1.0, step=0.05,
                    tooltip="The object's longer side over the picture's side.",
                ),
            ],
            outputs=[
                sockets.Views.Output("views_out", display_name="views", tooltip="As many views, square."),
                io.Image.Output("preview", display_name="preview", tooltip="The new pictures."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, views, side, share):
        from ..recon_lib.views.crop import crop_to_object

        found = crop_to_object(views, side, share)
        return io.NodeOutput(found, images_to_host(found.images))


class LoadViews(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_LoadViews",
            display_name="Load Views",
            **where_known(search_aliases=["multiview", "posed images", "colmap", "transforms.json"]),
            category=f"{CATEGORY}/views",
            description="Posed pictures of a folder: transforms.json (nerfstudio, instant-ngp), COLMAP, LLFF, "
            "projection matrices.",
            inputs=[
                io.String.Input(
                    "folder", default="views",
                    tooltip="Folder below ComfyUI's input folder, or below its output folder where Save Views writes. "
                    "It holds transforms.json, a COLMAP model (sparse/0), poses_bounds.npy or projection matrices.",
                ),
                sockets.Model.Input(
                    "model", optional=True,
                    tooltip="ZeroShape-W: finds the object in pictures without a mask, and makes all masks agree.",
                ),
                io.Boolean.Input(
                    "keep_frame", default=False, optional=True,
                    tooltip="Leave the file's world as it is. Otherwise it is turned until up is +y, as GLB has it.",
                ),
            ],
            outputs=[sockets.Views.Output("views", display_name="views", tooltip="All pictures with their cameras.")],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, folder, **_):
        path = input_path(folder, "Views folder")
        return changed(path.parent if path.is_file() else path)

    @classmethod
    def run(cls, folder, model=None, keep_frame=False):
        from ..recon_lib.cameras.world_up import turn_to_y_up, world_up
        from ..recon_lib.stages.single_view.view_masks import find_view_masks
        from ..recon_lib.views.object_frame import turned_views
        from ..recon_lib.views.posed_images import load_posed

        progress = ComfyProgress()
        loaded = load_posed(input_path(folder, "Views folder"), progress)
        views = loaded.views
        if model is not None and not bool(loaded.masked.all()):
            views = find_view_masks(model, views, loaded.masked, reserve_memory(model), progress)
        if not keep_frame:
            views = turned_views(views, turn_to_y_up(world_up(views.cameras, loaded.format == "transforms")))
        return io.NodeOutput(views)


class SaveViews(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_SaveViews",
            display_name="Save Views",
            category=f"{CATEGORY}/views",
            description="Writes views as a folder of pictures with a transforms.json.",
            is_output_node=True,
            inputs=[
                sockets.Views.Input("views", tooltip="Views of any stage."),
                io.String.Input(
                    "filename_prefix", default="views/object",
                    tooltip="Folder below ComfyUI's output folder; a number is added, nothing is overwritten.",
                ),
                io.Boolean.Input(
                    "colmap", default=False, optional=True,
                    tooltip="Write the cameras as a COLMAP text model too, in sparse/0.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "folder", display_name="folder", tooltip="The folder in the output folder, for Load Views."
                )
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, views, filename_prefix, colmap=False):
        from ..recon_lib.views.posed_images import save_views

        path, entry = output_path(filename_prefix, "")
        save_views(views, path, ComfyProgress(), colmap=colmap)
        return io.NodeOutput(output_name(entry))


NODES = [MakeView, ViewsToImages, CropViews, LoadViews, SaveViews]
