import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.list_sdf.base import ListBase
from recon_lib.networks.list_sdf.config import BASE, MINI, ListConfig
from recon_lib.networks.list_sdf.mini import ListMini
from recon_lib.networks.list_sdf.model import build


def test_there_and_back():
    for config in (MINI, BASE):
        assert ListConfig.of(config.to_dict()) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": 1}, "no setting colour; update the pack"),
        ({"size": "huge"}, "LIST has no size 'huge'; use mini or base"),
        ({"grid": 4}, "grid of a LIST model"),
        ({"points": "many"}, "points of a LIST model"),
        ({"half": float("nan")}, "half of a LIST model"),
        ({"coarse_branch": 1}, "coarse_branch of a LIST model is 1; use true or false"),
    ],
)
def test_what_no_model_can_be(values, message):
    with pytest.raises(BadInput, match=message):
        ListConfig.of(values)


def test_the_sizes_are_built():
    with torch.device("meta"):
        assert isinstance(build(MINI.to_dict()), ListMini)
        assert isinstance(build(BASE.to_dict()), ListBase)
