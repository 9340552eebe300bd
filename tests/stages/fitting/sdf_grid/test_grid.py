"""The grid while it is fitted: rows, refinement, and a state by which it goes on exactly."""

import copy
import math

import pytest
import torch

from recon_lib.fields.cells import Cells
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.stages.fitting.checkpoint import UNUSABLE
from recon_lib.stages.fitting.sdf_grid.grid import FittedGrid, read_distance
from recon_lib.stages.fitting.sdf_grid.settings import Rates
from recon_lib.stages.fitting.sdf_grid.start import ColorStart
from tests.helpers.posed import sphere

CELLS = Cells(torch.tensor([-1.0, -1, -1]), 2.0, 17)
RATES = Rates()


def ball() -> torch.Tensor:
    return (CELLS.positions().norm(dim=-1) - 0.6).view(17, 17, 17)


def fresh(base=None) -> FittedGrid:
    torch.manual_seed(0)
    return FittedGrid(CELLS, ball(), base, GridColor(6, 8), 0.05)


def number(x: int, y: int, z: int) -> int:
    return (x * 17 + y) * 17 + z


def step(grid: FittedGrid) -> None:
    """One step toward zero everywhere."""
    loss = grid.distance.square().sum() + (grid.features - 1).square().sum() + grid.log_beta.square()
    loss = loss + sum(p.square().sum() for p in grid.module.parameters())
    grid.optimizer.zero_grad()
    loss.backward()
    grid.optimizer.step()


def test_touched_nodes_and_those_around_them_get_rows():
    grid = fresh()
    grid.touch(torch.tensor([number(5, 6, 7), number(5, 6, 7)]), RATES)
    expected = {number(5 + a, 6 + b, 7 + c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)}
    assert set(grid.numbers.tolist()) == expected
    assert torch.equal(grid.distance.detach(), ball().view(-1)[grid.numbers])
    assert (grid.rows >= 0).sum() == 27


def test_neighbours_are_those_beside():
    grid = fresh()
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    middle = int(grid.rows[number(5, 6, 7)])
    beside = {number(4, 6, 7), number(6, 6, 7), number(5, 5, 7), number(5, 7, 7), number(5, 6, 6), number(5, 6, 8)}
    assert {int(grid.numbers[row]) for row in grid.neighbours[middle]} == beside
    assert grid.inner.tolist() == [middle], "only one of the 27 has all its neighbours"


def test_neighbours_do_not_reach_across_the_grids_faces():
    grid = fresh()
    grid.touch(torch.arange(17**3), RATES)
    last = int(grid.rows[number(3, 4, 16)])
    assert (grid.neighbours[last] >= 0).sum() == 5
    assert len(grid.inner) == 15**3


def test_rows_keep_what_they_learned_when_others_come():
    grid, alone = fresh(), fresh()
    for each in (grid, alone):
        each.touch(torch.tensor([number(5, 6, 7)]), RATES)
        step(each)
    known = grid.distance.detach().clone()
    grid.touch(torch.tensor([number(12, 6, 7)]), RATES)
    assert torch.equal(grid.distance.detach()[:27], known) and len(grid) == 54
    for each in (grid, alone):
        step(each)
    assert torch.allclose(grid.distance.detach()[:27], alone.distance.detach()), "the moments went along"
    assert torch.allclose(grid.features.detach()[:27], alone.features.detach())


def test_new_rows_take_their_colour_from_the_base():
    grid = fresh(ColorStart(sphere(), 6))
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    colors = grid.features.detach()[:, :3].sigmoid()
    assert torch.allclose(colors, sphere().color(CELLS.positions(grid.numbers)).clamp(0.02, 0.98), atol=1e-5)


def test_what_was_fitted_is_written_back():
    grid = fresh()
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    step(grid)
    grid.write_back()
    assert torch.equal(grid.whole[grid.numbers], grid.distance.detach())
    assert torch.equal(grid.field().distance.view(-1)[grid.numbers], grid.distance.detach())
    others = grid.rows < 0
    assert torch.equal(grid.whole[others], ball().view(-1)[others])


def test_refining_keeps_shape_and_colour():
    grid = fresh(ColorStart(sphere(), 6))
    shell = (ball().view(-1).abs() < 0.3).nonzero().flatten()
    grid.touch(shell, RATES)
    before = grid.field()
    grid.refine(33)
    grid.touch(torch.tensor([(5 * 33 + 16) * 33 + 16]), RATES)
    points = torch.nn.functional.normalize(torch.randn(100, 3), dim=-1) * 0.6
    finer = grid.whole.view(33, 33, 33)
    assert torch.allclose(grid.cells.read(finer, points), -before.inside(points), atol=5e-3)
    fine = grid.cells.positions(grid.numbers)
    assert torch.allclose(grid.features.detach(), before.features_at(fine), atol=1e-5)
    assert grid.beta == pytest.approx(0.05)


def test_beta_is_kept_between_its_limits():
    grid = fresh()
    grid.limit_beta(0.1, 0.2)
    assert grid.beta == pytest.approx(0.1)
    grid.limit_beta(0.01, 0.02)
    assert grid.beta == pytest.approx(0.02)


def test_distances_are_raised_where_nothing_may_be():
    grid = fresh()
    grid.touch(torch.tensor([number(8, 8, 8)]), RATES)
    least = torch.full((17**3,), -float("inf"))
    least[number(8, 8, 8)] = 0.1
    grid.raise_to(least)
    row = int(grid.rows[number(8, 8, 8)])
    assert grid.whole[number(8, 8, 8)] == pytest.approx(0.1) and grid.distance[row].item() == pytest.approx(0.1)
    assert (grid.whole < 0).sum() == (ball() < 0).sum() - 1
    grid.raise_to(None)


def test_rates_are_in_spacings_and_can_be_lowered():
    grid = fresh()
    grid.touch(torch.tensor([0]), RATES)
    rates = [group["lr"] for group in grid.optimizer.param_groups]
    assert rates == pytest.approx([RATES.distance * 0.125, RATES.features, RATES.decoder, RATES.beta])
    grid.set_rates(RATES, 0.1)
    assert [group["lr"] for group in grid.optimizer.param_groups] == pytest.approx([rate / 10 for rate in rates])


def test_a_state_goes_on_exactly(tmp_path):
    """Through a file, in the middle of the second level, against a grid that was never interrupted."""
    grid = fresh(ColorStart(sphere(), 6))
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    step(grid)
    grid.refine(33)
    grid.touch(torch.tensor([9000, 9100]), RATES)
    step(grid)
    grid.write_back()
    torch.save(grid.state(), tmp_path / "state")
    before = fresh(ColorStart(sphere(), 6))
    untouched = before.whole.clone(), before.beta, len(before)
    other = before.loaded(torch.load(tmp_path / "state", weights_only=True), RATES)
    assert torch.equal(before.whole, untouched[0]) and (before.beta, len(before)) == untouched[1:]
    for each in (grid, other):
        each.touch(torch.tensor([20000]), RATES)
        step(each)
        each.write_back()
    assert torch.equal(other.whole, grid.whole)
    assert torch.equal(other.features, grid.features)
    assert torch.equal(other.rows, grid.rows)
    assert other.beta == grid.beta and not math.isclose(grid.beta, 0.05)
    pairs = zip(other.module.parameters(), grid.module.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_state_before_the_first_round_can_be_taken():
    other = fresh().loaded(fresh().state(), RATES)
    other.touch(torch.tensor([5]), RATES)
    assert len(other) > 0


WRONG_STATES = {
    "lacks a part": lambda s: s.pop("features"),
    "nodes": lambda s: s.update(nodes=10**9),
    "whole": lambda s: s.update(whole=s["whole"][:-1]),
    "width": lambda s: s.update(features=s["features"][:, :-1]),
    "count": lambda s: s.update(distance=s["distance"][:-1]),
    "index": lambda s: s.update(numbers=s["numbers"] + 10**6),
    "base": lambda s: s.update(base=(17, torch.full((17, 17, 17), 10**6, dtype=torch.int32), torch.zeros(3, 6))),
    "moments": lambda s: s["optimizer"][0].update(exp_avg=torch.zeros(2)),
    "no moments": lambda s: s.update(optimizer=None),
    "decoder": lambda s: s.update(module={}),
}


@pytest.mark.parametrize("kind", WRONG_STATES)
def test_a_state_of_another_shape_is_refused_and_changes_nothing(kind):
    grid = fresh()
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    step(grid)
    before, state = grid.distance.detach().clone(), copy.deepcopy(grid.state())
    WRONG_STATES[kind](state)
    with pytest.raises(UNUSABLE):
        grid.loaded(state, RATES)
    assert torch.equal(grid.distance, before)


def test_its_field_is_its_own():
    grid = fresh()
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    drawn = torch.get_rng_state()
    field = grid.field()
    assert torch.equal(torch.get_rng_state(), drawn)
    kept = field.features.clone(), field.distance.clone()
    step(grid)
    grid.write_back()
    assert torch.equal(field.features, kept[0]) and torch.equal(field.distance, kept[1])
    assert not any(p.requires_grad for p in field.module.parameters())


def test_colours_before_anything_is_known_are_grey():
    points = torch.rand(3, 3)
    assert (fresh().color(points, points) == 0.5).all()


def test_a_shape_keeps_its_details_where_nothing_changed_it():
    """Ripples that the coarse grid cannot hold come back with the fine one; a change is added to them."""
    fine = CELLS.finer(65)
    ripples = 0.01 * torch.sin(60 * fine.positions()[:, 0]).view(65, 65, 65)
    smooth = (fine.positions().norm(dim=-1) - 0.6).view(65, 65, 65)
    shape = DistanceGrid(fine, smooth + ripples)
    grid = FittedGrid(CELLS, read_distance(shape, CELLS), None, GridColor(6, 8), 0.05, shape)
    grid.refine(33)
    grid.refine(65)
    assert torch.allclose(grid.whole.view(65, 65, 65), shape.distance, atol=1e-5)
    grid.whole = grid.whole + 0.02
    grid.refine(129)
    finest = read_distance(shape, CELLS.finer(129))
    assert torch.allclose(grid.whole.view(129, 129, 129), finest + 0.02, atol=1e-5)


def test_what_must_not_bend_is_the_change_of_a_shape():
    shape = DistanceGrid(CELLS, ball() + 0.05 * torch.rand(17, 17, 17))
    grid = FittedGrid(CELLS, shape.distance, None, GridColor(6, 8), 0.05, shape)
    grid.touch(torch.tensor([number(5, 6, 7)]), RATES)
    assert grid.bending().abs().max() < 1e-6
    plain = fresh()
    plain.touch(torch.tensor([number(5, 6, 7)]), RATES)
    assert plain.bending() is plain.distance
