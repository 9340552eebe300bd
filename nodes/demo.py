"""Photographs that come with the pack, so that a workflow runs before anything was uploaded."""

from pathlib import Path

from comfy_api.latest import io

from .base import CATEGORY, Node
from .convert import images_to_host

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "photos"


class DemoPhoto(Node):
    @classmethod
    def define_schema(cls):
        names = sorted(path.name for path in FOLDER.glob("*.jpg"))
        return io.Schema(
            node_id="Recon3D_DemoPhoto",
            display_name="Demo Photo",
            category=CATEGORY,
            description="A photograph that comes with the pack. For your own, put a Load Image node in its place.",
            inputs=[
                io.Combo.Input(
                    "photo", options=names, default=names[0] if names else None,
                    tooltip="Files of the pack's assets/photos folder; their authors stand in assets/CREDITS.md.",
                )
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The photograph as it is, background and all.")
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, photo):
        from ..recon_lib.views.photo import load_photo

        return io.NodeOutput(images_to_host(load_photo(FOLDER / photo).image))


NODES = [DemoPhoto]
