"""The embedded outpainter's promises; how well it paints is a matter of its weights."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib import networks
from recon_lib.errors import BadInput
from recon_lib.networks.outpainter import MINI, Outpainter, OutpainterConfig, known_picture, make_condition

TINY = OutpainterConfig(channels=(16, 16), groups=8, head_width=8)


def outpaint_mask(side: int = 32, focal: float = 50.0) -> dict:
    """A square of `side`/2 pixels: seen on its left, to be painted on its right; the surface leans away."""
    seen, masks = torch.zeros(2, 1, side, side), torch.zeros(2, 1, side, side)
    quarter = side // 4
    seen[..., quarter : 3 * quarter, quarter : 2 * quarter] = 1
    masks[..., quarter : 3 * quarter, 2 * quarter : 3 * quarter] = 1
    images, normals = torch.rand(2, 3, side, side), torch.randn(2, 3, side, side)
    depth = 3 + torch.linspace(-0.2, 0.2, side).expand(2, 1, side, side)
    return {
        "images": images, "seen": seen, "masks": masks, "depth": depth, "normals": normals,
        "focal": torch.full((2,), focal),
    }  # fmt: skip


def tiny(**changes) -> Outpainter:
    torch.manual_seed(0)
    return Outpainter(OutpainterConfig(**{**TINY.to_dict(), **changes, "channels": TINY.channels})).eval()


# -- conditions ----------------------------------------------------------------------------------------------


def test_condition_channels():
    layers = outpaint_mask()
    condition, seen = make_condition(**layers), outpaint_mask()["seen"] > 0.5
    assert condition.shape == (2, 9, 32, 32) and condition.dtype == torch.float32
    assert torch.equal(condition[:, 3:4], layers["masks"])
    assert torch.equal(condition[:, 4:5] - condition[:, 3:4], layers["seen"])
    silhouette = condition[:, 4:5] > 0
    assert torch.allclose(condition[:, :3], (layers["images"] * 2 - 1) * silhouette)
    assert torch.allclose(condition[:, 6:].norm(dim=1)[seen[:, 0]], torch.ones(()))
    for channel in (5, 6, 7, 8):
        assert not condition[:, channel][~seen[:, 0]].any(), "no surface where nobody saw one"


def test_relief_is_relative_to_the_silhouettes_size_in_the_world():
    """16 px wide at depth d and focal length 50: the silhouette is d * 16 / 50 wide in the world."""
    layers = outpaint_mask()
    seen = layers["seen"] > 0.5
    depth = layers["depth"][seen].view(2, -1)
    relief = make_condition(**layers)[:, 5:6][seen].view(2, -1)
    mean = depth.mean(1, keepdim=True)
    assert torch.allclose(relief, (depth - mean) / (mean * 16 / 50), atol=1e-5)


def test_relief_does_not_depend_on_units_nor_on_pixels():
    once, scaled = outpaint_mask(), outpaint_mask()
    scaled["depth"] = scaled["depth"] * 7
    assert torch.allclose(make_condition(**once)[:, 5], make_condition(**scaled)[:, 5], atol=1e-5)
    fine = {key: layer * 2 if key == "focal" else F.interpolate(layer, scale_factor=2.0) for key, layer in once.items()}
    coarse = F.interpolate(make_condition(**once)[:, 5:6], scale_factor=2.0)
    assert torch.allclose(coarse, make_condition(**fine)[:, 5:6], atol=1e-5)


def test_a_tall_silhouette_is_measured_by_its_height():
    layers = outpaint_mask()
    turned = {key: layer if key == "focal" else layer.transpose(-1, -2) for key, layer in layers.items()}
    assert torch.allclose(make_condition(**turned)[:, 5].transpose(-1, -2), make_condition(**layers)[:, 5], atol=1e-6)


def test_nothing_seen_tells_nothing_but_shapes():
    layers = outpaint_mask()
    layers["masks"], layers["seen"] = layers["masks"] + layers["seen"], torch.zeros(2, 1, 32, 32)
    condition = make_condition(**layers)
    assert torch.isfinite(condition).all() and not condition[:, [5, 6, 7, 8]].any()


@pytest.mark.parametrize("name", ["images", "seen", "masks", "depth", "normals", "focal"])
def test_condition_refuses_layers_that_do_not_fit(name):
    layers = outpaint_mask()
    layers[name] = layers[name][..., :-1]
    with pytest.raises(BadInput, match="is needed"):
        make_condition(**layers)


def test_what_is_known_before_painting():
    layers = outpaint_mask()
    picture, certain = known_picture(make_condition(**layers))
    seen, paint = layers["seen"] > 0.5, layers["masks"] > 0.5
    assert torch.equal(certain, ~paint)
    assert torch.allclose(picture[:, :3] * seen, (layers["images"] * 2 - 1) * seen)
    assert (picture[:, 3:][seen] == 1).all() and (picture[:, 3:][~seen] == -1).all()
    assert (picture[:, :3].permute(0, 2, 3, 1)[~(seen | paint)[:, 0]] == 1).all(), "the background is white"


# -- painting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 5, 7])
def test_what_is_known_comes_back_exactly(steps):
    condition = make_condition(**outpaint_mask())
    painted = tiny().sample(condition, torch.Generator().manual_seed(1), steps)
    picture, certain = known_picture(condition)
    assert torch.equal(torch.where(certain, painted, 0.0), torch.where(certain, picture, 0.0))
    assert painted.shape == (2, 4, 32, 32) and painted.abs().max() <= 1 and torch.isfinite(painted).all()


def test_a_painting_is_decided_by_its_seed():
    condition, network = make_condition(**outpaint_mask()), tiny()
    first, again, other = (network.sample(condition, torch.Generator().manual_seed(seed), 3) for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_perfect_network_paints_the_truth():
    """The sampler takes the clean picture that `denoise` gives it wherever something is to be painted."""
    condition, network = make_condition(**outpaint_mask()), tiny()
    truth = torch.rand(2, 4, 32, 32) * 2 - 1
    network.denoise = lambda noisy, t, condition: truth
    painted = network.sample(condition, torch.Generator().manual_seed(0), 6)
    paint = condition[:, 3:4] > 0.5
    assert torch.equal(painted * paint, truth * paint)


def test_known_pixels_lie_at_their_noise_level_in_every_step():
    """What the network is shown of known pixels is the known picture with one and the same noise."""
    condition, network, shown = make_condition(**outpaint_mask()), tiny(), []
    network.denoise = lambda noisy, t, condition: shown.append((noisy, t)) or torch.zeros_like(noisy)
    network.sample(condition, torch.Generator().manual_seed(3), 8)
    picture, certain = known_picture(condition)
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(3))
    for noisy, t in shown:
        expected = network.noised(picture, noise, t)
        assert torch.allclose(torch.where(certain, noisy, 0.0), torch.where(certain, expected, 0.0), atol=2e-3)


@pytest.mark.parametrize("prediction", ["sample", "v_prediction"])
def test_both_predictions_mean_the_clean_picture(prediction):
    network, t = tiny(prediction=prediction), torch.tensor([100, 700])
    clean, noise = torch.rand(2, 4, 32, 32) * 2 - 1, torch.randn(2, 4, 32, 32)
    noisy = network.noised(clean, noise, t)
    power = network.scheduler().alphas_cumprod[t].view(-1, 1, 1, 1)
    wanted = clean if prediction == "sample" else power.sqrt() * noise - (1 - power).sqrt() * clean
    network.unet.forward = lambda folded, t, return_dict: (F.pixel_unshuffle(wanted, 2),)
    assert torch.allclose(network.denoise(noisy, t, make_condition(**outpaint_mask())), clean, atol=1e-4)


def test_noise_levels_run_from_the_picture_to_pure_noise():
    network = tiny()
    clean, noise = torch.ones(1, 4, 16, 16), torch.full((1, 4, 16, 16), -1.0)
    assert torch.allclose(network.noised(clean, noise, torch.tensor([0])), clean, atol=0.02)
    assert torch.allclose(network.noised(clean, noise, torch.tensor([MINI.train_steps - 1])), noise, atol=0.02)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 64), (16, 32)])
def test_any_multiple_of_sixteen_works_and_gradients_reach_all_weights(height, width):
    network = Outpainter()
    noisy, condition = torch.randn(2, 4, height, width), torch.randn(2, 9, height, width)
    clean = network.denoise(noisy, torch.tensor([3, 500]), condition)
    assert clean.shape == noisy.shape
    clean.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_other_sides_are_refused():
    with pytest.raises(BadInput, match="multiples of 16"):
        Outpainter().denoise(torch.zeros(1, 4, 40, 64), torch.tensor([1]), torch.zeros(1, 9, 40, 64))
    with pytest.raises(BadInput, match="is needed"):
        tiny().denoise(torch.zeros(1, 4, 32, 32), torch.tensor([1]), torch.zeros(1, 9, 16, 16))


@pytest.mark.parametrize("steps", [0, 961])
def test_impossible_steps_are_refused(steps):
    with pytest.raises(BadInput, match="1 to 960"):
        tiny().sample(make_condition(**outpaint_mask()), steps=steps)


def test_painting_can_be_stopped():
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tiny().sample(make_condition(**outpaint_mask()), steps=2, check=stop)


# -- settings -------------------------------------------------------------------------------------------------


def test_the_embedded_size_is_small():
    assert 4e6 < sum(p.numel() for p in Outpainter().parameters()) < 8e6


def test_a_card_builds_the_same_network():
    network = networks.build("outpainter", MINI.to_dict())
    assert network.config == MINI and MINI.stride == 16


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        ({"colour": 1}, "no setting colour"),
        ({"prediction": "epsilon"}, "sample or v_prediction"),
        ({"schedule": "cosine"}, "no schedule 'cosine'; use linear or"),
        ({"channels": [30, 64]}, "multiples of 16"),
        ({"channels": [32]}, "2 or more"),
    ],
)
def test_bad_settings_are_told(values, condition):
    with pytest.raises(BadInput, match=condition):
        OutpainterConfig.of(values)


@pytest.mark.parametrize(
    "change",
    [
        {"side": 10**9}, {"side": None}, {"side": "64"}, {"fold": 0}, {"layers": 10**6}, {"steps": -1}, {"groups": 0},
        {"channels": None}, {"channels": 32}, {"channels": [16] * 100}, {"channels": [16, 10**9]},
        {"channels": [16, "16"]}, {"own_color": float("nan")}, {"own_color": 2}, {"own_color": True},
        {"head_width": 0.5}, {"prediction": ["sample"]},
    ],
)  # fmt: skip
def test_cards_of_no_outpainter(change):
    with pytest.raises(BadInput) as caught:
        OutpainterConfig.of(change)
    assert len(str(caught.value)) < 250
