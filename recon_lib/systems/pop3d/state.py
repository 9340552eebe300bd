"""Where the loop stands after a camera, and the same as plain values that a checkpoint holds."""

from dataclasses import dataclass

import torch

from ...cameras.camera import Cameras
from ...fields.cells import Cells
from ...fields.hull import HullField
from ...fields.sdf_grid import SdfGrid
from ...networks.volsdf.grid_color import GridColor
from ...views.views import Views

LAYERS = ("images", "masks", "depth", "normals", "provenance")


@dataclass(frozen=True)
class LoopState:
    """The views so far, their hull, and the field that was fitted to them."""

    views: Views
    hull: HullField
    field: SdfGrid


def loop_state_dict(state: LoopState) -> dict:
    """Plain tensors and numbers, for `torch.save`."""
    views, field, hull = state.views, state.field, state.hull
    cameras = views.cameras
    return {
        "views": {name: getattr(views, name) for name in LAYERS},
        "cameras": [cameras.camera_to_world, cameras.intrinsics, cameras.height, cameras.width],
        "hull": [hull.margin, hull.radius],
        "grid": [field.cells.low, field.cells.side, field.cells.nodes],
        "field": {name: getattr(field, name) for name in ("distance", "rows", "features", "beta", "has_color")},
        "color": field.module.state_dict(),
    }


def load_loop_state(state: dict | None) -> LoopState | None:
    """What `loop_state_dict` told; None for None."""
    if state is None:
        return None
    views = Views(cameras=Cameras(*state["cameras"]), **state["views"])
    with torch.random.fork_rng(devices=[]):
        module = GridColor(state["field"]["features"].shape[1], len(state["color"]["inner.bias"]))
    module.load_state_dict(state["color"])
    field = SdfGrid(Cells(*state["grid"]), module=module, **state["field"])
    margin, radius = state["hull"]
    return LoopState(views, HullField.of(views, margin, radius), field)
