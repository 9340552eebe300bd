"""Low-rank changes: what they do to a layer's answer, and that peft, which trains them, means the same."""

import pytest
import torch
from torch import nn

from recon_lib.errors import BadInput
from recon_lib.networks.low_rank import with_low_rank


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 5, 3, padding=1), nn.Linear(5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).movedim(1, -1))


@pytest.fixture
def network() -> Two:
    torch.manual_seed(0)
    return Two()


def factors() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "first.lora_A.weight": torch.randn(2, 3, 3, 3), "first.lora_B.weight": torch.randn(5, 2, 1, 1),
        "second.lora_A.weight": torch.randn(2, 5), "second.lora_B.weight": torch.randn(4, 2),
    }  # fmt: skip


def test_a_change_is_one_small_layer_after_another(network):
    """The definition of LoRA: W x + B A x."""
    x, given = torch.randn(2, 3, 6, 6), factors()
    a, b = (given[f"first.lora_{half}.weight"] for half in "AB")
    c, d = (given[f"second.lora_{half}.weight"] for half in "AB")
    between = network.first(x) + nn.functional.conv2d(nn.functional.conv2d(x, a, padding=1), b)
    between = between.movedim(1, -1)
    expected = network.second(between) + between @ c.T @ d.T
    torch.testing.assert_close(with_low_rank(network, given)(x), expected, rtol=1e-4, atol=1e-4)


def test_the_network_that_is_given_stays_as_it_was(network):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.inference_mode():
        changed = with_low_rank(network, factors())
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items())
    assert not torch.equal(changed.first.weight, network.first.weight)
    assert torch.equal(changed.first.bias, network.first.bias)
    assert not changed.first.weight.is_inference(), "it could never be trained"


def test_peft_means_the_same(network):
    from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model

    x, trained = torch.randn(2, 3, 6, 6), Two()
    trained.load_state_dict(network.state_dict())
    inject_adapter_in_model(LoraConfig(r=2, lora_alpha=2, target_modules=["first", "second"]), trained, "x")
    for name, weight in trained.named_parameters():
        if "lora_" in name:
            nn.init.normal_(weight)
    given = get_peft_model_state_dict(trained, adapter_name="x")
    torch.testing.assert_close(with_low_rank(network, given)(x), trained(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"third.lora_A.weight": torch.ones(2, 5), "third.lora_B.weight": torch.ones(4, 2)}, "layers"),
        ({"second.lora_A.weight": None}, "layers"),
        ({"second.alpha": torch.ones(())}, "layers"),
        ({"second.lora_A.weight": torch.ones(2, 6)}, "another shape"),
        ({"second.lora_B.weight": torch.ones(4, 3)}, "another shape"),
        ({"first.lora_B.weight": torch.ones(5, 2)}, "another shape"),
    ],
)
def test_other_networks_factors_are_refused(network, change, told):
    given = {key: value for key, value in {**factors(), **change}.items() if value is not None}
    if told is None:
        with_low_rank(network, given)
        given, told = {}, "layers"
    with pytest.raises(BadInput, match=told):
        with_low_rank(network, given)
