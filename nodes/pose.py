"""Cameras of photos: found by structure from motion, guessed on a turntable, refined."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, seed_input, where_known
from .convert import images_from_host, masks_from_host
from .host import ComfyProgress

FOLDER = f"{CATEGORY}/cameras"
VIEWS_TIP = "The photos with their cameras and masks, for Fit VolSDF, Visual Hull and Refine Poses."


class PosePhotos(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_PosePhotos",
            display_name="Pose Photos (Photogrammetry)",
            **where_known(search_aliases=["photogrammetry", "structure from motion", "colmap", "camera poses"]),
            category=FOLDER,
            description="Finds the cameras of overlapping photos by COLMAP's structure from motion. Needs the package "
            "pycolmap.",
            inputs=[
                io.Image.Input("images", tooltip="Photos of one lens and zoom, better 20 or more, 15 degrees apart."),
                io.Mask.Input(
                    "mask", optional=True, tooltip="1 = object. Without masks all that the photos show counts."
                ),
                io.Float.Input(
                    "focal", default=0.0, min=0.0, max=100000.0, step=1.0,
                    tooltip="Focal length in pixels, if it is known; 0: it is found.",
                ),
                io.Float.Input(
                    "surroundings", default=0.15, min=0.0, max=1.0, step=0.01,
                    tooltip="How far around the masks features are searched, in parts of the picture's longest side: "
                    "what the object stands on helps.",
                ),
                seed_input("Chooses the samples of structure from motion."),
            ],
            outputs=[sockets.Views.Output("posed", display_name="views", tooltip=VIEWS_TIP)],
        )  # fmt: skip

    @classmethod
    def run(cls, images, focal, surroundings, seed, mask=None):
        from ..recon_lib.stages.posing.colmap import pose_photos

        photos = images_from_host(images)
        masks = masks_from_host(mask, photos)
        options = {"focal": focal or None, "surroundings": surroundings, "seed": seed, "progress": ComfyProgress()}
        return io.NodeOutput(pose_photos(photos, masks, **options).views)


class TurntableCameras(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_TurntableCameras",
            display_name="Turntable Cameras",
            **where_known(search_aliases=["turntable", "orbit"]),
            category=FOLDER,
            description="Cameras of pictures that were taken at even steps all around an object, such as on a "
            "turntable, refined from there.",
            inputs=[
                io.Image.Input("images", tooltip="At even steps around; the first one is the front."),
                io.Mask.Input("mask", tooltip="1 = object, one for each picture."),
                io.Float.Input(
                    "elevation", default=-1.0, min=-1.0, max=89.0, step=1.0,
                    tooltip="Degrees that the camera looks down; -1: the one that fits the masks best.",
                ),
                io.Float.Input(
                    "fov", default=35.0, min=1.0, max=120.0, step=1.0,
                    tooltip="Vertical field of view in degrees, adjusted when poses are refined.",
                ),
                io.Combo.Input(
                    "direction", options=["auto", "counter-clockwise", "clockwise"], default="auto",
                    tooltip="How the camera goes around the object, seen from above; auto: what fits the masks best.",
                ),
                io.Boolean.Input("refine", default=True, tooltip="Refine all poses and the lens from there."),
                seed_input("Chooses the points that the refinement compares."),
            ],
            outputs=[sockets.Views.Output("posed", display_name="views", tooltip=VIEWS_TIP)],
        )  # fmt: skip

    @classmethod
    def run(cls, images, mask, elevation, fov, direction, refine, seed):
        from ..recon_lib.stages.posing.turntable import turntable_views

        photos = images_from_host(images)
        options = {
            "elevation": None if elevation < 0 else elevation, "fov": fov,
            "clockwise": None if direction == "auto" else direction == "clockwise",
        }  # fmt: skip
        masks = masks_from_host(mask, photos)
        return io.NodeOutput(
            turntable_views(photos, masks, **options, refine=refine, seed=seed, progress=ComfyProgress())
        )


class RefinePoses(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_RefinePoses",
            display_name="Refine Poses",
            category=FOLDER,
            description="Corrects cameras that are a few degrees off, by the masks and colours of all views.",
            inputs=[
                sockets.Views.Input("views", tooltip="Three or more, with object masks; cameras about right."),
                io.Float.Input(
                    "slack", default=1.0, min=0.1, max=10.0, step=0.1,
                    tooltip="1 for cameras that are off by up to about 3 degrees; more lets them move further.",
                ),
                io.Combo.Input(
                    "lens", options=["shared", "each", "keep"], default="shared",
                    tooltip="Adjust one factor of the focal length for all views, one for each, or none.",
                ),
                seed_input("Chooses the points that are compared."),
            ],
            outputs=[sockets.Views.Output("posed", display_name="views", tooltip=VIEWS_TIP)],
        )  # fmt: skip

    @classmethod
    def run(cls, views, slack, lens, seed):
        from ..recon_lib.stages.posing.refine import PoseSettings, refine_poses

        settings = PoseSettings(slack=slack, focal=lens != "keep", own_focal=lens == "each")
        return io.NodeOutput(refine_poses(views, settings=settings, seed=seed, progress=ComfyProgress()))


NODES = [PosePhotos, TurntableCameras, RefinePoses]
