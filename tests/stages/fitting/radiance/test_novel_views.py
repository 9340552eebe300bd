"""The sample loss with priors that tests know everything about."""

import pytest
import torch
from torch import nn

from recon_lib.errors import BadInput
from recon_lib.stages.fitting.radiance import novel_views
from recon_lib.stages.fitting.radiance.novel_views import NovelViews, NovelViewSettings
from tests.stages.fitting.radiance.test_novel_cameras import ball_views, ring

SIDE, TOTAL = 32, 100
GREY = 0.25


class Distance(nn.Module):
    """A perceptual distance in closed form."""

    def forward(self, a, b):
        return (a - b).square().mean((1, 2, 3))


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.setattr(novel_views, "load_perceptual", Distance)


class Painter:
    """A prior that answers grey, and remembers what it was asked."""

    size = SIDE

    def __init__(self):
        self.calls = []

    def sample(self, renders, cameras, inputs, noise_level, generator=None):
        assert not renders.requires_grad
        self.calls.append((cameras, len(inputs), noise_level, float(torch.rand((), generator=generator))))
        return torch.full_like(renders, GREY)


class Distiller(Painter):
    def predict(self, renders, cameras, inputs, noise_level, generator):
        self.calls.append((cameras, len(inputs), noise_level, 0.0))
        return torch.full_like(renders, GREY), 0.5


@pytest.fixture
def level():
    return torch.tensor(0.75, requires_grad=True)


def renderer(level):
    return lambda cameras: level.expand(len(cameras), 3, cameras.height, cameras.width)


def make(prior=None, seed=0, count=4, **settings):
    return NovelViews(prior or Painter(), ball_views(ring(count)), NovelViewSettings(**settings), seed)


def test_it_is_the_difference_from_the_sample_and_pulls_toward_it(level):
    loss = make().loss(renderer(level), 0, TOTAL)
    assert float(loss) == pytest.approx((0.5 + 0.25) / 4)
    loss.backward()
    assert float(level.grad) == pytest.approx((1 + 2 * 0.5) / 4)


def test_without_the_perceptual_part(level):
    assert float(make(perceptual=0).loss(renderer(level), 0, TOTAL)) == pytest.approx(0.5 / 4)


@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_weight_falls_with_the_steps_and_with_the_views(level, count):
    novel = make(count=count, weights=(1.0, 0.2), keep=1)
    losses = [float(novel.loss(renderer(level), step, TOTAL)) for step in (0, 50, 100)]
    assert losses == pytest.approx([0.75 / count, 0.6 * 0.75 / count, 0.2 * 0.75 / count])


def test_the_prior_goes_by_the_nearest_inputs(level):
    prior = Painter()
    make(prior, count=6).loss(renderer(level), 0, TOTAL)
    assert prior.calls[0][1] == 3 and prior.calls[0][0].height == SIDE


def test_noise_is_annealed(level):
    prior = Painter()
    novel = make(prior, keep=1, most_noise=0.9)
    for step in range(TOTAL):
        novel.loss(renderer(level), step, TOTAL)
    noise = torch.tensor([call[2] for call in prior.calls])
    least = (1 - torch.arange(TOTAL) / TOTAL).clamp_max(0.9)
    assert (noise >= least - 1e-6).all() and (noise <= 0.9 + 1e-6).all()
    assert noise[80:].min() < 0.35 and noise[:10].min() >= 0.9 - 1e-6


def test_samples_are_kept_for_some_steps(level):
    prior, cameras = Painter(), []
    novel = make(prior, keep=3)
    for step in range(9):
        novel.loss(lambda c: cameras.append(c) or renderer(level)(c), step, TOTAL)
    assert len(prior.calls) == 3
    poses = [c.camera_to_world for c in cameras]
    assert torch.equal(poses[0], poses[2]) and not torch.equal(poses[2], poses[3])


def test_seed_and_step_decide(level):
    logs = []
    for seed, begin in ((1, 0), (1, 0), (2, 0), (1, 6)):
        prior = Painter()
        novel = make(prior, seed=seed, keep=3)
        for step in range(begin, 9):
            novel.loss(renderer(level), step, TOTAL)
        logs.append([(call[0].position.tolist(), *call[1:]) for call in prior.calls])
    assert logs[0] == logs[1] != logs[2] and logs[3] == logs[0][2:]


def test_it_goes_on_from_a_state(level):
    prior = Painter()
    novel = make(prior, keep=4)
    novel.loss(renderer(level), 0, TOTAL)
    state = novel.state()
    other = make(Painter(), keep=4)
    other.load_state(state)
    assert float(other.loss(renderer(level), 2, TOTAL)) == float(novel.loss(renderer(level), 2, TOTAL))
    assert not other.prior.calls and torch.equal(other.state()["picture"], state["picture"])
    other.load_state({})
    assert other.state() == {}


def test_the_gradient_of_score_distillation(level):
    prior = Distiller()
    make(prior, sds=True).loss(renderer(level), 0, TOTAL).backward()
    pixels = 3 * SIDE * SIDE
    wanted = 0.5 * 2 * (0.75 - GREY) / 4 * 2  # sigma alpha (x - clean) per pixel of -1..1, means of 0-1
    assert float(level.grad) == pytest.approx(wanted, rel=1e-4) and pixels
    assert 0.02 <= prior.calls[0][2] <= 0.98


def test_bad_settings_are_told():
    with pytest.raises(BadInput, match="needs a diffusion prior"):
        make(Painter(), sds=True)
    with pytest.raises(BadInput, match="no path"):
        make(path="spiral")
    with pytest.raises(BadInput, match="no input view"):
        NovelViews(Painter(), ball_views(ring())[:0])
