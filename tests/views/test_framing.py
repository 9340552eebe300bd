"""Whether a picture holds the whole object."""

import pytest
import torch

from recon_lib.views.framing import within_picture


@pytest.mark.parametrize("edge", [(0, 5), (-1, 5), (5, 0), (5, -1)])
def test_one_pixel_at_an_edge_is_enough(edge):
    masks = torch.zeros(2, 1, 12, 16)
    masks[:, 0, 4:8, 4:8] = 1
    masks[1, 0, edge[0], edge[1]] = 0.6
    assert within_picture(masks).tolist() == [True, False]
