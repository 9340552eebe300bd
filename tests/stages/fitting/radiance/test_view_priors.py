"""ReconFusion's invariants: the number of steps, no gradient, guidance, the unconditional branch, little noise."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.contracts import ViewPrior
from recon_lib.networks.view_diffusion.model import ViewDiffusion
from recon_lib.stages.fitting.radiance.view_priors import (
    MOST_INPUTS,
    STEPS,
    DiffusionPrior,
    PixelNerfPrior,
    RepairPrior,
    conditions,
    nearest_views,
    prepared_inputs,
)
from tests.helpers.view_prior import SIDE, TINY, cameras_around, ellipsoid_views, tiny_model

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def asked(monkeypatch):
    """Noise levels at which the network was asked."""
    levels, denoise = [], ViewDiffusion.denoise

    def recorded(self, noisy, t, condition):
        levels.append(int(t[0]))
        return denoise(self, noisy, t, condition)

    monkeypatch.setattr(ViewDiffusion, "denoise", recorded)
    return levels


@pytest.mark.parametrize("kind", [RepairPrior, DiffusionPrior, PixelNerfPrior])
def test_all_honour_the_contract(model, views, kind):
    prior = kind(model)
    assert isinstance(prior, ViewPrior) and prior.size == SIDE
    picture = prior.sample(views.images[:2], views.cameras[:2], views[2:5], 0.5, dice())
    assert picture.shape == (2, 3, SIDE, SIDE) and picture.min() >= 0 and picture.max() <= 1


def test_the_pixelnerf_sees_the_inputs_alone(model, views):
    prior = PixelNerfPrior(model)
    first, second = (prior.sample(renders, views.cameras[:1], views[2:5], 0.5) for renders in views.images[:2, None])
    assert torch.equal(first, second)
    others = prior.sample(views.images[:1], views.cameras[:1], views[4:6], 0.5)
    assert not torch.equal(first, others)


@pytest.mark.parametrize("level", [1.0, 0.7, 0.31, 0.1, 0.02, 0.0])
def test_there_are_ten_steps_whatever_the_noise(model, views, asked, level):
    DiffusionPrior(model, guidance=1).sample(views.images[:1], views.cameras[:1], views[2:4], level, dice())
    assert len(asked) == STEPS and asked == sorted(set(asked), reverse=True) and asked[-1] < TINY.train_steps / 5
    assert abs(asked[0] + 1 - max(level, STEPS / TINY.train_steps) * TINY.train_steps) <= 5


@pytest.mark.parametrize("kind", [RepairPrior, DiffusionPrior, PixelNerfPrior])
def test_no_gradient_passes_through(model, views, kind):
    renders = views.images[:1].clone().requires_grad_(True)
    picture = kind(model).sample(renders, views.cameras[:1], views[2:4], 0.5, dice())
    assert not picture.requires_grad


@torch.no_grad()
def test_guidance_one_is_the_conditional_prediction(model, views, asked):
    condition = conditions(model, views.cameras[:1], views[2:4])
    noisy, t = torch.randn(1, 3, SIDE, SIDE), torch.tensor([60])
    own, free = model.denoise(noisy, t, condition), model.denoise(noisy, t, condition.nothing())
    asked.clear()
    guided = DiffusionPrior(model, guidance=1).denoised(noisy, t, condition)
    assert len(asked) == 1
    torch.testing.assert_close(guided, own.clamp(-1, 1))
    torch.testing.assert_close(DiffusionPrior(model, guidance=0).denoised(noisy, t, condition), free.clamp(-1, 1))
    expected = (free + 3 * (own - free)).clamp(-1, 1)
    torch.testing.assert_close(DiffusionPrior(model, guidance=3).denoised(noisy, t, condition), expected)


def test_with_little_noise_a_network_that_sees_comes_back_to_the_render(model, views, monkeypatch):
    """A network that takes what it is shown, less its noise, for clean, as a trained one does."""
    monkeypatch.setattr(ViewDiffusion, "denoise", lambda self, noisy, t, condition: noisy / self.power[t[0]].sqrt())
    prior, errors = DiffusionPrior(model, guidance=1), []
    for level in (0.9, 0.5, 0.1):
        picture = prior.sample(views.images[:1], views.cameras[:1], views[2:4], level, dice())
        errors.append(float((picture - views.images[:1]).abs().mean()))
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.07


def test_at_full_noise_the_render_does_not_count(model, views):
    prior = DiffusionPrior(model)
    answers = [prior.sample(views.images[i : i + 1], views.cameras[:1], views[2:4], 1.0, dice()) for i in (0, 5)]
    assert float((answers[0] - answers[1]).abs().max()) < 0.02


def test_the_seed_decides(model, views):
    prior = DiffusionPrior(model)
    a, b, other = (prior.sample(views.images[:1], views.cameras[:1], views[2:4], 1.0, dice(s)) for s in (1, 1, 2))
    assert torch.equal(a, b) and not torch.allclose(a, other, atol=1e-3)


def test_it_can_be_stopped(model, views):
    def stop():
        raise Interrupted

    for prior in (DiffusionPrior(model, check=stop), RepairPrior(model, stop)):
        with pytest.raises(Interrupted):
            prior.sample(views.images[:1], views.cameras[:1], views[2:4], 1.0, dice())


def test_one_step_of_distillation_is_a_guided_prediction(model, views):
    prior = DiffusionPrior(model, guidance=2)
    clean, power = prior.predict(views.images[:1], views.cameras[:1], views[2:4], 0.5, dice(3))
    t = round(0.5 * (TINY.train_steps - 1))
    assert power == pytest.approx(float(model.power[t])) and clean.shape == (1, 3, SIDE, SIDE)
    noise = torch.randn(1, 3, SIDE, SIDE, generator=dice(3))
    noisy = model.noised(views.images[:1] * 2 - 1, noise, torch.tensor([t]))
    condition = conditions(model, views.cameras[:1], views[2:4])
    torch.testing.assert_close(clean * 2 - 1, prior.denoised(noisy, torch.tensor([t]), condition))


def test_inputs_of_any_size_are_cropped_to_the_object(views):
    images, masks = (F.interpolate(x, (96, 96)) for x in (views.images, views.masks))
    prepared = prepared_inputs(type(views)(images, views.cameras.resized(96, 96), masks), SIDE, "cpu")
    assert prepared.images.shape[-2:] == (SIDE, SIDE)
    same = prepared_inputs(views, SIDE, "cpu")
    assert torch.equal(same.images, views.images)


def test_the_nearest_come_first_and_only_so_many(model, views):
    cameras = cameras_around(12)
    order = nearest_views(cameras, cameras[5], 12)
    cos = (cameras.position * cameras.position[5]).sum(-1)
    assert order[0] == 5 and (cos[order].diff() <= 1e-4).all()
    assert torch.equal(order[:3], nearest_views(cameras, cameras[5], 3))
    many = type(views).cat([views, views])
    assert conditions(model, views.cameras[:1], many).tokens.shape[1] == MOST_INPUTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"renders": torch.zeros(1, 3, 16, 16)}, "renders"),
        ({"renders": torch.full((1, 3, SIDE, SIDE), float("nan"))}, "NaN"),
        ({"cameras": cameras_around(1, 64)}, "64x64 px do not fit"),
        ({"noise_level": 1.5}, "noise level of 1.5"),
    ],
)
def test_bad_calls_are_told(model, views, change, message):
    call = {"renders": views.images[:1], "cameras": views.cameras[:1], "inputs": views[1:3], "noise_level": 0.5}
    call |= change
    for prior in (RepairPrior(model), DiffusionPrior(model)):
        with pytest.raises(BadInput, match=message):
            prior.sample(**call)
    with pytest.raises(BadInput, match="no input view"):
        RepairPrior(model).sample(views.images[:1], views.cameras[:1], views[:0], 0.5)
