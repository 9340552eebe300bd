from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.g3dr.config import MINI, G3drConfig
from recon_lib.networks.g3dr.mini import G3drMini
from recon_lib.networks.g3dr.model import build


def test_it_is_small_enough_to_be_embedded():
    assert sum(p.numel() for p in build(MINI.to_dict()).parameters()) < 8e6


@pytest.mark.parametrize("config", [MINI, replace(MINI, third_plane=False, levels=1)])
def test_planes_are_half_the_pictures_size(config):
    network = G3drMini(config).eval()
    image, mask = torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
    with torch.no_grad():
        planes = network.planes(image, mask, torch.zeros_like(mask))
    assert planes.shape == (2, 3, MINI.channels, 32, 32) and planes.isfinite().all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": "huge"}, "no size"),
        ({"layers": 3}, "no setting layers"),
        ({"levels": 4}, "levels of a G3DR model"),
        ({"third_plane": 1}, "use true or false"),
        ({"image_size": 100}, "a multiple of 32"),
    ],
)
def test_cards_that_cannot_be_built(wrong, message):
    with pytest.raises(BadInput, match=message):
        G3drConfig.of(wrong)
