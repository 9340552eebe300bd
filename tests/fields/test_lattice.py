"""Coarse-to-fine sampling against the dense lattice, on distances whose zero set is known."""

import numpy as np
import pytest

from recon_lib.fields import lattice as lattice_module
from recon_lib.fields.lattice import SparseLattice

CELLS = 64


def on_lattice(distance, cells=CELLS):
    """The field of a distance function over [-1,1]^3, at node positions."""
    cells = np.broadcast_to(cells, 3)
    return lambda nodes: -distance(nodes * (2 / cells) - 1).astype(np.float32)


def sphere(radius=0.6, centre=(0.0, 0.0, 0.0)):
    return lambda p: np.linalg.norm(p - np.array(centre), axis=-1) - radius


def plate(offset, thickness):
    """Across x, between nodes unless `offset` is a node."""
    return lambda p: np.maximum(np.abs(p[..., 0] - offset) - thickness / 2, np.abs(p[..., 1:]).max(-1) - 0.5)


def rod(offset, radius):
    return lambda p: np.maximum(np.hypot(p[..., 0] - offset, p[..., 1] - offset) - radius, np.abs(p[..., 2]) - 0.5)


def dense(field, cells):
    shape = np.broadcast_to(cells, 3) + 1
    return field(np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), -1)).reshape(shape)


def crossed_cells(values):
    """Lower corners of the cells whose corners differ in sign."""
    inside = values > 0
    count = sum(
        inside[x : x + s[0], y : y + s[1], z : z + s[2]].astype(int)
        for s in [np.array(values.shape) - 1]
        for x in (0, 1)
        for y in (0, 1)
        for z in (0, 1)
    )
    return np.argwhere((count > 0) & (count < 8))


def corner_values(values, cells):
    around = cells[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T
    return values[tuple(np.moveaxis(around, -1, 0))]


@pytest.mark.parametrize(
    "distance",
    [
        pytest.param(sphere(), id="sphere"),
        pytest.param(sphere(0.04, (0.31, -0.2, 0.47)), id="ball smaller than a coarse cell"),
        pytest.param(plate(0.3, 0.04), id="plate between coarse nodes"),
        pytest.param(plate(-0.0625, 0.034), id="plate in the middle of a coarse cell"),
        pytest.param(rod(0.0625, 0.04), id="rod in the middle of a coarse cell"),
        pytest.param(lambda p: 0.03 - np.abs(np.linalg.norm(p, axis=-1) - 0.6), id="gap inside a solid"),
        pytest.param(lambda p: np.linalg.norm(p, axis=-1) - 1.3, id="solid beyond the bounds"),
    ],
)
def test_all_crossed_cells_of_the_dense_lattice_are_found(distance):
    lattice = SparseLattice(on_lattice(distance), (CELLS,) * 3, coarse=16)
    lattice.sample()
    truth = dense(on_lattice(distance), CELLS)
    crossed = crossed_cells(truth)
    assert len(crossed) > 20
    np.testing.assert_array_equal(corner_values(lattice.values, crossed), corner_values(truth, crossed))
    assert lattice.evaluations < truth.size / 2


def test_thin_plates_at_every_offset_and_tilt_are_found():
    """A plate of 1.2 fine cells, 0.3 coarse ones, wherever it lies."""
    rng = np.random.default_rng(0)
    for _ in range(12):
        normal = rng.standard_normal(3)
        normal /= np.linalg.norm(normal)
        offset, thickness = rng.uniform(-0.3, 0.3), 1.2 * 2 / CELLS

        def distance(p, normal=normal, offset=offset, thickness=thickness):
            return np.maximum(np.abs(p @ normal - offset) - thickness / 2, np.linalg.norm(p, axis=-1) - 0.7)

        lattice = SparseLattice(on_lattice(distance), (CELLS,) * 3, coarse=16)
        lattice.sample()
        crossed = crossed_cells(dense(on_lattice(distance), CELLS))
        assert not np.isnan(corner_values(lattice.values, crossed)).any()


def test_a_surface_is_followed_where_the_bend_says_nothing():
    """A thin wire with two-valued samples: only its thick end shows on the coarse lattice."""

    def wire(p):
        ball = np.linalg.norm(p - [0, 0, -0.6], axis=-1) < 0.25
        thread = (np.abs(p[..., :2] - 0.03).max(-1) < 0.035) & (np.abs(p[..., 2]) < 0.7)
        return np.where(ball | thread, -1.0, 1.0)

    lattice = SparseLattice(on_lattice(wire), (CELLS,) * 3, coarse=16)
    lattice.sample()
    crossed = crossed_cells(dense(on_lattice(wire), CELLS))
    assert crossed[:, 2].max() > 0.8 * CELLS
    assert not np.isnan(corner_values(lattice.values, crossed)).any()


@pytest.mark.parametrize("cells", [(64, 64, 64), (50, 37, 61), (64, 9, 3), (20, 20, 20)])
def test_signs_are_right_everywhere(cells):
    cells = np.array(cells)
    field = on_lattice(sphere(0.7), cells)
    lattice = SparseLattice(field, cells, coarse=8)
    lattice.sample()
    truth = dense(field, cells)
    size = max(16, lattice.coarsest)
    blocks = np.argwhere(np.ones(-(-cells // size), bool))
    for block, values in zip(blocks, lattice.read_blocks(blocks, size), strict=True):
        part = truth[tuple(slice(b * size, b * size + size + 1) for b in block)]
        np.testing.assert_array_equal(values[tuple(slice(n) for n in part.shape)] > 0, part > 0)


def test_no_node_is_asked_twice_and_all_are_counted():
    asked = []

    def field(nodes):
        asked.append(nodes)
        return on_lattice(sphere())(nodes)

    lattice = SparseLattice(field, (CELLS,) * 3, coarse=16)
    lattice.sample()
    nodes = np.concatenate(asked)
    assert len(np.unique(nodes, axis=0)) == len(nodes) == lattice.evaluations
    assert nodes.min() == 0
    assert nodes.max() == CELLS


def test_every_level_is_reported():
    lattice = SparseLattice(on_lattice(sphere()), (CELLS,) * 3, coarse=16)
    reports = []
    lattice.sample(on_level=lambda: reports.append(lattice.evaluations))
    assert len(reports) == lattice.levels == 3
    assert reports[0] == 17**3
    assert reports == sorted(reports)


def test_scale_of_the_values_does_not_matter():
    """Distances and logits of the same shape ask the same questions."""
    costs = []
    for factor in (1, 40):
        field = on_lattice(plate(0.3, 0.04))
        lattice = SparseLattice(lambda nodes, f=field, k=factor: k * f(nodes), (CELLS,) * 3, coarse=16)
        lattice.sample()
        costs.append(lattice.evaluations)
    assert costs[0] == costs[1]


@pytest.mark.parametrize(
    "distance",
    [
        pytest.param(sphere(0.2, (0.31, -0.2, 0.47)), id="ball"),
        pytest.param(plate(0.3, 4.2 * 2 / CELLS), id="plate of four cells"),
    ],
)
def test_where_nothing_is_thin_signs_are_enough(distance):
    full, plain = (SparseLattice(on_lattice(distance), (CELLS,) * 3, coarse=8, min_feature_cells=n) for n in (0, 4))
    for lattice in (full, plain):
        lattice.sample()
    crossed = crossed_cells(dense(on_lattice(distance), CELLS))
    np.testing.assert_array_equal(corner_values(plain.values, crossed), corner_values(full.values, crossed))
    assert plain.evaluations < 0.9 * full.evaluations


def test_larger_cells_are_still_looked_into():
    """A ball of three cells between nodes eight cells apart is found; told that nothing is so thin, it is not."""
    small = sphere(1.6 * 2 / CELLS, (-0.125, -0.125, -0.125))
    found = {}
    for plain in (4, 8):
        lattice = SparseLattice(on_lattice(small), (CELLS,) * 3, coarse=8, min_feature_cells=plain)
        lattice.sample()
        found[plain] = bool((np.nan_to_num(lattice.values, nan=-1) > 0).any())
    assert found == {4: True, 8: False}


def test_checks_come_before_every_piece_of_the_work(monkeypatch):
    """At 1024 cells a side a level takes seconds; the Stop button is looked at within it."""
    monkeypatch.setattr(lattice_module, "CELLS_AT_ONCE", 64)
    checks = []
    lattice = lattice_module.SparseLattice(
        lambda nodes: 20.3 - np.linalg.norm(nodes - 32.0, axis=1).astype(np.float32), np.full(3, 64), 16,
        check=lambda: checks.append(None),
    )  # fmt: skip
    finest = lattice.sample()
    assert len(checks) > 3 * len(finest) / 8 / 64  # tested, followed and split as cells of twice the size


def test_nodes_beside_the_surface_are_all_known_when_asked_for():
    field = on_lattice(sphere(0.55, (0.07, 0.0, -0.03)))
    lattice = SparseLattice(field, np.full(3, CELLS), coarse=16)
    lattice.sample()
    lattice.sample_beside_surface(3)
    values = dense(field, CELLS)
    inside = values > 0
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(inside, 3, "edge"), (7, 7, 7))
    beside = windows.any((3, 4, 5)) & ~windows.all((3, 4, 5))
    assert np.array_equal(lattice.values[beside], values[beside])
    assert lattice.evaluations < 0.4 * values.size
