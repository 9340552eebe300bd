"""A painter learns one object from its views so far."""

from comfy_api.latest import io

from . import sockets
from .base import Node, seed_input, where_known
from .carve import FOLDER
from .host import ComfyProgress, make_room, output_path, passing_path

KIND = "object"
ROOM = 3  # times the painter's weights: they are copied, and changed by way of gradients
ENDING = ".safetensors"


def kind_input(**options) -> io.String.Input:
    return io.String.Input(
        "kind", default=KIND,
        tooltip="What the object is, in a word or two (mug, toy car). Stable Diffusion learns its look under it.",
        **options,
    )  # fmt: skip


class PersonalisePainter(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_PersonalisePainter",
            display_name="Personalise Painter (LoRA, DreamBooth)",
            **where_known(search_aliases=["dreambooth", "lora", "train lora"]),
            category=FOLDER,
            description="An outpainter learns the object from its views so far (DreamBooth, as a LoRA file).",
            inputs=[
                sockets.Outpainter.Input(
                    "outpainter", tooltip="From Load Outpainter; it stays as it is. Learning begins afresh each time."
                ),
                sockets.Views.Input(
                    "views",
                    tooltip="The views so far, the photo's with them. The embedded outpainter needs their depth and "
                    "normals.",
                ),
                kind_input(),
                io.Int.Input(
                    "steps", default=0, min=0, max=10000,
                    tooltip="0 = the painter's usual: 60 for the embedded one, 200 for Stable Diffusion.",
                ),
                io.Int.Input(
                    "rank", default=8, min=1, max=128,
                    tooltip="How much it can learn: of the LoRA's matrices. The file grows with it.",
                ),
                io.Float.Input(
                    "rate", default=0.0, min=0.0, max=0.1, step=0.0001,
                    tooltip="How fast it learns. 0 = the painter's usual: 0.0005 for the embedded one, 0.0001 for "
                    "Stable Diffusion.",
                ),
                seed_input("Chooses the lessons, and the pictures that it is held to."),
                io.String.Input(
                    "file", default="loras/recon3d",
                    tooltip="Name in the output folder. In its folder loras, Load LoRA and Load Outpainter list the "
                    "file. Empty: it is kept until ComfyUI starts anew.",
                ),
            ],
            outputs=[
                sockets.Outpainter.Output(
                    "outpainter_out", display_name="outpainter", tooltip="The painter that learned, for Outpaint View."
                ),
                io.String.Output("path", display_name="lora path", tooltip="Where the LoRA file lies."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, outpainter, views, kind, steps, rank, rate, seed, file):
        from dataclasses import replace

        from ..recon_lib.stages.outpainting.personalize.painter import personalize, usual_settings

        usual = usual_settings(outpainter)
        settings = replace(usual, steps=steps or usual.steps, rank=rank, rate=rate or usual.rate)
        target = output_path(file, ENDING)[0] if file.strip() else passing_path(ENDING)
        make_room(ROOM * outpainter.bytes)
        tuned = personalize(
            outpainter, views, target, kind=kind, settings=settings, seed=seed, progress=ComfyProgress()
        )
        return io.NodeOutput(tuned, str(target))


NODES = [PersonalisePainter]
