import torch

from recon_lib.networks.radiance.table import read_table, spread_to_table


def some(points=40, count=30, channels=3):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(count, (points, 8), generator=generator).int()
    return rows, torch.rand(points, 8, generator=generator), torch.randn(count, channels, generator=generator)


def test_values_are_weighted_sums():
    rows, weights, table = some()
    expected = (table[rows.long()] * weights[..., None]).sum(1)
    torch.testing.assert_close(read_table(table, rows, weights), expected)


def test_gradient_is_that_of_the_sums():
    rows, weights, table = some()
    ours, plain = (table.clone().requires_grad_() for _ in range(2))
    factor = torch.randn(len(rows), 3, generator=torch.Generator().manual_seed(1))
    (read_table(ours, rows, weights) * factor).sum().backward()
    ((plain[rows.long()] * weights[..., None]).sum(1) * factor).sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)


def test_rows_that_nobody_reads_get_zero():
    spread = spread_to_table(torch.ones(1, 2), torch.zeros(1, 8).int(), torch.full((1, 8), 0.125), 3)
    assert spread.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_values_that_are_not_contiguous():
    rows, weights, _ = some()
    values = torch.randn(3, len(rows)).T
    torch.testing.assert_close(
        spread_to_table(values, rows, weights, 30), spread_to_table(values.contiguous(), rows, weights, 30)
    )
