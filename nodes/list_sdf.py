"""LIST: coarse points, their occupancy, a signed distance that stands upright."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node
from .convert import images_to_host, masks_from_host, occluders_from_host, one_image, voxel_to_host
from .host import ComfyProgress, reserve_memory
from .pictures import four_in_one

FOLDER = f"{CATEGORY}/shape"
MODEL_TIP = "From Load Reconstruction Model (LIST)."
MASK_TIP = "1 = object. Segment finds it; LIST was trained on masked objects and finds none itself."
OCCLUDER_TIP = "1 = something stands in front of the object, from the same node as the mask."
PREVIEW_SIZE = 384


class CoarsePoints(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CoarsePoints",
            display_name="Coarse Points",
            category=FOLDER,
            is_experimental=True,
            description="A coarse cloud of points of the whole object, seen and unseen, standing upright.",
            inputs=[
                sockets.Model.Input("model", tooltip=MODEL_TIP),
                io.Image.Input("image", tooltip="One photo."),
                io.Mask.Input("mask", tooltip=MASK_TIP),
                io.Mask.Input("occluder", optional=True, tooltip=OCCLUDER_TIP),
            ],
            outputs=[
                sockets.Points.Output("points", display_name="points", tooltip="For Points to Occupancy, Regress SDF."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The points from the front, right, back and left."
                ),
            ],
        )

    @classmethod
    def run(cls, model, image, mask, occluder=None):
        from ..recon_lib.cameras.orbits import arc
        from ..recon_lib.render.points import render_points
        from ..recon_lib.stages.single_view.upright_shape import coarse_points

        images, progress = one_image(image), ComfyProgress()
        mask, occluder = masks_from_host(mask, images), occluders_from_host(occluder, images)
        points = coarse_points(model, images, mask, reserve_memory(model), progress, occluder)
        around = arc(4, elevation=10.0, height=PREVIEW_SIZE, width=PREVIEW_SIZE)
        preview = render_points(points.points, points.colors, around, size=2)
        progress.report(four_in_one(preview))
        return io.NodeOutput(points, images_to_host(preview))


class PointsToOccupancy(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_PointsToOccupancy",
            display_name="Points to Occupancy",
            category=FOLDER,
            is_experimental=True,
            description="How probably each node of a grid lies on the surface that the points are of.",
            inputs=[
                sockets.Model.Input("model", tooltip=MODEL_TIP),
                sockets.Points.Input("points", tooltip="From Coarse Points; other points count as upright."),
            ],
            outputs=[
                io.Voxel.Output("voxel", display_name="voxel", tooltip="Probabilities 0-1, for Voxel to Mesh."),
                io.Image.Output("preview", display_name="preview", tooltip="The grid from the front, right and above."),
            ],
        )

    @classmethod
    def run(cls, model, points):
        from ..recon_lib.render.pictures import grid_pictures
        from ..recon_lib.stages.single_view.upright_shape import occupancy_grid, points_in_object

        grid = occupancy_grid(model, points_in_object(points), reserve_memory(model))
        return io.NodeOutput(voxel_to_host(grid[None]), images_to_host(grid_pictures(grid, PREVIEW_SIZE)))


class RegressSdf(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_RegressSdf",
            display_name="Regress SDF (LIST)",
            category=FOLDER,
            is_experimental=True,
            description="Photo to a signed distance of the whole object, standing upright whatever the camera's tilt.",
            inputs=[
                sockets.Model.Input("model", tooltip=MODEL_TIP),
                io.Image.Input("image", tooltip="One photo."),
                io.Mask.Input("mask", tooltip=MASK_TIP),
                sockets.Points.Input(
                    "points", optional=True,
                    tooltip="From Coarse Points, or others in their place, such as a scan's; nothing connected: the "
                    "model's own.",
                ),
                io.Mask.Input("occluder", optional=True, tooltip=OCCLUDER_TIP),
            ],
            outputs=[
                sockets.Field.Output("field", display_name="field", tooltip="For Extract Mesh or Render."),
                sockets.Views.Output(
                    "views", display_name="views", tooltip="Photo, mask and estimated camera, for Bake Texture."
                ),
                io.String.Output(
                    "angles", display_name="angles", tooltip="The camera's estimated elevation and roll, degrees."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, model, image, mask, points=None, occluder=None):
        from ..recon_lib.stages.single_view.upright_shape import held_to_silhouette, points_in_object, upright_shape

        images, progress = one_image(image), ComfyProgress()
        cloud = None if points is None else points_in_object(points)
        mask, occluder = masks_from_host(mask, images), occluders_from_host(occluder, images)
        shape = upright_shape(model, images, mask, cloud, reserve_memory(model), progress, occluder)
        shape = held_to_silhouette(shape, progress)
        return io.NodeOutput(shape.field, shape.views, shape.described())


NODES = [CoarsePoints, PointsToOccupancy, RegressSdf]
