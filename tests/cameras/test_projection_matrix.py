import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from recon_lib.cameras.projection_matrix import decompose_projection
from recon_lib.errors import BadInput


@given(st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3))
def test_matrices_come_apart_whatever_their_factor(seed, factor):
    assume(abs(factor) > 1e-3)
    generator = torch.Generator().manual_seed(seed)
    intrinsics = torch.tensor([[500.0, 0, 300], [0, 520, 200], [0, 0, 1]], dtype=torch.float64)
    intrinsics[:2] += 50 * torch.rand(2, 3, generator=generator) * torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    rotation = torch.from_numpy(Rotation.random(rng=seed).as_matrix())
    position = 10 * torch.randn(3, 1, generator=generator, dtype=torch.float64)
    matrix = factor * intrinsics @ rotation.T @ torch.cat([torch.eye(3, dtype=torch.float64), -position], 1)
    found, pose = decompose_projection(matrix, "P")
    torch.testing.assert_close(found, intrinsics, atol=1e-6, rtol=1e-9)
    torch.testing.assert_close(pose[:3, :3], rotation, atol=1e-9, rtol=0)
    torch.testing.assert_close(pose[:3, 3:], position, atol=1e-8, rtol=1e-9)
    assert torch.linalg.det(pose[:3, :3]) == pytest.approx(1)


@pytest.mark.parametrize("factor", [1e-250, -1e250])
def test_any_factor_that_a_number_can_be(factor):
    matrix = torch.tensor([[40.0, 0, 24, 3], [0, 40, 16, 2], [0, 0, 1, 5]], dtype=torch.float64)
    for found, plain in zip(*(decompose_projection(m, "P") for m in (factor * matrix, matrix)), strict=True):
        torch.testing.assert_close(found, plain, atol=1e-9, rtol=1e-9)


EYE = torch.eye(3, 4, dtype=torch.float64)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (torch.zeros(3, 4), "no projection of a camera"),
        (torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]), "no projection of a camera"),
        (EYE * torch.nan, "no 3x4 matrix"),
        (torch.eye(3), "no 3x4 matrix"),
        (EYE + torch.tensor([[0, 0.1, 0, 0], [0] * 4, [0] * 4]), "skew of 0.1"),
    ],
)
def test_refused(matrix, sentence):
    with pytest.raises(BadInput, match=sentence):
        decompose_projection(matrix, "P")


def test_four_rows_are_read():
    assert torch.equal(decompose_projection(torch.eye(4), "P")[0], torch.eye(3, dtype=torch.float64))
