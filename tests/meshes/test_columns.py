import pytest
import torch

from recon_lib.errors import Interrupted
from recon_lib.meshes import columns
from recon_lib.meshes.columns import column_crossings


def box(low=(-1.0, -1.0, -1.0), high=(1.0, 1.0, 1.0)):
    from trimesh.creation import box as make

    shape = make(bounds=[low, high])
    return torch.tensor(shape.vertices)[torch.tensor(shape.faces)]


def icosphere(subdivisions=3):
    from trimesh.creation import icosphere as make

    shape = make(subdivisions)
    return torch.tensor(shape.vertices)[torch.tensor(shape.faces)]


def crossings_per_line(found, lines):
    count, balance = torch.zeros(2, len(lines), dtype=torch.int64)
    count.index_add_(0, found.line, torch.ones_like(found.line))
    balance.index_add_(0, found.line, found.sign.long())
    return count, balance


def test_a_line_through_one_triangle():
    triangle = torch.tensor([[[0.0, 0, 1], [4, 0, 1], [0, 4, 5]]])
    found = column_crossings(triangle, torch.tensor([[1.0, 1.0], [3.0, 3.0], [-1.0, 0.5]]))
    assert found.line.tolist() == [0]
    assert found.height.item() == pytest.approx(2.0)
    assert found.sign.item() == 1
    assert column_crossings(triangle.flip(1), torch.tensor([[1.0, 1.0]])).sign.item() == -1


def test_lines_through_a_sphere_cross_twice_at_its_height():
    lines = torch.rand(2000, 2, dtype=torch.float64) * 2.2 - 1.1
    found = column_crossings(icosphere(4), lines)
    count, balance = crossings_per_line(found, lines)
    distance = lines.norm(dim=-1)
    assert not balance.any()
    assert (count[distance < 0.99] == 2).all()
    assert (count[distance > 1] == 0).all()
    inner = distance[found.line] < 0.9
    expected = found.sign * (1 - distance[found.line].square()).clamp_min(0).sqrt()
    assert torch.allclose(found.height[inner], expected[inner], atol=5e-3)


def test_signs_cancel_on_lines_through_every_edge_and_vertex():
    sphere = icosphere(2)
    flat = sphere.reshape(-1, 3)[:, :2]
    middles = (sphere + sphere.roll(1, 1)).reshape(-1, 3)[:, :2] / 2
    lines = torch.cat([flat, middles, torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0])] * 2)])
    for solid in (sphere, box()):
        count, balance = crossings_per_line(column_crossings(solid, lines), lines)
        assert not balance.any()
        assert not (count % 2).any()


def test_nearly_vertical_walls_keep_their_crossings_within_the_triangle():
    tilted = box() + 0
    tilted[..., 0] += 1e-13 * tilted[..., 2]
    lines = torch.stack([torch.full((50,), 1.0), torch.linspace(-0.99, 0.99, 50)], -1)
    found = column_crossings(tilted, lines)
    assert found.height.abs().max() <= 1
    assert not crossings_per_line(found, lines)[1].any()


def test_many_pieces_give_the_same_as_one(monkeypatch):
    lines = torch.rand(3000, 2) * 2 - 1
    whole = column_crossings(icosphere(), lines)
    monkeypatch.setattr(columns, "PAIRS_AT_ONCE", 500)
    pieces = column_crossings(icosphere(), lines)
    assert torch.equal(whole.line, pieces.line)
    assert torch.equal(whole.height, pieces.height)


def test_agrees_with_testing_every_pair():
    triangles, lines = torch.randn(40, 3, 3), torch.randn(300, 2)
    found = column_crossings(triangles, lines)
    a, b, c = (triangles[:, None, k, :2].double() for k in range(3))
    p = lines.double()

    def side(start, end):
        u, v = end - start, p - start
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    sides = torch.stack([side(a, b), side(b, c), side(c, a)])
    expected = {tuple(pair) for pair in ((sides > 0).all(0) | (sides < 0).all(0)).nonzero().tolist()}
    assert set(zip(found.triangle.tolist(), found.line.tolist(), strict=True)) == expected


def test_nothing_to_cross():
    for triangles, lines in ((torch.zeros(0, 3, 3), torch.zeros(4, 2)), (box(), torch.zeros(0, 2))):
        assert not len(column_crossings(triangles, lines).line)
    assert not len(column_crossings(box(), torch.tensor([[5.0, 5.0]])).line)


def test_one_line_and_lines_on_one_spot():
    found = column_crossings(box(), torch.zeros(3, 2) + 0.25)
    assert sorted(found.line.tolist()) == [0, 0, 1, 1, 2, 2]


def test_can_be_interrupted():
    def stop():
        raise Interrupted

    with pytest.raises(Interrupted):
        column_crossings(box(), torch.zeros(1, 2), stop)
