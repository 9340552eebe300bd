"""What any painter's answer becomes: seen pixels kept, the object within the hull, white around, no seam."""

from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput, OutOfMemory
from recon_lib.progress import Progress
from recon_lib.stages import outpaint as stage
from recon_lib.stages.outlines import OUTLINES, PAINTED, SURFACE
from recon_lib.stages.outpaint import SHARE, look, pick
from recon_lib.stages.outpaint_mask import UNKNOWN, OutpaintMask
from recon_lib.stages.window import Window
from tests.gaps import CENTRE, DEPTH, HEIGHT, HULL, WIDTH, Stamp, colors, disc, disc_gap, truth

# most of what follows is about the painter's own outline
outpaint = partial(stage.outpaint, outline=PAINTED)
join_painted = partial(stage.join_painted, outline=PAINTED)
RED = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1)


class Knower(Stamp):
    """Paints the truth, as blurred as its small square makes it."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(()))

    def paint(self, glimpse, *, prompt, seed, progress):
        window = Window.around(disc_gap().silhouettes[0, 0], SHARE)
        return window.look(truth(), self.side), window.look_covered(disc().float(), self.side)


def on(mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """[N,3] pixels of a picture [1,3,H,W] on a mask [1,1,H,W]."""
    return image.movedim(1, -1)[mask[:, 0] > 0.5]


def check_promises(painted, gap: OutpaintMask) -> None:
    """What holds whatever was painted."""
    assert painted.image.shape == (1, 3, HEIGHT, WIDTH) and painted.mask.shape == (1, 1, HEIGHT, WIDTH)
    assert painted.image.dtype == painted.mask.dtype == torch.float32
    assert torch.equal(on(gap.seen, painted.image), on(gap.seen, gap.images)), "seen pixels are bit-exact"
    assert (painted.mask >= gap.seen).all(), "all that was seen is object"
    assert (painted.mask <= gap.silhouettes).all(), "no object outside the hull"
    assert (on(1 - painted.mask, painted.image) == 1).all(), "white around"
    assert painted.image.min() >= 0 and painted.image.max() <= 1
    assert torch.equal(painted.cameras.camera_to_world, gap.cameras.camera_to_world)


@pytest.mark.parametrize("alpha", [None, 0.0, 0.4, 1.0, "noise"])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("outline", OUTLINES)
def test_whatever_is_painted_the_seen_stays_and_the_hull_holds(alpha, noisy, outline):
    torch.manual_seed(1)
    alpha = torch.rand(1, 1, 64, 64) if alpha == "noise" else alpha if alpha is None else torch.tensor(alpha)
    gap = disc_gap()
    painter = Stamp(torch.rand(1, 3, 64, 64) if noisy else RED, alpha)
    check_promises(outpaint(painter, gap, outline=outline), gap)


def test_a_painter_that_knows_the_truth_completes_the_disc():
    painted = outpaint(Knower(), disc_gap())
    check_promises(painted, disc_gap())
    wrong = (painted.mask > 0.5) != disc()
    assert wrong.sum() < 0.02 * disc().sum()
    inner = -F.max_pool2d(-disc().float(), 5, 1, 2)
    assert (on(inner, painted.image) - on(inner, truth())).abs().max() < 0.02


def test_no_white_shines_through_the_outline():
    """The painter's square is coarser than the picture and its outline blended with white; ours is not."""
    painted = outpaint(Knower(), disc_gap())
    rim = painted.mask * disc() * F.max_pool2d(1 - disc().float(), 3, 1, 1) * disc_gap().masks
    assert rim.sum() > 20
    assert (on(rim, painted.image) - on(rim, colors())).abs().mean() < 0.06


def test_the_painter_sees_the_window_around_the_hull():
    painter = Stamp(RED, torch.ones(()))
    outpaint(painter, disc_gap(), prompt="a red ball", seed=7)
    (glimpse, prompt, seed), = painter.asked  # fmt: skip
    assert (prompt, seed) == ("a red ball", 7)
    assert glimpse.images.shape == (1, 3, 64, 64)
    rows = (glimpse.masks + glimpse.seen)[0, 0].any(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == pytest.approx(SHARE * 64, abs=2.5)


def test_a_glimpse_tells_every_pixel_apart_and_keeps_its_values():
    gap = disc_gap()
    window = Window(32, 8, 80)
    glimpse = look(gap, window, 40)  # two pixels in one
    assert set(glimpse.masks.unique().tolist()) == set(glimpse.seen.unique().tolist()) == {0.0, 1.0}
    assert not (glimpse.masks * glimpse.seen).any()
    assert (on(glimpse.masks, glimpse.images) == UNKNOWN).all()
    assert (on(1 - glimpse.masks - glimpse.seen, glimpse.images) == 1).all()
    small = F.avg_pool2d(window._cut(colors(), "replicate"), 2)
    assert torch.allclose(on(glimpse.seen, glimpse.images), on(glimpse.seen, small), atol=0.02)
    assert torch.allclose(glimpse.depth[glimpse.depth > 0], torch.tensor(DEPTH), atol=1e-4)
    assert torch.allclose(glimpse.normals.norm(dim=1), (glimpse.depth[:, 0] > 0).float(), atol=1e-5)
    assert float(glimpse.focal) == pytest.approx(float(gap.cameras.intrinsics[0, 1, 1]) / 2)


def test_area_is_kept_in_a_glimpse():
    gap = disc_gap()
    window = Window.around(gap.silhouettes[0, 0], SHARE)
    glimpse = look(gap, window, 32)
    scale = (window.side / 32) ** 2
    for layer in ("masks", "seen"):
        assert float(getattr(glimpse, layer).sum()) * scale == pytest.approx(float(getattr(gap, layer).sum()), rel=0.06)


def test_a_painters_tint_does_not_show_at_the_seam():
    """A painter shifts all colours by 0.2: at the seam the step vanishes, ten pixels away its colours stand."""
    shifted = (truth() + 0.2).clamp(0, 1)
    gap = disc_gap()
    painted = join_painted(gap, shifted, gap.silhouettes)
    at_seam = painted.image[0, :, 30:60, 64] - colors()[0, :, 30:60, 64]
    assert at_seam.abs().max() < 0.06
    beyond = painted.image[0, :, 40:50, 76] - shifted[0, :, 40:50, 76]
    assert beyond.abs().max() < 1e-6


def test_the_seam_is_evened_inside_the_mask_only_and_exact_answers_are_left_alone():
    gap = disc_gap()
    painted = join_painted(gap, truth(), disc().float())
    assert torch.allclose(painted.image, truth(), atol=1e-6)
    assert torch.equal(painted.mask > 0.5, disc())


def test_nothing_to_paint_asks_no_painter():
    gap = disc_gap()
    gap = replace(gap, masks=torch.zeros_like(gap.masks))
    painter = Stamp(RED)
    painted = outpaint(painter, gap)
    assert not painter.asked and torch.equal(painted.mask, gap.seen)
    check_promises(painted, gap)


def test_a_mask_of_the_users_decides_what_is_painted():
    gap = disc_gap()
    mask = torch.zeros_like(gap.masks)
    mask[..., 50:, :] = 1  # below y = 50, seen or not
    painted = outpaint(Stamp(RED, torch.ones(())), gap, mask=mask)
    lower = (mask * gap.silhouettes) > 0.5
    assert (painted.mask[lower] == 1).all()
    assert torch.allclose(painted.image[0, :, 70, 70], RED.flatten(), atol=0.02), "far below the seam: what was painted"
    kept = gap.seen * (1 - mask)
    assert torch.equal(on(kept, painted.image), on(kept, gap.images))
    unseen_above = gap.masks * (1 - mask)
    assert not (painted.mask * unseen_above).any()


# -- the surface's outline ------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [0.0, 0.3, 1.0])
def test_the_surface_keeps_its_outline_whatever_the_painter_draws(drawn):
    painted = outpaint(Stamp(RED, torch.tensor(drawn)), disc_gap(), outline=SURFACE)
    assert torch.equal(painted.mask > 0.5, disc())


def test_where_the_painter_left_background_its_nearest_colour_goes_on():
    """It draws the upper half red and nothing below; the surface goes on there."""
    alpha = torch.zeros(1, 1, 64, 64)
    alpha[..., :32, :] = 1
    painted = outpaint(Stamp(RED, alpha), disc_gap(), outline=SURFACE)
    assert torch.equal(painted.mask > 0.5, disc())
    assert torch.allclose(painted.image[0, :, 60, 84], RED.flatten(), atol=0.02), "far below what was drawn"


def test_without_a_surface_it_is_the_painters():
    gap = replace(disc_gap(), depth=torch.zeros_like(disc_gap().depth))
    for outline in OUTLINES:
        assert torch.equal(join_painted(gap, truth(), outline=outline).mask > 0.5, disc())


def test_a_mask_of_a_picture_painted_elsewhere_is_believed():
    gap, half = disc_gap(), disc() & (torch.arange(WIDTH) < 80)
    assert torch.equal(stage.join_painted(gap, truth(), half.float()).mask > 0.5, half)
    assert torch.equal(stage.join_painted(gap, torch.where(half, colors(), 1.0)).mask > 0.5, disc())


# -- pictures painted elsewhere -------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("paper", [1.0, 0.93])
def test_the_object_is_found_on_its_background(noise, paper):
    torch.manual_seed(0)
    picture = torch.where(disc(), colors(), paper) + noise * torch.randn(1, 3, HEIGHT, WIDTH)
    painted = join_painted(disc_gap(), picture.clamp(0, 1))
    check_promises(painted, disc_gap())
    assert ((painted.mask > 0.5) != disc()).sum() < 0.02 * disc().sum()


def test_a_white_patch_within_the_object_stays_object():
    picture = truth()
    picture[..., 40:48, 74:82] = 1
    assert torch.equal(join_painted(disc_gap(), picture).mask > 0.5, disc())


def test_an_object_that_fills_the_hull_fills_the_hull():
    gap = disc_gap()
    painted = join_painted(gap, torch.where(gap.silhouettes > 0.5, colors(), 1.0))
    assert torch.equal(painted.mask, torch.maximum(gap.masks, gap.seen))


def test_specks_are_no_object_and_pinholes_no_background():
    picture, found = truth(), disc_gap()
    picture[..., 44, 99] = 0  # between the disc, which ends at 96, and the hull, which ends at 100
    mask = disc().float()
    mask[..., 44, 99], mask[..., 40, 80] = 1, 0
    for painted in (join_painted(found, picture), join_painted(found, picture, mask)):
        assert torch.equal(painted.mask > 0.5, disc())


def test_pictures_of_another_size_are_fitted():
    large = F.interpolate(truth(), scale_factor=3.0, mode="bilinear")
    painted = join_painted(disc_gap(), large)
    check_promises(painted, disc_gap())
    assert ((painted.mask > 0.5) != disc()).sum() < 0.03 * disc().sum()
    join_painted(disc_gap(), F.interpolate(truth(), (HEIGHT * 2 + 2, WIDTH * 2)))  # samplers round sizes


def test_the_hull_may_fill_the_picture():
    gap = disc_gap()
    everywhere = torch.ones_like(gap.masks)
    gap = replace(gap, silhouettes=everywhere, masks=everywhere - gap.seen)
    assert torch.equal(join_painted(gap, truth()).mask > 0.5, disc())


# -- what can be wrong ----------------------------------------------------------------------------------------


def test_one_camera_at_a_time():
    gap = disc_gap()
    two = OutpaintMask(
        type(gap.cameras).cat([gap.cameras, gap.cameras]),
        *(torch.cat([getattr(gap, n)] * 2) for n in ("masks", "seen", "silhouettes", "images", "depth", "normals")),
    )
    for call in (lambda: outpaint(Stamp(RED), two), lambda: join_painted(two, truth())):
        with pytest.raises(BadInput, match="one after the other"):
            call()
    one = pick(two, 1)
    assert len(one.cameras) == len(one.masks) == 1
    assert torch.equal(outpaint(Stamp(RED), one).image, outpaint(Stamp(RED), gap).image)
    for index in (-1, 2):
        with pytest.raises(BadInput, match=f"no camera {index + 1} in this gap of 2"):
            pick(two, index)


@pytest.mark.parametrize(
    ("image", "mask", "told"),
    [
        (torch.rand(1, 3, 96, 96), None, "proportions"),
        (torch.rand(2, 3, HEIGHT, WIDTH), None, "is needed"),
        (torch.full((1, 3, HEIGHT, WIDTH), float("nan")), None, "NaN"),
        (torch.rand(1, 3, HEIGHT, WIDTH), torch.ones(1, 1, 20, 80), "proportions"),
    ],
)
def test_pictures_that_do_not_fit_are_told(image, mask, told):
    with pytest.raises(BadInput, match=told):
        join_painted(disc_gap(), image, mask)


def test_a_view_without_an_object_is_told():
    gap = disc_gap()
    gap = replace(gap, seen=torch.zeros_like(gap.seen), masks=gap.silhouettes)
    with pytest.raises(BadInput, match="shows no object"):
        outpaint(Stamp(RED, torch.zeros(())), gap)
    with pytest.raises(BadInput, match="shows no object"):
        join_painted(gap, torch.ones(1, 3, HEIGHT, WIDTH))


@pytest.mark.parametrize(
    "call", [lambda **o: outpaint(Stamp(RED), disc_gap(), **o), lambda **o: join_painted(disc_gap(), truth(), **o)]
)
def test_an_outline_that_is_none_is_told(call):
    with pytest.raises(BadInput, match="no outline 'hull'; use surface or painted"):
        call(outline="hull")


def test_a_painter_that_fails_is_told():
    with pytest.raises(BadInput, match="NaN"):
        outpaint(Stamp(RED * float("nan")), disc_gap())
    with pytest.raises(BadInput, match="is needed"):
        outpaint(Stamp(RED), disc_gap(), mask=torch.ones(1, 1, 5, 5))

    class Hungry(Stamp):
        def paint(self, *_, **__):
            raise MemoryError

    with pytest.raises(OutOfMemory, match="smaller square"):
        outpaint(Hungry(RED), disc_gap())


def test_inputs_are_not_edited():
    gap, image, mask = disc_gap(), truth(), disc().float()
    join_painted(gap, image, mask)
    outpaint(Stamp(RED, torch.ones(())), gap, mask=mask, progress=Progress())
    assert torch.equal(image, truth()) and torch.equal(mask, disc().float())
    fresh = disc_gap()
    for name in ("masks", "seen", "silhouettes", "images", "depth", "normals"):
        assert torch.equal(getattr(gap, name), getattr(fresh, name))
    assert CENTRE[0] + HULL < WIDTH
