"""Learned models: the embedded ones and what lies in models/recon3d."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node
from .host import changed, model_folders


class LoadModel(Node):
    @classmethod
    def define_schema(cls):
        from ..recon_lib.registry import systems
        from ..recon_lib.weights.registry import find_models

        wanted = {row.model for row in systems("reconstruct")}  # others have loaders of their own, or none
        names = [card.name for card in find_models(model_folders()) if card.system in wanted]
        return io.Schema(
            node_id="Recon3D_LoadModel",
            display_name="Load Reconstruction Model",
            category=f"{CATEGORY}/models",
            description="A model of this pack: embedded in it, or a .safetensors file with its card in models/recon3d.",
            inputs=[
                io.Combo.Input(
                    "name", options=names, default=names[0] if names else None,
                    tooltip="Embedded models come first. Others: put the .safetensors file and its .json card into "
                    "models/recon3d and press R.",
                )
            ],
            outputs=[
                sockets.Model.Output("model", display_name="model", tooltip="The model with its card."),
                io.String.Output("card", display_name="card", tooltip="Licence, size, training, measured figures."),
            ],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, name, **_):
        from ..recon_lib.weights.registry import find_models

        return [changed(card.path) for card in find_models(model_folders()) if card.name == name]

    @classmethod
    def run(cls, name):
        from ..recon_lib.weights.card import card_markdown
        from ..recon_lib.weights.registry import load_model

        loaded = load_model(name, model_folders())
        return io.NodeOutput(loaded, card_markdown(loaded.card))


NODES = [LoadModel]
