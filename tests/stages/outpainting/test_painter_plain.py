"""The painter without a model."""

import torch

from recon_lib.stages.outpainting.outpaint import PainterInput
from recon_lib.stages.outpainting.painter_plain import PlainPainter

SIDE = 16


def inputs(seen_columns: int) -> PainterInput:
    """Stripes of red, then blue on the left were seen; the surface ends at column 12, the hull at column 14."""
    columns = torch.arange(SIDE).expand(SIDE, SIDE)[None, None]
    seen = (columns < seen_columns).float()
    images = torch.full((1, 3, SIDE, SIDE), 0.5)
    images = torch.where(columns < 4, torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1), images)
    images = torch.where((columns >= 4) & (columns < seen_columns), torch.tensor([0.0, 0, 1]).view(1, 3, 1, 1), images)
    paint = ((columns >= seen_columns) & (columns < 14)).float()
    depth = (columns < 12).float() * 3
    return PainterInput(images, paint, seen, depth, torch.zeros(1, 3, SIDE, SIDE), torch.tensor([20.0]))


def test_the_nearest_seen_colour_goes_on_to_the_surface_s_outline():
    image, alpha = PlainPainter(SIDE).paint(inputs(8))
    assert torch.equal(alpha[0, 0], (torch.arange(SIDE) < 12).float().expand(SIDE, SIDE))
    assert (image[0, :, :, :4] == torch.tensor([1.0, 0, 0])[:, None, None]).all()
    assert (image[0, :, :, 4:12] == torch.tensor([0.0, 0, 1])[:, None, None]).all()
    assert (image[0, :, :, 12:] == 1).all()


def test_nothing_seen():
    image, alpha = PlainPainter(SIDE).paint(inputs(0))
    assert torch.equal(alpha[0, 0], (torch.arange(SIDE) < 12).float().expand(SIDE, SIDE))
    assert (image[0, :, :, :12] == 0.5).all()


def test_a_rim_of_the_background_is_not_continued():
    """The last seen column shows the wall behind the object, and so does an island further on."""
    painter_inputs = inputs(8)
    painter_inputs.images[..., 7] = painter_inputs.images[:, :, 8, 11] = 1
    painter_inputs.seen[..., 8, 11], painter_inputs.masks[..., 8, 11] = 1, 0
    image, _ = PlainPainter(SIDE).paint(painter_inputs)
    assert (image[0, :, :, 8:11] == torch.tensor([0.0, 0, 1])[:, None, None]).all()


def test_where_a_rim_is_all_there_is_it_counts():
    image, _ = PlainPainter(SIDE).paint(inputs(1))
    assert (image[0, :, :, :12] == torch.tensor([1.0, 0, 0])[:, None, None]).all()
