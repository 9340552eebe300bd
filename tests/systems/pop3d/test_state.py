"""Where the loop stands, written and read."""

import torch

from recon_lib.fields.cells import Cells
from recon_lib.fields.hull import HullField
from recon_lib.fields.sdf_grid import SdfGrid
from recon_lib.files import written_whole
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.systems.pop3d.state import LoopState, load_loop_state, loop_state_dict
from tests.helpers.hulls import around, ball_mask, masked


def test_what_is_written_is_read_again(tmp_path):
    cameras = around(3, 32)
    views = masked(cameras, ball_mask(cameras, 0.5), provenance=(ball_mask(cameras, 0.5) * 2).to(torch.uint8))
    cells = Cells(torch.tensor([-1.0, -1.0, -1.0]), 2.0, 9)
    distance = cells.positions().norm(dim=-1).view(9, 9, 9) - 0.5
    rows = torch.arange(729, dtype=torch.int32).view(9, 9, 9) % 4
    field = SdfGrid(cells, distance, rows, torch.randn(4, 6), GridColor(6, 8), 0.01)
    torch.nn.init.normal_(field.module.outer.weight)
    state = LoopState(views, HullField.of(views, margin=2.0, radius=0.9), field)
    with written_whole(tmp_path / "state.pt") as beside:
        torch.save(loop_state_dict(state), beside)
    back = load_loop_state(torch.load(tmp_path / "state.pt", weights_only=True))
    points = torch.rand(50, 3) * 2 - 1
    assert torch.equal(back.field.inside(points), field.inside(points))
    assert torch.equal(back.field.color(points), field.color(points))
    assert torch.equal(back.hull.inside(points), state.hull.inside(points))
    assert torch.equal(back.views.masks, views.masks)
    assert torch.equal(back.views.cameras.intrinsics, views.cameras.intrinsics)


def test_nothing_written_is_nothing_read():
    assert load_loop_state(None) is None
