"""How far a mesh is from the truth."""

import json

import torch
from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, advanced, seed_input
from .convert import images_to_host, mesh_from_host, mesh_to_host
from .host import ComfyProgress, picture_on_node

PREVIEW_SIZE = 192


class CompareMeshes(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CompareMeshes",
            display_name="Compare Meshes",
            category=f"{CATEGORY}/evaluate",
            description="Chamfer distance, F-scores, normal consistency and volume overlap, and where the error is.",
            is_output_node=True,
            inputs=[
                io.Mesh.Input("predicted", tooltip="The mesh to judge."),
                io.Mesh.Input("truth", tooltip="The mesh it should be; lengths are in its units."),
                io.Combo.Input(
                    "align", options=["none", "scale", "similarity"], default="none",
                    tooltip="Move the prediction onto the truth first: not at all, by scale and translation, or by a "
                    "rotation as well.",
                ),
                io.Int.Input(
                    "samples", default=100_000, min=1000, max=2_000_000, step=1000,
                    tooltip="Points drawn on each surface.",
                ),
                io.Float.Input(
                    "limit", default=0.1, min=0.001, max=10.0, step=0.01, **advanced(),
                    tooltip="Error that is shown fully red, in parts of the truth's bounding-sphere radius.",
                ),
                seed_input("Where the points are drawn; the same seed gives the same figures."),
                sockets.Cameras.Input(
                    "cameras", optional=True, tooltip="Adds the figures for what these cameras see and do not see."
                ),
                io.Combo.Input(
                    "split", options=["truth", "both"], default="truth", optional=True,
                    tooltip="Whose visibility splits the prediction with cameras: that of the nearest true surface, or "
                    "its own, as in LIST's occluded-surface metric.",
                ),
            ],
            outputs=[
                io.Mesh.Output(
                    "error", display_name="error mesh", tooltip="The aligned prediction: blue is right, red is off."
                ),
                io.String.Output("figures", display_name="figures", tooltip="All figures as JSON."),
                io.String.Output("table", display_name="table", tooltip="The figures that matter, for Preview Any."),
                io.Image.Output(
                    "picture", display_name="picture", tooltip="The error mesh from the front, right, back and left."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, predicted, truth, align, samples, limit, seed, cameras=None, split="truth"):
        from ..recon_lib.render.mesh import turntable
        from ..recon_lib.stages.evaluation.figures_table import figures_table
        from ..recon_lib.stages.evaluation.meshes import compare_meshes, error_mesh

        pair = mesh_from_host(predicted), mesh_from_host(truth)
        options = {"align": align, "samples": samples, "seed": seed}
        progress = ComfyProgress()
        figures = compare_meshes(*pair, **options, camera=cameras, split=split, progress=progress)
        error = error_mesh(*pair, limit=limit, **options, progress=progress)
        shown = turntable(error, 4, size=PREVIEW_SIZE, shading="albedo", progress=progress).images
        table, row = figures_table(figures), torch.cat(list(shown), -1)
        progress.report(row)
        outputs = mesh_to_host(error), json.dumps(figures, indent=2), table, images_to_host(shown)
        return io.NodeOutput(*outputs, ui={**picture_on_node(row), "text": [table]})


NODES = [CompareMeshes]
