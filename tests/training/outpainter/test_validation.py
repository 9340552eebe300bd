"""Figures of painting against fills that are known exactly."""

import math

import pytest
import torch
from torch import nn

from recon_lib.networks.outpainter import known_picture
from recon_lib.stages.outpainting.diffusion_loss import condition_and_target
from recon_lib.training.outpainter import validation as outpainter_validation
from recon_lib.training.outpainter.dataset import SAMPLE_SIDE_PX, OutpaintSamples, make_samples
from recon_lib.training.outpainter.validation import _batches, grey_fill, nearest_fill, validate
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validation")
    make_samples(write_ellipsoid_orbits(folder / "orbits"), folder / "samples", count=3)
    return folder / "samples"


@pytest.fixture(scope="module")
def batch(samples):
    (batch,) = _batches(OutpaintSamples(samples), 99)
    return batch


class Painter(nn.Module):
    """Paints the whole hull in one colour, or returns the truth if it has it."""

    def __init__(self, color=0.0, truth=None):
        super().__init__()
        self.color, self.truth = nn.Parameter(torch.tensor(color)), truth

    def sample(self, condition, generator, steps, check):
        check()
        if self.truth is not None:
            return self.truth
        picture, certain = known_picture(condition)
        return torch.where(certain, picture, torch.cat([self.color.expand(3), torch.ones(1)]).view(1, 4, 1, 1))


def test_grey_is_grey(samples):
    figures, _ = validate(Painter(0.0), samples)
    for kind in ("psnr", "object_psnr", "iou"):
        assert figures[f"model_{kind}"] == pytest.approx(figures[f"grey_{kind}"], abs=0.06)


def test_the_truth_is_best(samples, batch):
    figures, _ = validate(Painter(truth=condition_and_target(batch)[1]), samples)
    assert figures["model_iou"] == 1 and figures["model_psnr"] == 100
    assert 5 < figures["grey_psnr"] < figures["nearest_psnr"] + 10 < 50
    assert figures["grey_iou"] == figures["nearest_iou"] < 1


def test_a_figure_by_hand(samples, batch):
    figures, _ = validate(Painter(1.0), samples)
    paint = batch["masks"] > 0.5
    squared = (batch["truth"][:, :3] - 1).square().mean(1, keepdim=True)[paint].mean()
    assert figures["model_psnr"] == pytest.approx(-10 * math.log10(float(squared)), abs=0.01)


def test_fills_keep_what_was_seen(batch):
    _, clean = condition_and_target(batch)
    seen = (batch["seen"] > 0.5).expand(-1, 3, -1, -1)
    for picture in (grey_fill(batch), nearest_fill(batch)):
        torch.testing.assert_close(picture[:, :3][seen], clean[:, :3][seen])
        assert (picture[:, 3:] > 0).equal((batch["seen"] + batch["masks"]) > 0.5)
    colors = nearest_fill(batch)[0, :3]
    known = {tuple(c) for c in colors[:, seen[0, 0]].T.tolist()}
    assert {tuple(c) for c in colors[:, batch["masks"][0, 0] > 0.5].T.tolist()} <= known


def test_nothing_seen_is_filled_with_grey(batch):
    blind = {name: value[:1].clone() for name, value in batch.items()}
    blind["seen"][:] = 0
    picture = nearest_fill(blind)
    assert (picture[:, :3].movedim(1, -1)[blind["masks"][:, 0] > 0.5] == 0).all()


def test_the_sheet_shows_rows_of_samples(samples, monkeypatch):
    monkeypatch.setattr(outpainter_validation, "ROWS", 4)
    _, sheet = validate(Painter(), samples, count=6)
    assert sheet.shape == (3, 4 * SAMPLE_SIDE_PX, 7 * SAMPLE_SIDE_PX) and sheet.min() >= 0 and sheet.max() <= 1


def test_samples_are_spread_over_all(samples):
    data = OutpaintSamples(samples)
    (few,) = _batches(data, 2)
    for row, sample in enumerate((data[0], data[len(data) - 1])):
        assert torch.equal(few["truth"][row], sample["truth"])
