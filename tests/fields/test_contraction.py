import pytest
import torch
from torch.func import jacrev, vmap

from recon_lib.errors import BadInput
from recon_lib.fields.contraction import Frame, contract


def test_box_becomes_the_unit_cube():
    frame = Frame.within(torch.tensor([[0.0, -1, 2], [4, 1, 4]]))
    points = torch.tensor([[2.0, 0, 3], [4, 2, 5], [0, -2, 1]])
    unit, widths = frame.to_unit(points, torch.tensor([0.4, 0.4, 0.4]))
    assert unit.tolist() == [[0.5] * 3, [1.0] * 3, [0.0] * 3] and widths.tolist() == pytest.approx([0.1] * 3)
    assert frame.bounds.tolist() == [[0, -2, 1], [4, 2, 5]] and frame.unit == 4


def test_contraction_is_mip_nerf_360s():
    points = torch.tensor([[0.5, 0, 0], [0, 2.0, 0], [0, 0, -1e6]])
    contracted, _ = contract(points)
    torch.testing.assert_close(contracted, torch.tensor([[0.5, 0, 0], [0, 1.5, 0], [0, 0, -2.0]]))


def test_shrinkage_is_the_root_of_the_determinant():
    points = 3 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    jacobian = vmap(jacrev(lambda p: contract(p)[0]))(points)
    torch.testing.assert_close(contract(points)[1], torch.linalg.det(jacobian).abs() ** (1 / 3))


def test_a_contracted_scene_lies_in_the_unit_cube():
    frame = Frame(torch.tensor([1.0, 2, 3]), 2.0, contracted=True)
    points = 100 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    unit, widths = frame.to_unit(torch.cat([frame.center[None], points]), torch.ones(201))
    assert unit[0].tolist() == [0.5] * 3 and widths[0] == 1 / frame.unit
    assert unit.min() >= 0 and unit.max() <= 1 and (widths[1:] < widths[0]).all()


def test_nothing_to_frame():
    with pytest.raises(BadInput):
        Frame(torch.zeros(3), 0.0)
