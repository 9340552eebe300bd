"""Readings and their gradients against dense matrices."""

import torch

from recon_lib.fields.grid_reading import Reading, read_with_slopes

K, N, C = 40, 60, 5


def random_places():
    return torch.randint(0, K, (N, 8), dtype=torch.int32), torch.rand(N, 8)


def matrix(rows, weights):
    """[N,K] what a reading multiplies the table with; a row that is read twice counts twice."""
    return torch.zeros(N, K).index_put_((torch.arange(N)[:, None].expand(N, 8), rows.long()), weights, accumulate=True)


def test_a_reading_is_a_sparse_product():
    rows, weights = random_places()
    table = torch.randn(K, C, requires_grad=True)
    read = Reading.of(rows, weights, K)(table)
    assert torch.allclose(read, matrix(rows, weights) @ table, atol=1e-5)
    gradient = torch.randn(N, C)
    read.backward(gradient)
    assert torch.allclose(table.grad, matrix(rows, weights).T @ gradient, atol=1e-5)


def test_rows_that_nobody_reads_have_no_gradient():
    rows, weights = torch.full((N, 8), 7, dtype=torch.int32), torch.rand(N, 8)
    table = torch.randn(K, C, requires_grad=True)
    Reading.of(rows, weights, K)(table).sum().backward()
    others = torch.arange(K) != 7
    assert (table.grad[others] == 0).all()
    assert torch.allclose(table.grad[7], weights.sum().expand(C), rtol=1e-5)


def test_slopes_and_their_gradient():
    rows, weights = torch.randint(0, K, (N, 8), dtype=torch.int32), torch.randn(N, 4, 8)
    values = torch.randn(K, requires_grad=True)
    read = read_with_slopes(values, rows, weights)
    plain = (values[rows.long()][:, None] * weights).sum(-1)
    assert torch.allclose(read, plain, atol=1e-5)
    gradient = torch.randn(N, 4)
    expected = torch.autograd.grad(plain, values, gradient)[0]
    assert torch.allclose(torch.autograd.grad(read, values, gradient)[0], expected, atol=1e-5)
