from dataclasses import dataclass

import pytest

from recon_lib.errors import BadInput
from recon_lib.networks.card_settings import from_card


@dataclass(frozen=True)
class Settings:
    side: int = 64
    channels: tuple[int, ...] = (8, 16)


def test_a_cards_lists_are_tuples_and_what_it_does_not_say_is_the_default():
    assert from_card(Settings, {"channels": [4, 8]}, "A toy") == Settings(64, (4, 8))


def test_what_the_network_does_not_have_is_named():
    with pytest.raises(BadInput, match="A toy has no setting colour, smell; update"):
        from_card(Settings, {"smell": 1, "side": 2, "colour": 3}, "A toy")
