"""The VolSDF fit: posed views to a coloured surface."""

import torch
from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, advanced, seed_input, where_known
from .convert import images_to_host
from .host import ComfyProgress, device, kept_path, picture_on_node

PREVIEW_SIZE = 192
CHECKPOINT = "fit_volsdf.pt"


class FitVolSDF(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_FitVolSDF",
            display_name="Fit VolSDF (Multiview to 3D)",
            **where_known(
                search_aliases=["multiview", "photos to 3d", "surface reconstruction", "neus"],
                has_intermediate_output=True,
            ),
            category=f"{CATEGORY}/shape",
            description="Fits a coloured surface to posed views until it looks like them, and shows it as it grows.",
            inputs=[
                sockets.Views.Input(
                    "views", tooltip="With object masks; depth and normals are used as hints where all views have them."
                ),
                sockets.Field.Input(
                    "start", optional=True,
                    tooltip="The shape to begin with, in place of the masks' visual hull. A field of an earlier fit "
                    "keeps its grid and takes half the rounds.",
                ),
                sockets.Field.Input(
                    "hull", optional=True, tooltip="From Visual Hull: nothing of the object may lie outside of it."
                ),
                io.Int.Input(
                    "grid", default=128, min=32, max=256, step=16,
                    tooltip="Nodes along a side of the finest grid. Twice as many take about four times as long.",
                ),
                io.Int.Input(
                    "rounds", default=14, min=1, max=400, tooltip="Rounds on the finest grid: more is finer and slower."
                ),
                io.Int.Input(
                    "pixels", default=192, min=32, max=1024, step=16,
                    tooltip="Larger pictures are reduced to this longest side for the fit.",
                ),
                seed_input("Chooses the rays of each step."),
                cues_input(1.0),
                hold_shape_input(),
            ],
            outputs=[
                sockets.Field.Output("field", display_name="field", tooltip="For Extract Mesh, Bake Texture, Render."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The field from the front, right, back and left."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, views, grid, rounds, pixels, seed, start=None, hull=None, cues=1.0, hold_shape=False):
        from ..recon_lib.render.field import turntable_field
        from ..recon_lib.stages.fitting.checkpoint import remove_checkpoint
        from ..recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf
        from ..recon_lib.stages.fitting.sdf_grid.settings import FitSettings

        progress, settings = ComfyProgress(), FitSettings(side=pixels).upto(grid, rounds).with_cues(cues)
        if hold_shape:
            if start is None:
                raise BadInput("There is no shape to hold; connect one as start, or turn hold_shape off.")
            settings = settings.held()
        fields = {"start": start, "hull": hull}
        kept = kept_path(CHECKPOINT)
        fit = fit_volsdf(views, **fields, settings=settings, seed=seed, checkpoint=kept, progress=progress)
        shown = turntable_field(fit.field, 4, size=PREVIEW_SIZE, shading="albedo", device=device(), progress=progress)
        remove_checkpoint(kept)
        row = torch.cat(list(shown.images), -1)
        return io.NodeOutput(fit.field, images_to_host(shown.images), ui=picture_on_node(row))


def cues_input(default: float) -> io.Float.Input:
    return io.Float.Input(
        "cues", default=default, min=0.0, max=10.0, step=0.05, optional=True, **advanced(),
        tooltip="How strongly the views' own depth and normals lead. 0 where the start is nearer than they are, as "
        "Complete Shape is with the embedded model; 1 without such a start, or with good depth of your own.",
    )  # fmt: skip


def hold_shape_input() -> io.Boolean.Input:
    return io.Boolean.Input(
        "hold_shape", default=False, optional=True, **advanced(),
        tooltip="The start keeps its shape, and only colours are fitted: for views that were painted onto it.",
    )  # fmt: skip


NODES = [FitVolSDF]
