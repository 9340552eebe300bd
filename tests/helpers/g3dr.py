"""G3DR's small network as training begins with it: a solid behind the given depth, in the picture's colours."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.networks.g3dr.mini import G3drMini
from recon_lib.views.views import Views
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import EMBEDDED, LoadedModel, read_state
from tests.helpers.tiny_shards import ellipsoid_render

AXES = (0.7, 0.5, 0.6)
BACKBONE = "dpt_depth."


@cache
def starting_network() -> G3drMini:
    state = read_state(EMBEDDED / "zeroshape_w_mini.safetensors")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = G3drMini()
    backbone = {k.removeprefix(BACKBONE): v for k, v in state.items() if k.startswith(BACKBONE)}
    network.dpt_depth.load_state_dict(backbone)
    return network.eval().requires_grad_(False)


def g3dr_model() -> LoadedModel:
    return LoadedModel(starting_network(), ModelCard("g3dr_start", "g3dr", Path("g3dr_start.safetensors")))


def ellipsoid_views(side: int = 96, azimuth: float = 0.0) -> Views:
    """A view of an ellipsoid in the colours of its places, over white, with its true depth."""
    camera = Cameras.orbit(azimuth, distance=3.0, height=side, width=side)
    render = ellipsoid_render(AXES, camera)
    depth = torch.from_numpy(render.depth)[None, None]
    mask = (depth > 0).float()
    rgb = torch.from_numpy(render.rgb.astype("float32") / 255).permute(2, 0, 1)[None]
    return Views(rgb * mask + 1 - mask, camera, mask, depth)


def photo(side: int = 96) -> tuple[Tensor, Tensor, Tensor]:
    """Picture [1,3,side,side], mask and z-depth [1,1,side,side]."""
    views = ellipsoid_views(side)
    assert views.depth is not None
    return views.images, views.masks, views.depth
