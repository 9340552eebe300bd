import torch

from recon_lib.networks.list_sdf.occupancy import grid_nodes, nearest_nodes, splatted


def test_nodes_reach_from_end_to_end_indexed_x_y_z():
    nodes = grid_nodes(3, 0.5)
    assert nodes[0, 1, 2].tolist() == [-0.5, 0.0, 0.5]


def test_the_nearest_node_is_marked():
    points = torch.tensor([[[0.0, 0.24, -0.5], [9.0, 0.26, -0.5], [0.01, 0.2, -0.49]]])
    grid = nearest_nodes(points, 5, 0.5)
    assert grid.shape == (1, 1, 5, 5, 5) and grid.sum() == 2
    assert grid[0, 0, 2, 3, 0] == 1 and grid[0, 0, 4, 3, 0] == 1


def test_a_nodes_own_position_marks_it():
    nodes = grid_nodes(4, 0.7).reshape(1, -1, 3)
    assert (nearest_nodes(nodes, 4, 0.7) == 1).all()
    torch.testing.assert_close(splatted(nodes, 4, 0.7), torch.ones(1, 1, 4, 4, 4), atol=1e-2, rtol=0)


class TestSplatted:
    def test_a_points_weight_is_one_and_its_mean_the_point(self):
        point = torch.tensor([[[0.12, -0.31, 0.2]]])
        grid = splatted(point, 9, 0.5)
        weights = grid.reshape(-1, 1)
        torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
        torch.testing.assert_close((weights * grid_nodes(9, 0.5).reshape(-1, 3)).sum(0), point[0, 0])

    def test_no_node_has_more_than_one(self):
        grid = splatted(torch.zeros(1, 50, 3), 5, 0.5)
        assert grid.max() == 1

    def test_gradients_reach_the_points(self):
        points = torch.tensor([[[0.1, 0.1, 0.1]]], requires_grad=True)
        splatted(points, 5, 0.5)[0, 0, 3].sum().backward()
        torch.testing.assert_close(points.grad[0, 0], torch.tensor([4.0, 0, 0]), atol=1e-4, rtol=0)
