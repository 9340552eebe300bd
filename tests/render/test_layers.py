"""Putting pixels together."""

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.render.layers import Rendering, background_color, composite


def test_composite_averages_samples_over_the_background():
    colors = torch.zeros(1, 2, 4, 3)
    colors[..., 0] = 1.0
    covered = torch.zeros(1, 2, 4, dtype=torch.bool)
    covered[0, 0, 0] = covered[0, :, 2:] = True
    image, mask = composite(colors, covered, torch.tensor([0.0, 0.0, 1.0]), 2)
    assert mask.flatten().tolist() == [0.25, 1.0]
    assert image[0, :, 0, 0].tolist() == [0.25, 0.0, 0.75] and image[0, :, 0, 1].tolist() == [1.0, 0.0, 0.0]


def test_uncovered_samples_do_not_show():
    colors = torch.full((1, 2, 2, 3), 0.9)
    image, mask = composite(colors, torch.zeros(1, 2, 2, dtype=torch.bool), torch.zeros(3), 2)
    assert image.sum() == 0 and mask.sum() == 0


def test_joining_and_views():
    one = Rendering(torch.rand(1, 3, 4, 6), torch.ones(1, 1, 4, 6), torch.ones(1, 1, 4, 6), torch.zeros(1, 3, 4, 6))
    two = Rendering.cat([one, one])
    assert len(two) == 2 and torch.equal(two.images[1], one.images[0])
    views = two.as_views(Cameras.orbit([0.0, 9.0], height=4, width=6))
    assert torch.equal(views.depth, two.depth) and len(views) == 2


@pytest.mark.parametrize("background", [(1.0, 1.0), (2.0, 0.0, 0.0), (float("nan"), 0.0, 0.0)])
def test_bad_background(background):
    with pytest.raises(BadInput, match="colour"):
        background_color(background, torch.device("cpu"))
