import pytest

from recon_lib.errors import BadInput
from recon_lib.networks.view_diffusion.config import MINI, ViewDiffusionConfig


def test_a_card_gives_the_configuration_back():
    assert ViewDiffusionConfig.of(MINI.to_dict()) == MINI
    assert ViewDiffusionConfig.of({}) == MINI


def test_sizes_follow_from_each_other():
    assert (MINI.map_side, MINI.map_channels) == (32, 28)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"side": 0}, "side of a prior of views"),
        ({"colour": 3}, "has no setting colour"),
        ({"channels": [40]}, "no list of 2 to 8"),
        ({"channels": "wide"}, "no list of 2 to 8"),
        ({"channels": [40, 81]}, "multiples of 8"),
        ({"side": 72}, "its side is a multiple of 8 and 16"),
        ({"train_steps": 5}, "train_steps of a prior of views"),
        ({"heads": 1.5}, "heads of a prior of views"),
    ],
)
def test_what_cannot_be_built_is_told(values, message):
    with pytest.raises(BadInput, match=message):
        ViewDiffusionConfig.of(values)
