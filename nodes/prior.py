"""Priors of views: what an object looks like from cameras without pictures."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, seed_input, where_known
from .convert import images_from_host, images_to_host
from .host import ComfyProgress, changed, model_folders

KINDS = ("repair", "diffusion", "pixelnerf")
FALLBACK = ("view_diffusion_mini",)  # shown where no prior is installed; choosing it says so


def prior_cards() -> list:
    from ..recon_lib.stages.fitting.radiance.load_prior import SYSTEM
    from ..recon_lib.weights.registry import find_models

    return [card for card in find_models(model_folders()) if card.system == SYSTEM]


class LoadViewPrior(Node):
    @classmethod
    def define_schema(cls):
        names = [card.name for card in prior_cards()] or list(FALLBACK)
        return io.Schema(
            node_id="Recon3D_LoadViewPrior",
            display_name="Load View Prior",
            category=f"{CATEGORY}/models",
            is_experimental=True,
            description="A network that says what posed pictures of an object don't show (after ReconFusion).",
            inputs=[
                io.Combo.Input(
                    "name", options=names, default=names[0],
                    tooltip="Embedded ones come first; others lie in models/recon3d with their card.",
                ),
                io.Combo.Input(
                    "kind", options=list(KINDS), default="repair",
                    tooltip="repair: one quick step from a bad render to a better one; "
                    "diffusion: ten steps from noise; pixelnerf: a quick blurred render of the inputs alone.",
                ),
                io.Float.Input(
                    "guidance", default=1.5, min=0.0, max=20.0, step=0.1,
                    tooltip="Of diffusion: how much the input views count; 1 = as trained.",
                ),
            ],
            outputs=[sockets.Prior.Output("prior", display_name="prior", tooltip="For Sample Novel View.")],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, name, **_):
        return [changed(card.path) for card in prior_cards() if card.name == name]

    @classmethod
    def run(cls, name, kind, guidance):
        from ..recon_lib.stages.fitting.radiance.load_prior import load_prior

        return io.NodeOutput(load_prior(name, kind=kind, guidance=guidance, folders=model_folders()))


class SampleNovelView(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_SampleNovelView",
            display_name="Sample Novel View",
            **where_known(search_aliases=["novel view", "new view", "zero123"]),
            category=f"{CATEGORY}/views",
            is_experimental=True,
            description="What the prior expects to see from cameras, judged from posed views with masks.",
            inputs=[
                sockets.Prior.Input("prior", tooltip="From Load View Prior."),
                sockets.Views.Input("views", tooltip="Posed views of the object, with masks; the nearest eight count."),
                sockets.Cameras.Input("cameras", tooltip="Where to look from; pictures are square and small."),
                io.Image.Input(
                    "renders", optional=True,
                    tooltip="Renders from these cameras over white to begin with, one each; else the prior's own.",
                ),
                io.Float.Input(
                    "noise", default=1.0, min=0.0, max=1.0, step=0.05,
                    tooltip="Of diffusion: how little of the renders is trusted; 1 = nothing.",
                ),
                seed_input("Another seed, another sample; repair has no chance in it."),
            ],
            outputs=[io.Image.Output("image", display_name="image", tooltip="One picture per camera, over white.")],
        )  # fmt: skip

    @classmethod
    def run(cls, prior, views, cameras, noise, seed, renders=None):
        from ..recon_lib.stages.fitting.radiance.sample_views import sample_views

        given = None if renders is None else images_from_host(renders)
        if given is not None and len(given) != len(cameras):
            raise BadInput(f"There are {len(given)} renders for {len(cameras)} cameras; connect one for each.")
        pictures = sample_views(prior, views, cameras, given, noise, seed, ComfyProgress())
        return io.NodeOutput(images_to_host(pictures))


NODES = [LoadViewPrior, SampleNovelView]
