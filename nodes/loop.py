"""The loop after POP3D: one node that lays out the stage nodes of every camera, as if they had been drawn by hand."""

from comfy_api.latest import io

from ..recon_lib.stages.outpainting.outlines import SURFACE
from . import sockets
from .base import LARGEST_SEED, Node, seed_input
from .cameras import PickCamera
from .carve import FOLDER, OutpaintingMask, VisualHull
from .fit import FitVolSDF, cues_input
from .host import new_graph
from .outpaint import OutpaintView, outline_input
from .personalize import KIND, PersonalisePainter, kind_input
from .render import Render
from .schedule import AROUND, CameraSchedule

AS_LINK = {"rawLink": True}  # the links themselves go on to the stage nodes: their results are kept camera by camera
HULL_CELLS, CUES = 64, 0.0  # as in `systems.pop3d.loop`
MOST = 16
GAP = 4  # which output of Outpainting Mask carries all of it


class GrowAround(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_GrowAround",
            display_name="Grow Around (after POP3D)",
            category=FOLDER,
            description="Walks around the object: carves, paints what no view saw, and fits the surface further, "
            "camera by camera.",
            enable_expand=True,
            inputs=[
                sockets.Views.Input(
                    "views", tooltip="The photo's view, from Crop Views.", extra_dict=AS_LINK
                ),
                sockets.Field.Input("field", tooltip="Fit VolSDF of that view.", extra_dict=AS_LINK),
                sockets.Model.Input(
                    "model", tooltip="From Load Reconstruction Model: depth and normals of painted views.",
                    extra_dict=AS_LINK,
                ),
                sockets.Outpainter.Input("outpainter", tooltip="From Load Outpainter.", extra_dict=AS_LINK),
                io.Int.Input(
                    "cameras", default=8, min=1, max=MOST,
                    tooltip="Views in all, the photo's own with them; 8 go around. One more costs one step more: "
                    "the others are kept.",
                ),
                io.Float.Input(
                    "step", default=45.0, min=25.0, max=180.0, step=5.0,
                    tooltip="Degrees of azimuth between neighbours.",
                ),
                io.String.Input(
                    "prompt", default="", multiline=True, tooltip="What the object is, for outpainters that read."
                ),
                seed_input("Another seed paints another unseen side."),
                io.Int.Input("grid", default=128, min=32, max=256, step=16, tooltip="See Fit VolSDF."),
                io.Int.Input("rounds", default=14, min=1, max=400, tooltip="See Fit VolSDF; half as many per camera."),
                io.Int.Input("pixels", default=192, min=32, max=1024, step=16, tooltip="See Fit VolSDF."),
                io.Int.Input(
                    "personalise", default=0, min=0, max=MOST, optional=True,
                    tooltip="The outpainter learns the views so far before it first paints, and again after every so "
                    "many painted views; 0 = never. Some 25 seconds of a CPU each time for the embedded one.",
                ),
                kind_input(optional=True),
                outline_input(),
                cues_input(CUES),
            ],
            outputs=[
                sockets.Views.Output("views_out", display_name="views", tooltip="The photo's view and painted ones."),
                sockets.Field.Output("field_out", display_name="field", tooltip="Fitted to all views."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The field from the front, right, back and left."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(
        cls, views, field, model, outpainter, cameras, step, prompt, seed, grid, rounds, pixels, personalise=0,
        kind=KIND, outline=SURFACE, cues=CUES,
    ):  # fmt: skip
        graph = new_graph()
        around = place(
            graph, CameraSchedule, "schedule", views=views, order=AROUND, count=schedule_length(step), step=step
        )
        hull = place(graph, VisualHull, "hull 1", views=views, resolution=HULL_CELLS).out(0)
        fit, painter = {"grid": grid, "rounds": rounds, "pixels": pixels, "cues": cues}, outpainter
        fit["hold_shape"] = outline == SURFACE and cues == 0  # as in `systems.pop3d.options`
        for number in range(1, cameras):
            camera = place(graph, PickCamera, f"camera {number}", cameras=around.out(0), number=number)
            gap = place(
                graph, OutpaintingMask, f"gap {number}", views=views, cameras=camera.out(0), hull=hull, field=field
            )
            drawn = (seed + number) % (LARGEST_SEED + 1)
            if personalise and (number - 1) % personalise == 0:
                learned = place(
                    graph, PersonalisePainter, f"learn {number}", outpainter=outpainter, views=views, kind=kind,
                    seed=drawn, file="",
                )  # fmt: skip
                painter = learned.out(0)
            painted = place(
                graph, OutpaintView, f"paint {number}", outpainter=painter, gap=gap.out(GAP), prompt=prompt,
                seed=drawn, model=model, views=views, outline=outline,
            )  # fmt: skip
            views = painted.out(0)
            hull = place(graph, VisualHull, f"hull {number + 1}", views=views, resolution=HULL_CELLS).out(0)
            fit_seed = (seed + number + 1) % (LARGEST_SEED + 1)
            fitted = place(graph, FitVolSDF, f"fit {number}", views=views, start=field, hull=hull, seed=fit_seed, **fit)
            field = fitted.out(0)
        shown = place(graph, Render, "preview", field=field, frames=4, size=256)
        return io.NodeOutput(views, field, shown.out(0), expand=graph.finalize())


def place(graph, kind: type[Node], name: str, /, **inputs):
    """A node in the graph. ComfyUI fills in no defaults there, so its widgets' own are given to it."""
    defaults = {socket.id: socket.default for socket in kind.define_schema().inputs if hasattr(socket, "default")}
    given = {**{key: value for key, value in defaults.items() if value is not None}, **inputs}
    return graph.node(kind.define_schema().node_id, name, **given)


def schedule_length(step: float) -> int:
    """How many cameras the schedule has: always all of them, so that asking for one more changes none before it."""
    from ..recon_lib.views.next_views import raised, ring

    return min(len(ring(step)) + len(raised()), MOST - 1)


NODES = [GrowAround]
