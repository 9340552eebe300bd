"""The cameras that walk around the object, one new view after the other."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node
from .cameras import DISTANCE_TIP, fov_input, size_inputs
from .host import ComfyProgress, device

AROUND, BEST, LISTED = "around by turns (after POP3D)", "most unseen hull first (next best view)", "as listed"
HULL_CELLS = 64  # of the mesh on which unseen area is measured


class CameraSchedule(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CameraSchedule",
            display_name="Camera Schedule",
            category=f"{CATEGORY}/outpaint",
            description="The next cameras, in the order in which their views are to be painted.",
            inputs=[
                io.Combo.Input(
                    "order", options=[AROUND, BEST, LISTED], default=AROUND,
                    tooltip="By turns: 45, -45, 90, -90, 135, -135, 180 degrees, then from above and below where "
                    "little was seen. Next best view: of these, first what shows most of the hull that no view saw.",
                ),
                io.Int.Input("count", default=7, min=1, max=64, tooltip="How many cameras; 7 steps of 45 go around."),
                io.Float.Input(
                    "step", default=45.0, min=5.0, max=180.0, step=5.0, tooltip="Degrees of azimuth between neighbours."
                ),
                io.Float.Input(
                    "elevation", default=30.0, min=1.0, max=90.0, step=1.0,
                    tooltip="Degrees by which the last cameras are raised, then lowered.",
                ),
                io.String.Input(
                    "directions", default="45 0\n-45 0\n180 0", multiline=True,
                    tooltip="For the order as listed: azimuth and elevation in degrees, one camera per line.",
                ),
                io.Float.Input("distance", default=3.5, min=0.1, max=100.0, step=0.05, tooltip=DISTANCE_TIP),
                fov_input(40.0),
                *size_inputs(512),
                sockets.Views.Input(
                    "views", optional=True,
                    tooltip="The views so far. Angles count from the first one, which gives distance, field of view "
                    "and size in place of the widgets.",
                ),
                sockets.Field.Input(
                    "hull", optional=True,
                    tooltip="From Visual Hull. Needed for the next best view; otherwise it decides which raised "
                    "cameras come, and when 95 % are seen.",
                ),
            ],
            outputs=[sockets.Cameras.Output("cameras", display_name="cameras", tooltip="The cameras, in order.")],
        )  # fmt: skip

    @classmethod
    def run(
        cls, order, count, step, elevation, directions, distance, fov, width, height, views=None, hull=None
    ):  # fmt: skip
        from ..recon_lib.cameras.camera import Cameras
        from ..recon_lib.stages.meshing.extract import extract_mesh
        from ..recon_lib.views.next_views import after_pop3d, best_views, look_from, read_directions

        progress = ComfyProgress()
        seen = Cameras.orbit(0.0, 0.0, distance, fov, height, width) if views is None else views.cameras
        if order == LISTED:
            return io.NodeOutput(look_from(read_directions(directions), seen)[:count])
        if order == BEST and hull is None:
            raise BadInput("The next best view is told by the hull; connect Visual Hull's field.")
        mesh = None if hull is None else extract_mesh(hull, HULL_CELLS, device=device(), progress=progress).mesh
        options = {"step": step, "elevation": elevation, "hull": mesh, "seen": seen, "check": progress.check}
        return io.NodeOutput((best_views if order == BEST else after_pop3d)(seen, count, **options))


NODES = [CameraSchedule]
