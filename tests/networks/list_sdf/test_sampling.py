import pytest
import torch
import torch.nn.functional as F

from recon_lib.networks.list_sdf.occupancy import grid_nodes
from recon_lib.networks.list_sdf.sampling import (
    MANY_CHANNELS,
    TAP,
    project,
    sample_grids,
    sample_picture,
    seven_taps,
    trilinear_rows,
)


def test_taps_are_the_point_and_its_neighbours_along_each_axis():
    taps = seven_taps(torch.zeros(1, 1, 3), 0.1)[0, 0]
    assert (
        taps.tolist()
        == torch.tensor(
            [[0, 0, 0], [-0.1, 0, 0], [0.1, 0, 0], [0, -0.1, 0], [0, 0.1, 0], [0, 0, -0.1], [0, 0, 0.1]]
        ).tolist()
    )


def test_linear_grids_are_read_exactly_channel_by_channel():
    """A grid that holds its own x, y, z answers each tap's coordinates."""
    grid = grid_nodes(9, 1.0).permute(3, 0, 1, 2)[None]
    points = torch.rand(1, 5, 3) * 1.6 - 0.8
    sampled = sample_grids([grid[:, :1], grid[:, 1:]], points)
    wanted = seven_taps(points.flip(-1), TAP).flip(-1)
    torch.testing.assert_close(sampled.reshape(1, 5, 3, 7).mT, wanted, atol=1e-5, rtol=0)


def test_beyond_a_face_its_value_holds():
    grid = grid_nodes(5, 1.0)[..., 0][None, None]
    assert sample_grids([grid], torch.tensor([[[7.0, 0, 0]]]))[0, 0, 0] == 1


def test_projection_divides_by_the_third():
    matrix = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 2]]])
    torch.testing.assert_close(project(torch.tensor([[[1.0, 2.0, 2.0]]]), matrix), torch.tensor([[[0.25, 0.5]]]))


def test_pictures_are_read_at_their_pixels_centres():
    picture = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    positions = torch.tensor([[[0.125, 0.5], [0.625, 0.1], [2.0, 0.5], [0.5, 0.5]]])
    torch.testing.assert_close(sample_picture(picture, positions)[0, :, 0], torch.tensor([0.0, 2.0, 3.0, 1.5]))


@pytest.mark.parametrize("sides", [(5, 4, 3), (2, 2, 2), (9, 9, 9)])
def test_rows_of_nodes_answer_what_grid_sample_does(sides):
    grid, positions = torch.randn(7, *sides), torch.rand(200, 3) * 2.6 - 1.3
    positions[0], positions[1] = 1.0, -1.0
    wanted = F.grid_sample(grid[None], positions[None, :, None, None], padding_mode="border", align_corners=True)
    torch.testing.assert_close(trilinear_rows(grid, positions), wanted[0, :, :, 0, 0].mT, atol=1e-5, rtol=1e-5)


def test_with_and_without_gradients_the_same():
    maps = [torch.randn(1, 3, 6, 6, 6), torch.randn(1, MANY_CHANNELS, 4, 4, 4)]
    points = torch.rand(1, 50, 3) * 2.2 - 1.1
    with torch.no_grad():
        quick = sample_grids(maps, points)
    torch.testing.assert_close(quick, sample_grids(maps, points), atol=1e-5, rtol=1e-5)
