import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.lpips import CONVOLUTIONS, SCALE, SHIFT, Lpips


def network():
    torch.manual_seed(0)
    made = Lpips().eval()
    for name, parameter in made.named_parameters():
        parameter.data = parameter.data.abs() if name.startswith("lin") else parameter.data
    return made


def test_parameters_carry_the_published_names():
    names = {f"features.{i}.{part}" for i in (0, 3, 6, 8, 10) for part in ("weight", "bias")}
    names |= {f"lin{k}.model.1.weight" for k in range(5)}
    state = Lpips().state_dict()
    assert set(state) == names
    assert state["features.0.weight"].shape == (64, 3, 11, 11)
    assert state["lin4.model.1.weight"].shape == (1, 256, 1, 1)


def test_equal_images_have_no_distance_and_order_does_not_matter():
    model, a, b = network(), torch.rand(2, 3, 64, 48), torch.rand(2, 3, 64, 48)
    with torch.no_grad():
        assert torch.equal(model(a, a), torch.zeros(2))
        forth, back = model(a, b), model(b, a)
    assert (forth > 0).all()
    assert torch.allclose(forth, back)


def test_the_first_layer_by_hand():
    """With only the first head alive, the distance is the paper's eq. 1 on relu(conv1)."""
    model, a, b = network(), torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 40)
    for k in range(1, 5):
        model.get_submodule(f"lin{k}.model.1").weight.data.zero_()
    convolution = torch.nn.Conv2d(*CONVOLUTIONS[0])
    convolution.load_state_dict(model.features["0"].state_dict())

    def unit(image):
        shift, scale = (torch.tensor(v).view(3, 1, 1) for v in (SHIFT, SCALE))
        x = convolution((2 * image - 1 - shift) / scale).relu()
        return x / x.square().sum(1, keepdim=True).sqrt().clamp_min(1e-12)

    weight = model.get_submodule("lin0.model.1").weight
    with torch.no_grad():
        expected = ((unit(a) - unit(b)).square() * weight).sum(1).mean((1, 2))
        assert torch.allclose(model(a, b), expected, rtol=1e-5)


def test_refuses_images_of_two_sizes():
    with pytest.raises(BadInput, match="b has shape"):
        network()(torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 48))
