"""Completed views, whatever was painted: seen pixels kept, the object within the hull, white around, no seam."""

from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput, OutOfMemory
from recon_lib.progress import Progress
from recon_lib.stages.outpainting import outpaint as stage
from recon_lib.stages.outpainting.mask import UNKNOWN, OutpaintMask
from recon_lib.stages.outpainting.outlines import OUTLINES, PAINTED, SURFACE
from recon_lib.stages.outpainting.outpaint import HULL_SHARE, painter_input, pick
from recon_lib.views.square_crop import SquareCrop
from tests.helpers.outpaint_masks import (
    CENTRE,
    DEPTH,
    HEIGHT,
    HULL,
    WIDTH,
    Stamp,
    colors,
    disc,
    disc_outpaint_mask,
    truth,
)

# most of what follows is about the painter's own outline
outpaint = partial(stage.outpaint, outline=PAINTED)
join_painted = partial(stage.join_painted, outline=PAINTED)
RED = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1)


class Knower(Stamp):
    """Paints the truth, as blurred as its small square makes it."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(()))

    def paint(self, inputs, *, prompt, seed, progress):
        crop = SquareCrop.around(disc_outpaint_mask().silhouettes[0, 0], HULL_SHARE)
        return crop.crop(truth(), self.side), crop.crop_coverage(disc().float(), self.side)


def on(mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """[N,3] pixels of a picture [1,3,H,W] on a mask [1,1,H,W]."""
    return image.movedim(1, -1)[mask[:, 0] > 0.5]


def check_promises(painted, outpaint_mask: OutpaintMask) -> None:
    """What holds whatever was painted."""
    assert painted.image.shape == (1, 3, HEIGHT, WIDTH) and painted.mask.shape == (1, 1, HEIGHT, WIDTH)
    assert painted.image.dtype == painted.mask.dtype == torch.float32
    assert torch.equal(on(outpaint_mask.seen, painted.image), on(outpaint_mask.seen, outpaint_mask.images)), (
        "seen pixels are bit-exact"
    )
    assert (painted.mask >= outpaint_mask.seen).all(), "all that was seen is object"
    assert (painted.mask <= outpaint_mask.silhouettes).all(), "no object outside the hull"
    assert (on(1 - painted.mask, painted.image) == 1).all(), "white around"
    assert painted.image.min() >= 0 and painted.image.max() <= 1
    assert torch.equal(painted.cameras.camera_to_world, outpaint_mask.cameras.camera_to_world)


@pytest.mark.parametrize("alpha", [None, 0.0, 0.4, 1.0, "noise"])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("outline", OUTLINES)
def test_whatever_is_painted_the_seen_stays_and_the_hull_holds(alpha, noisy, outline):
    torch.manual_seed(1)
    alpha = torch.rand(1, 1, 64, 64) if alpha == "noise" else alpha if alpha is None else torch.tensor(alpha)
    outpaint_mask = disc_outpaint_mask()
    painter = Stamp(torch.rand(1, 3, 64, 64) if noisy else RED, alpha)
    check_promises(outpaint(painter, outpaint_mask, outline=outline), outpaint_mask)


def test_a_painter_that_knows_the_truth_completes_the_disc():
    painted = outpaint(Knower(), disc_outpaint_mask())
    check_promises(painted, disc_outpaint_mask())
    wrong = (painted.mask > 0.5) != disc()
    assert wrong.sum() < 0.02 * disc().sum()
    inner = -F.max_pool2d(-disc().float(), 5, 1, 2)
    assert (on(inner, painted.image) - on(inner, truth())).abs().max() < 0.02


def test_no_white_shines_through_the_outline():
    """The painter's square is coarser than the picture and its outline blended with white; ours is not."""
    painted = outpaint(Knower(), disc_outpaint_mask())
    rim = painted.mask * disc() * F.max_pool2d(1 - disc().float(), 3, 1, 1) * disc_outpaint_mask().masks
    assert rim.sum() > 20
    assert (on(rim, painted.image) - on(rim, colors())).abs().mean() < 0.06


def test_the_painter_sees_a_crop_around_the_hull():
    painter = Stamp(RED, torch.ones(()))
    outpaint(painter, disc_outpaint_mask(), prompt="a red ball", seed=7)
    (inputs, prompt, seed), = painter.asked  # fmt: skip
    assert (prompt, seed) == ("a red ball", 7)
    assert inputs.images.shape == (1, 3, 64, 64)
    rows = (inputs.masks + inputs.seen)[0, 0].any(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == pytest.approx(HULL_SHARE * 64, abs=2.5)


def test_painter_input_tells_every_pixel_apart_and_keeps_its_values():
    outpaint_mask = disc_outpaint_mask()
    crop = SquareCrop(32, 8, 80)
    inputs = painter_input(outpaint_mask, crop, 40)  # two pixels in one
    assert set(inputs.masks.unique().tolist()) == set(inputs.seen.unique().tolist()) == {0.0, 1.0}
    assert not (inputs.masks * inputs.seen).any()
    assert (on(inputs.masks, inputs.images) == UNKNOWN).all()
    assert (on(1 - inputs.masks - inputs.seen, inputs.images) == 1).all()
    small = F.avg_pool2d(crop._cut(colors(), "replicate"), 2)
    assert torch.allclose(on(inputs.seen, inputs.images), on(inputs.seen, small), atol=0.02)
    assert torch.allclose(inputs.depth[inputs.depth > 0], torch.tensor(DEPTH), atol=1e-4)
    assert torch.allclose(inputs.normals.norm(dim=1), (inputs.depth[:, 0] > 0).float(), atol=1e-5)
    assert float(inputs.focal) == pytest.approx(float(outpaint_mask.cameras.intrinsics[0, 1, 1]) / 2)


def test_area_is_kept_in_painter_input():
    outpaint_mask = disc_outpaint_mask()
    crop = SquareCrop.around(outpaint_mask.silhouettes[0, 0], HULL_SHARE)
    inputs = painter_input(outpaint_mask, crop, 32)
    scale = (crop.side / 32) ** 2
    for layer in ("masks", "seen"):
        assert float(getattr(inputs, layer).sum()) * scale == pytest.approx(
            float(getattr(outpaint_mask, layer).sum()), rel=0.06
        )


def test_a_painters_tint_does_not_show_at_the_seam():
    """A painter shifts all colours by 0.2: at the seam the step vanishes, ten pixels away its colours stand."""
    shifted = (truth() + 0.2).clamp(0, 1)
    outpaint_mask = disc_outpaint_mask()
    painted = join_painted(outpaint_mask, shifted, outpaint_mask.silhouettes)
    at_seam = painted.image[0, :, 30:60, 64] - colors()[0, :, 30:60, 64]
    assert at_seam.abs().max() < 0.06
    beyond = painted.image[0, :, 40:50, 76] - shifted[0, :, 40:50, 76]
    assert beyond.abs().max() < 1e-6


def test_the_seam_is_blended_inside_the_mask_only_and_exact_pictures_do_not_change():
    outpaint_mask = disc_outpaint_mask()
    painted = join_painted(outpaint_mask, truth(), disc().float())
    assert torch.allclose(painted.image, truth(), atol=1e-6)
    assert torch.equal(painted.mask > 0.5, disc())


def test_nothing_to_paint_asks_no_painter():
    outpaint_mask = disc_outpaint_mask()
    outpaint_mask = replace(outpaint_mask, masks=torch.zeros_like(outpaint_mask.masks))
    painter = Stamp(RED)
    painted = outpaint(painter, outpaint_mask)
    assert not painter.asked and torch.equal(painted.mask, outpaint_mask.seen)
    check_promises(painted, outpaint_mask)


def test_a_mask_of_the_users_decides_what_is_painted():
    outpaint_mask = disc_outpaint_mask()
    mask = torch.zeros_like(outpaint_mask.masks)
    mask[..., 50:, :] = 1  # below y = 50, seen or not
    painted = outpaint(Stamp(RED, torch.ones(())), outpaint_mask, mask=mask)
    lower = (mask * outpaint_mask.silhouettes) > 0.5
    assert (painted.mask[lower] == 1).all()
    assert torch.allclose(painted.image[0, :, 70, 70], RED.flatten(), atol=0.02), "far below the seam: what was painted"
    seen = outpaint_mask.seen * (1 - mask)
    assert torch.equal(on(seen, painted.image), on(seen, outpaint_mask.images))
    unseen_above = outpaint_mask.masks * (1 - mask)
    assert not (painted.mask * unseen_above).any()


# -- the surface's outline ------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [0.0, 0.3, 1.0])
def test_the_surface_keeps_its_outline_whatever_the_painter_draws(drawn):
    painted = outpaint(Stamp(RED, torch.tensor(drawn)), disc_outpaint_mask(), outline=SURFACE)
    assert torch.equal(painted.mask > 0.5, disc())


def test_where_the_painter_left_background_its_nearest_colour_goes_on():
    """It draws the upper half red and nothing below; the surface goes on there."""
    alpha = torch.zeros(1, 1, 64, 64)
    alpha[..., :32, :] = 1
    painted = outpaint(Stamp(RED, alpha), disc_outpaint_mask(), outline=SURFACE)
    assert torch.equal(painted.mask > 0.5, disc())
    assert torch.allclose(painted.image[0, :, 60, 84], RED.flatten(), atol=0.02), "far below what was drawn"


def test_without_a_surface_it_is_the_painters():
    outpaint_mask = replace(disc_outpaint_mask(), depth=torch.zeros_like(disc_outpaint_mask().depth))
    for outline in OUTLINES:
        assert torch.equal(join_painted(outpaint_mask, truth(), outline=outline).mask > 0.5, disc())


def test_a_mask_of_a_picture_painted_elsewhere_is_believed():
    outpaint_mask, half = disc_outpaint_mask(), disc() & (torch.arange(WIDTH) < 80)
    assert torch.equal(stage.join_painted(outpaint_mask, truth(), half.float()).mask > 0.5, half)
    assert torch.equal(stage.join_painted(outpaint_mask, torch.where(half, colors(), 1.0)).mask > 0.5, disc())


# -- pictures painted elsewhere -------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("paper", [1.0, 0.93])
def test_the_object_is_found_on_its_background(noise, paper):
    torch.manual_seed(0)
    picture = torch.where(disc(), colors(), paper) + noise * torch.randn(1, 3, HEIGHT, WIDTH)
    painted = join_painted(disc_outpaint_mask(), picture.clamp(0, 1))
    check_promises(painted, disc_outpaint_mask())
    assert ((painted.mask > 0.5) != disc()).sum() < 0.02 * disc().sum()


def test_a_white_patch_within_the_object_stays_object():
    picture = truth()
    picture[..., 40:48, 74:82] = 1
    assert torch.equal(join_painted(disc_outpaint_mask(), picture).mask > 0.5, disc())


def test_an_object_that_fills_the_hull_fills_the_hull():
    outpaint_mask = disc_outpaint_mask()
    painted = join_painted(outpaint_mask, torch.where(outpaint_mask.silhouettes > 0.5, colors(), 1.0))
    assert torch.equal(painted.mask, torch.maximum(outpaint_mask.masks, outpaint_mask.seen))


def test_specks_are_no_object_and_pinholes_no_background():
    picture, outpaint_mask = truth(), disc_outpaint_mask()
    picture[..., 44, 99] = 0  # between the disc, which ends at 96, and the hull, which ends at 100
    mask = disc().float()
    mask[..., 44, 99], mask[..., 40, 80] = 1, 0
    for painted in (join_painted(outpaint_mask, picture), join_painted(outpaint_mask, picture, mask)):
        assert torch.equal(painted.mask > 0.5, disc())


def test_pictures_of_another_size_are_fitted():
    large = F.interpolate(truth(), scale_factor=3.0, mode="bilinear")
    painted = join_painted(disc_outpaint_mask(), large)
    check_promises(painted, disc_outpaint_mask())
    assert ((painted.mask > 0.5) != disc()).sum() < 0.03 * disc().sum()
    join_painted(disc_outpaint_mask(), F.interpolate(truth(), (HEIGHT * 2 + 2, WIDTH * 2)))  # samplers round sizes


def test_the_hull_may_fill_the_picture():
    outpaint_mask = disc_outpaint_mask()
    everywhere = torch.ones_like(outpaint_mask.masks)
    outpaint_mask = replace(outpaint_mask, silhouettes=everywhere, masks=everywhere - outpaint_mask.seen)
    assert torch.equal(join_painted(outpaint_mask, truth()).mask > 0.5, disc())


# -- what can be wrong ----------------------------------------------------------------------------------------


def test_one_camera_at_a_time():
    outpaint_mask = disc_outpaint_mask()
    two = OutpaintMask(
        type(outpaint_mask.cameras).cat([outpaint_mask.cameras, outpaint_mask.cameras]),
        *(
            torch.cat([getattr(outpaint_mask, n)] * 2)
            for n in ("masks", "seen", "silhouettes", "images", "depth", "normals")
        ),
    )
    for call in (lambda: outpaint(Stamp(RED), two), lambda: join_painted(two, truth())):
        with pytest.raises(BadInput, match="one by one"):
            call()
    one = pick(two, 1)
    assert len(one.cameras) == len(one.masks) == 1
    assert torch.equal(outpaint(Stamp(RED), one).image, outpaint(Stamp(RED), outpaint_mask).image)
    for index in (-1, 2):
        with pytest.raises(BadInput, match=f"no camera {index + 1} in this outpaint mask of 2"):
            pick(two, index)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (torch.rand(1, 3, 96, 96), None, "aspect ratio"),
        (torch.rand(2, 3, HEIGHT, WIDTH), None, "is needed"),
        (torch.full((1, 3, HEIGHT, WIDTH), float("nan")), None, "NaN"),
        (torch.rand(1, 3, HEIGHT, WIDTH), torch.ones(1, 1, 20, 80), "aspect ratio"),
    ],
)
def test_pictures_that_do_not_fit_are_reported(image, mask, message):
    with pytest.raises(BadInput, match=message):
        join_painted(disc_outpaint_mask(), image, mask)


def test_a_view_without_an_object_is_reported():
    outpaint_mask = disc_outpaint_mask()
    outpaint_mask = replace(outpaint_mask, seen=torch.zeros_like(outpaint_mask.seen), masks=outpaint_mask.silhouettes)
    with pytest.raises(BadInput, match="shows no object"):
        outpaint(Stamp(RED, torch.zeros(())), outpaint_mask)
    with pytest.raises(BadInput, match="shows no object"):
        join_painted(outpaint_mask, torch.ones(1, 3, HEIGHT, WIDTH))


@pytest.mark.parametrize(
    "call",
    [
        lambda **o: outpaint(Stamp(RED), disc_outpaint_mask(), **o),
        lambda **o: join_painted(disc_outpaint_mask(), truth(), **o),
    ],
)
def test_an_outline_that_is_none_is_reported(call):
    with pytest.raises(BadInput, match="no outline 'hull'; use surface or painted"):
        call(outline="hull")


def test_a_painter_that_fails_is_reported():
    with pytest.raises(BadInput, match="NaN"):
        outpaint(Stamp(RED * float("nan")), disc_outpaint_mask())
    with pytest.raises(BadInput, match="is needed"):
        outpaint(Stamp(RED), disc_outpaint_mask(), mask=torch.ones(1, 1, 5, 5))

    class Hungry(Stamp):
        def paint(self, *_, **__):
            raise MemoryError

    with pytest.raises(OutOfMemory, match="smaller square"):
        outpaint(Hungry(RED), disc_outpaint_mask())


def test_inputs_are_not_edited():
    outpaint_mask, image, mask = disc_outpaint_mask(), truth(), disc().float()
    join_painted(outpaint_mask, image, mask)
    outpaint(Stamp(RED, torch.ones(())), outpaint_mask, mask=mask, progress=Progress())
    assert torch.equal(image, truth()) and torch.equal(mask, disc().float())
    fresh = disc_outpaint_mask()
    for name in ("masks", "seen", "silhouettes", "images", "depth", "normals"):
        assert torch.equal(getattr(outpaint_mask, name), getattr(fresh, name))
    assert CENTRE[0] + HULL < WIDTH
