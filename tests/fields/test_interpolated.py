import pytest
import torch

from recon_lib.fields.interpolated import InterpolatedValues

LOWER, STEP, CELLS = torch.tensor([-1.0, -2, 0]), torch.tensor([0.5, 0.25, 1.0]), torch.tensor([4, 16, 3])


def linear(points):
    return points @ torch.tensor([1.0, -2, 3]) + 0.5


def points(count=500):
    return LOWER + torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) * STEP * CELLS


def interpolated(function, asked=None):
    def counted(nodes):
        if asked is not None:
            asked.append(nodes)
        return function(nodes)

    return InterpolatedValues(counted, LOWER, STEP, CELLS)


def test_what_is_linear_is_exact():
    torch.testing.assert_close(interpolated(linear)(points()), linear(points()), atol=1e-4, rtol=0)


def test_products_of_coordinates_are_exact_too():
    def trilinear(p):
        return p.prod(-1)

    torch.testing.assert_close(interpolated(trilinear)(points()), trilinear(points()), atol=1e-4, rtol=0)


def test_nodes_have_their_own_value_and_ask_for_no_other():
    asked = []
    values = interpolated(lambda p: p.square().sum(-1), asked)
    nodes = LOWER + torch.tensor([[0, 0, 0], [1, 5, 2], [4, 16, 3]]) * STEP
    torch.testing.assert_close(values(nodes), nodes.square().sum(-1))
    assert values.asked == 3 and len(torch.cat(asked)) == 3


def test_no_node_is_asked_twice():
    asked = []
    values = interpolated(linear, asked)
    first = values(points())
    before = values.asked
    torch.testing.assert_close(values(points()), first)
    every = torch.cat(asked)
    assert values.asked == before == len(every) == len(every.unique(dim=0))
    assert before <= int((CELLS + 1).prod())


def test_beyond_the_lattice_the_last_value_holds():
    far = LOWER + torch.tensor([[-9.0, 3, 1], [2, 99, 1]])
    near = LOWER + torch.tensor([[0.0, 3, 1], [2, 4, 1]])
    torch.testing.assert_close(interpolated(linear)(far), linear(near))


def test_what_is_not_a_number_stays_so():
    broken = interpolated(lambda p: torch.full((len(p),), torch.nan))
    assert broken(points(5)).isnan().all()


@pytest.mark.parametrize("count", [0, 1])
def test_few_points(count):
    assert interpolated(linear)(points(count)).shape == (count,)
