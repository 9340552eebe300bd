"""Where the loop stands, written and read."""

import pytest
import torch

from recon_lib.fields.cells import Cells
from recon_lib.fields.hull import HullField
from recon_lib.fields.sdf_grid import SdfGrid
from recon_lib.files import written_whole
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.stages.fitting.checkpoint import UNUSABLE
from recon_lib.systems.pop3d.state import LoopState, load_loop_state, loop_state_dict
from tests.helpers.hulls import around, ball_mask, masked


@pytest.fixture
def state() -> LoopState:
    cameras = around(3, 32)
    views = masked(cameras, ball_mask(cameras, 0.5), provenance=(ball_mask(cameras, 0.5) * 2).to(torch.uint8))
    cells = Cells(torch.tensor([-1.0, -1.0, -1.0]), 2.0, 9)
    distance = cells.positions().norm(dim=-1).view(9, 9, 9) - 0.5
    rows = torch.arange(729, dtype=torch.int32).view(9, 9, 9) % 4
    field = SdfGrid(cells, distance, rows, torch.randn(4, 6), GridColor(6, 8), 0.01)
    torch.nn.init.normal_(field.module.outer.weight)
    return LoopState(views, HullField.of(views, margin=2.0, radius=0.9), field)


def test_what_is_written_is_read_again(tmp_path, state):
    field, views = state.field, state.views
    with written_whole(tmp_path / "state.pt") as beside:
        torch.save(loop_state_dict(state), beside)
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    drawn = torch.get_rng_state()
    back = load_loop_state(saved, 3)
    assert torch.equal(torch.get_rng_state(), drawn)
    points = torch.rand(50, 3) * 2 - 1
    assert torch.equal(back.field.inside(points), field.inside(points))
    assert torch.equal(back.field.color(points), field.color(points))
    assert torch.equal(back.hull.inside(points), state.hull.inside(points))
    assert torch.equal(back.views.masks, views.masks)
    assert torch.equal(back.views.cameras.intrinsics, views.cameras.intrinsics)


def test_a_longer_loops_state_is_not_read(state):
    assert load_loop_state(loop_state_dict(state), 2) is None


WRONG = {
    "a part is missing": lambda s: s.pop("views"),
    "rows": lambda s: s["field"].update(rows=s["field"]["rows"] + 4),
    "size": lambda s: s["field"].update(distance=s["field"]["distance"][:-1]),
    "views": lambda s: s["views"].update(masks=s["views"]["masks"][1:]),
    "cameras": lambda s: s.update(cameras=s["cameras"][:2]),
    "decoder": lambda s: s["color"].popitem(),
}


@pytest.mark.parametrize("kind", WRONG)
def test_parts_that_do_not_fit_are_an_error_that_checkpoints_know(state, kind):
    saved = loop_state_dict(state)
    saved = {**saved, "field": {**saved["field"]}, "views": {**saved["views"]}}
    WRONG[kind](saved)
    with pytest.raises(UNUSABLE):
        load_loop_state(saved, 3)
