"""Nearest neighbours against all distances, and looks at the Stop button."""

import pytest
import torch

from recon_lib.meshes import nearest_points
from recon_lib.meshes.nearest_points import NearestPoints


@pytest.mark.parametrize("count", [1, 4])
def test_against_all_distances(monkeypatch, count):
    monkeypatch.setattr(nearest_points, "PIECE", 7)
    cloud, points = torch.rand(50, 3, dtype=torch.float64), torch.rand(20, 3, dtype=torch.float64)
    asked = []
    distances, rows = NearestPoints(cloud, lambda: asked.append(1)).query(points, count)
    expected = torch.cdist(points, cloud).topk(count, largest=False)
    torch.testing.assert_close(distances.reshape(20, count), expected.values)
    assert torch.equal(rows.reshape(20, count), expected.indices)
    assert len(asked) == 1 + 3


def test_no_points_have_no_neighbours():
    distances, rows = NearestPoints(torch.rand(5, 3)).query(torch.zeros(0, 3))
    assert len(distances) == len(rows) == 0
