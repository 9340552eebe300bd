"""Where the loop stands after a camera, and the same as plain values that a checkpoint holds."""

from dataclasses import dataclass

from ...cameras.camera import Cameras
from ...fields.cells import Cells
from ...fields.hull import HullField
from ...fields.sdf_grid import SdfGrid
from ...networks.volsdf.grid_color import GridColor
from ...stages.fitting.checkpoint import seeded
from ...views.views import Views

LAYERS = ("images", "masks", "depth", "normals", "provenance")
FIELD = ("distance", "rows", "features", "beta", "has_color", "bumps")


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
        "field": {name: getattr(field, name) for name in FIELD},
        "color": field.module.state_dict(),
    }


def load_loop_state(state: dict, cameras: int) -> LoopState | None:
    """The state that `loop_state_dict` described; None when it has more views than `cameras`, of a longer loop.

    Raises one of Python's usual errors for a state whose parts do not fit each other.
    """
    views = Views(cameras=Cameras(*state["cameras"]), **state["views"])
    if len(views) > cameras:
        return None
    with seeded(0):
        module = GridColor(state["field"]["features"].shape[1], len(state["color"]["inner.bias"]))
    module.load_state_dict(state["color"])
    field = SdfGrid(Cells(*state["grid"]), module=module, **state["field"])
    if not 0 <= int(field.rows.min()) <= int(field.rows.max()) < len(field.features):
        raise ValueError("the rows of the field are none of its features'")
    margin, radius = state["hull"]
    return LoopState(views, HullField.of(views, margin, radius), field)
