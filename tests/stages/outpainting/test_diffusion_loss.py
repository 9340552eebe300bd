"""Diffusion loss: mirrored samples are true, noise levels have the right distribution, seen pixels are pinned."""

import pytest
import torch
from torch import nn
from torch.utils.data import default_collate

from recon_lib.networks.outpainter import known_picture, make_condition
from recon_lib.render.fill import continued
from recon_lib.stages.outpainting.diffusion_loss import (
    PURE_NOISE,
    DiffusionLoss,
    condition_and_target,
    mirrored,
    noise_levels,
    pixel_weights,
)
from recon_lib.stages.outpainting.simulated_masks import Errors
from recon_lib.training.outpainter.dataset import OutpaintSamples, make_samples
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Samples of a true ball and others, without errors."""
    folder = tmp_path_factory.mktemp("outpainter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Errors, "random", classmethod(lambda cls, rng: cls(whole=True)))
        make_samples(write_ellipsoid_orbits(folder / "orbits", 48), folder / "samples", count=3)
    data = OutpaintSamples(folder / "samples")
    return default_collate([data[i] for i in range(len(data))])


def steepness(batch):
    """Slopes of depth on seen pixels, and those expected from normals: z dx = -n_x / n_z times the footprint."""
    inner = batch["seen"].clone()
    inner[..., 1:-1] *= batch["seen"][..., 2:] * batch["seen"][..., :-2]
    inner[..., [0, -1]] = 0
    depth, normals = batch["depth"], batch["normals"]
    slope = torch.zeros_like(depth)
    slope[..., 1:-1] = (depth[..., 2:] - depth[..., :-2]) / 2
    footprint = depth / batch["focal"].view(-1, 1, 1, 1)
    expected = -normals[:, :1] / normals[:, 2:].clamp_max(-0.3) * footprint
    return slope[inner > 0], expected[inner > 0]


@pytest.mark.parametrize("turn", [lambda b: b, mirrored])
def test_depth_and_normals_agree_in_the_picture_and_in_its_mirror(batch, turn):
    slope, expected = steepness(turn(batch))
    assert len(slope) > 500
    assert torch.corrcoef(torch.stack([slope, expected]))[0, 1] > 0.8


def test_mirroring_twice_is_nothing_and_once_is_something(batch):
    once, twice = mirrored(batch), mirrored(mirrored(batch))
    assert all(torch.equal(twice[name], batch[name]) for name in batch)
    assert torch.equal(once["truth"], batch["truth"].flip(-1))
    assert torch.equal(once["normals"][:, 0], -batch["normals"][:, 0].flip(-1))
    assert torch.equal(once["normals"][:, 1:], batch["normals"][:, 1:].flip(-1))
    assert torch.equal(once["focal"], batch["focal"])


def test_the_truth_is_what_the_sampler_pins_and_else_the_view(batch):
    condition, clean = condition_and_target(batch)
    layers = (batch[name] for name in ("seen", "masks", "depth", "normals", "focal"))
    assert torch.equal(condition, make_condition(continued(batch["images"], batch["seen"] > 0.5), *layers))
    picture, certain = known_picture(condition)
    pinned = certain.expand(-1, 4, -1, -1)
    assert torch.equal(clean[pinned], picture[pinned])
    assert torch.equal(clean[~pinned], (batch["truth"] * 2 - 1)[~pinned])


def test_high_levels_come_more_often():
    t = noise_levels(20000, 960, torch.Generator().manual_seed(0))
    assert int(t.min()) >= 0 and int(t.max()) == 959
    assert abs(float((t == 959).float().mean()) - PURE_NOISE) < 0.01
    low = float((t < 480).float().mean())
    assert abs(low - 0.25 * (1 - PURE_NOISE)) < 0.01  # density in proportion to the level


def test_painted_pixels_weigh_most(batch):
    condition, _ = condition_and_target(batch)
    weight = pixel_weights(condition)
    paint, hull = condition[:, 3:4] > 0.5, condition[:, 4:5] > 0.5
    assert (weight[paint] == 1).all()
    assert weight[hull & ~paint].unique().tolist() == pytest.approx([0.1])
    assert weight[~hull].unique().tolist() == pytest.approx([0.02])


class Fixed(nn.Module):
    """Answers one picture, whatever is asked."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def noised(self, clean, noise, t):
        return noise

    def denoise(self, noisy, t, condition):
        return self.answer


def test_the_loss_is_zero_at_the_truth_and_tells_colour_from_alpha(batch):
    condition, clean = condition_and_target(batch)
    t, noise = torch.zeros(len(clean), dtype=torch.int64), torch.zeros_like(clean)
    assert all(value == 0 for value in DiffusionLoss(Fixed(clean))(condition, clean, noise, t).values())
    for channel, wrong in ((0, "color"), (3, "alpha")):
        answer = clean.clone()
        answer[:, channel] += 0.5
        terms = DiffusionLoss(Fixed(answer))(condition, clean, noise, t)
        assert {name for name, value in terms.items() if value > 0} == {wrong}
        assert float(terms[wrong]) == pytest.approx((0.5 + 2 * 0.25) / 3, rel=1e-4)
