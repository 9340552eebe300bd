"""Depth and normals of a photo, by the embedded model or any model folder on this machine."""

from comfy_api.latest import io

from ..recon_lib.weights.pipelines import find_pipeline, find_pipelines
from . import sockets
from .base import CATEGORY, Node, seed_input, where_known
from .convert import WHITE_IS_OBJECT, images_from_host, images_to_host, masks_from_host
from .host import ComfyProgress, pipeline_folders, reserve_memory
from .mask import meaning_input

EMBEDDED = "the connected model"


class EstimateDepthNormals(Node):
    @classmethod
    def define_schema(cls):
        names = [EMBEDDED] + [folder.name for folder in find_pipelines(pipeline_folders())]
        return io.Schema(
            node_id="Recon3D_EstimateDepthNormals",
            display_name="Estimate Depth & Normal Map",
            **where_known(search_aliases=["normal map", "depth map", "monocular depth"]),
            category=f"{CATEGORY}/depth",
            description="Depth, surface normals and camera of a photo.",
            inputs=[
                sockets.Model.Input(
                    "model",
                    tooltip="From Load Reconstruction Model. It estimates the camera, and the depth whose scale "
                    "another estimator's answer is brought to.",
                ),
                io.Image.Input("image", tooltip="Photos; each of a batch is looked at by itself."),
                io.Combo.Input(
                    "estimator", options=names, default=EMBEDDED,
                    tooltip="The connected model, or a transformers or diffusers folder (Depth-Anything, DPT, "
                    "Marigold, ...) in models/recon3d or models/diffusers. Nothing is downloaded.",
                ),
                seed_input("Start of the noise of diffusion estimators (Marigold); others don't use it."),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="1 = object. Nothing connected: the connected model's own. For Load Image's mask change "
                    "meaning.",
                ),
                sockets.Cameras.Input(
                    "cameras", optional=True,
                    tooltip="The photos' cameras, or one for all, such as Camera from Field of View's; only the lens "
                    "counts.",
                ),
                meaning_input(optional=True),
            ],
            outputs=[
                io.Image.Output(
                    "depth", display_name="depth",
                    tooltip="z-depth divided by its largest value: far is bright. For Visible Surface.",
                ),
                io.Image.Output("normals", display_name="normals", tooltip="OpenGL-style normal map, camera frame."),
                sockets.Views.Output(
                    "views", display_name="views", tooltip="Photo, estimated camera, mask, depth and normals."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, model, image, estimator, seed, mask=None, cameras=None, meaning=WHITE_IS_OBJECT):
        from ..recon_lib.render.pictures import linear_depth_picture, normal_picture
        from ..recon_lib.stages.single_view.monocular_views import monocular_views

        images, device, progress = images_from_host(image), reserve_memory(model), ComfyProgress()
        folder = None if estimator == EMBEDDED else find_pipeline(estimator, pipeline_folders())
        masks = masks_from_host(mask, images, meaning)
        views = monocular_views(
            model, images, masks, estimator=folder, cameras=cameras, seed=seed, device=device, progress=progress
        )
        pictures = linear_depth_picture(views.depth), normal_picture(views.normals)
        progress.report(pictures[1][0])
        return io.NodeOutput(*map(images_to_host, pictures), views)


NODES = [EstimateDepthNormals]
