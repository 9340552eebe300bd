import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.list_sdf.grid_encoder import GridEncoder


@pytest.mark.parametrize(("pool_first", "sides"), [(False, [16, 16, 8]), (True, [16, 8, 4])])
def test_maps_of_falling_size_probabilities_first(pool_first, sides):
    encoder = GridEncoder((1, 2, 2, 1, 4, 6), pool_first)
    features = encoder(torch.rand(2, 1, 16, 16, 16))
    assert [tuple(m.shape) for m in features.maps] == [(2, c, s, s, s) for c, s in zip((1, 4, 6), sides, strict=True)]
    torch.testing.assert_close(features.maps[0], features.logits.sigmoid())


def test_it_takes_grids_alone():
    with pytest.raises(BadInput):
        GridEncoder((1, 2, 2, 1, 4))(torch.rand(1, 2, 8, 8, 8))
