"""Pixels as rays: what each knows, and views that cannot be fitted."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.provenance import Provenance
from recon_lib.stages.fitting.rays import PixelRays, check_views, pixel_trust, reduced
from recon_lib.stages.fitting.sdf_grid.settings import Trust
from tests.helpers.posed import around, posed, sphere

VIEWS = posed(sphere(), around(3, 24))


def rays(views=VIEWS, trust=Trust()) -> PixelRays:  # noqa: B008 - frozen
    return PixelRays.of(views, trust)


def test_every_pixel_is_a_ray_in_order():
    pixels = rays()
    assert len(pixels) == 3 * 24 * 24
    assert torch.equal(pixels.view, torch.arange(3).repeat_interleave(576))
    pixel = 576 + 24 * 5 + 7
    assert torch.equal(pixels.colors[pixel], VIEWS.images[1, :, 5, 7])
    assert pixels.mask[pixel] == VIEWS.masks[1, 0, 5, 7]
    assert torch.allclose(pixels.directions.norm(dim=-1), torch.ones(len(pixels)), atol=1e-6)


def test_depth_along_the_ray_leads_to_the_surface():
    pixels, depth = rays(), VIEWS.depth.flatten()
    hit = (depth > 0).nonzero().flatten()
    points = pixels.origins[hit] + (depth[hit] / pixels.cos_axis[hit])[:, None] * pixels.directions[hit]
    assert (points.norm(dim=-1) - 0.6).abs().max() < 0.01


def test_normals_are_turned_into_the_world():
    pixels, depth = rays(), VIEWS.depth.flatten()
    hit = (depth > 0).nonzero().flatten()
    points = pixels.origins[hit] + (depth[hit] / pixels.cos_axis[hit])[:, None] * pixels.directions[hit]
    cosine = (pixels.normals[hit] * points / points.norm(dim=-1, keepdim=True)).sum(-1)
    assert cosine.min() > 0.98


@pytest.mark.parametrize(("scale", "shift"), [(3.0, 0.0), (0.01, 7.0), (100.0, 2.0)])
def test_scale_and_shift_of_depth_are_gone(scale, shift):
    cue = torch.where(VIEWS.depth > 0, VIEWS.depth * scale + shift, 0.0)
    moved = rays(replace(VIEWS, depth=cue))
    assert torch.allclose(moved.depth, rays().depth, atol=1e-3)
    assert torch.equal(moved.depth_known, rays().depth_known)


def test_standard_depth_has_mean_0_and_mean_deviation_1_in_every_view():
    pixels = rays()
    for view in range(3):
        values = pixels.depth[(pixels.view == view) & (pixels.depth_known > 0)]
        assert values.mean().abs() < 1e-4
        assert values.abs().mean().item() == pytest.approx(1, abs=1e-4)
    assert (pixels.depth[pixels.depth_known == 0] == 0).all()


def test_the_background_of_the_object_is_the_nearest_one():
    """Over a background that is red on the left and green on the right, each half of the object sees its own."""
    left = (torch.arange(24) < 12).float().expand(1, 1, 24, 24)
    background = torch.cat([left, 1 - left, torch.zeros_like(left)], 1)
    images = VIEWS.images * VIEWS.masks + background * (1 - VIEWS.masks)
    behind = rays(replace(VIEWS, images=images)).background.view(3, 24, 24, 3)
    assert torch.equal(behind[:, 12, 6], torch.tensor([1.0, 0, 0]).expand(3, 3))
    assert torch.equal(behind[:, 12, 17], torch.tensor([0.0, 1, 0]).expand(3, 3))
    outside = VIEWS.masks[:, 0] == 0
    assert torch.equal(behind[outside], images.movedim(1, -1)[outside])


def test_pixels_count_by_where_they_come_from():
    codes = VIEWS.provenance.clone()
    codes[1][codes[1] > 0] = int(Provenance.OUTPAINTED)
    codes[2, 0, 12, 12] = int(Provenance.INFERRED)
    trust = pixel_trust(replace(VIEWS, provenance=codes), Trust(1.0, 0.5, 0.25))
    assert (trust[0] == 1).all()
    assert (trust[1] == 0.5).all(), "its background was painted too"
    assert trust[2, 12, 12] == 0.25 and trust[2, 11, 11] == 1
    assert trust[2, 0, 0] == 0.25, "a background counts as the worst of its view"
    assert (pixel_trust(replace(VIEWS, provenance=None), Trust(0.7)) == 0.7).all()


def test_large_views_are_reduced_with_their_cameras():
    small = reduced(VIEWS, 12)
    assert small.images.shape == (3, 3, 12, 12) and small.provenance.dtype == torch.uint8
    assert torch.allclose(small.images, torch.nn.functional.avg_pool2d(VIEWS.images, 2), atol=1e-5)
    corner = torch.tensor([[0.3, 0.2, -0.1]])
    assert torch.allclose(small.cameras.project(corner)[0] * 2, VIEWS.cameras.project(corner)[0], atol=1e-3)
    assert set(small.depth.unique().tolist()) <= set(VIEWS.depth.unique().tolist()), "depth is never averaged"
    assert reduced(VIEWS, 24) is VIEWS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": torch.zeros(3, 1, 24, 24)}, "mask of view 0 is empty"),
        ({"masks": torch.cat([VIEWS.masks[:2], torch.zeros(1, 1, 24, 24)])}, "mask of view 2 is empty"),
        ({"masks": torch.ones(3, 1, 24, 24)}, "cover the whole pictures"),
        ({"images": VIEWS.images * float("nan")}, "images of the views holds NaN"),
        ({"depth": VIEWS.depth / 0}, "depth of the views holds NaN"),
    ],
)
def test_views_that_cannot_be_fitted_are_reported(change, message):
    with pytest.raises(BadInput, match=message):
        check_views(replace(VIEWS, **change))


def test_no_view_is_reported():
    with pytest.raises(BadInput, match="no view"):
        check_views(VIEWS[:0])
