import math

import pytest
import torch

from recon_lib.networks.radiance.level import GridLevel, rows_of


def node_points(nodes):
    axis = torch.linspace(0, 1, nodes)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def linear_level(nodes, **kwargs):
    """A level that holds x + 2y + 3z."""
    level = GridLevel(nodes, 1, **kwargs)
    value = node_points(nodes) @ torch.tensor([1.0, 2.0, 3.0])
    with torch.no_grad():
        level.table[:] = value[:, None]
    return level


def test_linear_functions_are_read_exactly():
    points = torch.rand(100, 3, generator=torch.Generator().manual_seed(0))
    expected = points @ torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(linear_level(5)(points)[:, 0], expected, atol=1e-4, rtol=0)


def test_points_outside_are_clamped():
    read = linear_level(4)(torch.tensor([[-3.0, 0.5, 7.0]]))
    assert read.item() == pytest.approx(1.0 + 3.0, abs=1e-3)


def test_nodes_without_a_row_share_row_0():
    marked = torch.zeros(3, 3, 3, dtype=torch.bool)
    marked[1, 1, 1] = marked[2, 0, 1] = True
    rows = rows_of(marked)
    assert rows.view(3, 3, 3)[1, 1, 1] == 1 and rows.view(3, 3, 3)[2, 0, 1] == 2 and (rows == 0).sum() == 25
    level = GridLevel(3, 2, rows)
    assert level.table.shape == (3, 2)
    with torch.no_grad():
        level.table[1] = 5.0
    assert level(torch.tensor([[0.5, 0.5, 0.5], [0.0, 0.0, 0.0]])).tolist() == [[5, 5], [0, 0]]


def test_more_nodes_than_rows_are_hashed():
    level = GridLevel(20, 2, most=500)
    assert level.hashed and len(level.table) == 500 and not GridLevel(5, 2, most=500).hashed
    rows, weights = level.locate(torch.rand(300, 3))
    assert int(rows.min()) >= 0 and int(rows.max()) < 500 and len(rows.unique()) > 400
    torch.testing.assert_close(weights.sum(-1), torch.ones(300))


def test_a_hashed_node_has_one_row():
    level = GridLevel(20, 2, most=500)
    at_node = torch.tensor([[3, 4, 5]]) / 19
    around = [at_node + 1e-3 * torch.tensor([[a, b, c]]) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
    heaviest = []
    for point in around:
        rows, weights = level.locate(point)
        heaviest.append(int(rows[0, weights[0].argmax()]))
    assert len(set(heaviest)) == 1


def test_scale_weight_is_zip_nerfs():
    level = GridLevel(33, 1)
    widths = torch.tensor([0.0, 1 / 32, 10.0])
    expected = [1.0, math.erf(1 / math.sqrt(8)), math.erf(1 / (math.sqrt(8) * 320))]
    assert level.scale_weight(widths).tolist() == pytest.approx(expected, abs=1e-6)
