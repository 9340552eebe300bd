from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.render.frames import render_radiance
from recon_lib.render.rays import render_image
from recon_lib.stages.fitting.radiance.fit import RadianceRun, fit_radiance
from recon_lib.stages.fitting.radiance.novel_views import NovelViewSettings
from recon_lib.stages.fitting.radiance.settings import RadianceSettings, RadianceWeights
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.views.views import Views
from tests.helpers.posed import around, box, posed, sphere, surface_error

SMALL = RadianceSettings(levels=(12, 24), steps=40, rays=384, table=9000, rate=0.1)


@pytest.fixture(scope="module")
def views():
    return posed(sphere(), around(6, 24))


@pytest.fixture(scope="module")
def fit(views):
    return fit_radiance(views, settings=SMALL)


@pytest.fixture(scope="module")
def short(views):
    return fit_radiance(views, settings=replace(SMALL, steps=3))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.module.parameters(), b.module.parameters(), strict=True))


def psnr(field, run_views):
    from recon_lib.render.occupied import OccupiedSampler

    shown = render_image(field, OccupiedSampler.of(field, 64), run_views.cameras)
    return float(-10 * (shown - run_views.images).square().mean().log10())


def test_the_fit_looks_like_views_that_it_never_saw(fit):
    held_out = posed(sphere(), around(2, 24, 61.0))
    assert psnr(fit.field, held_out) > 24
    assert fit.steps == 40 and fit.resumed == 0 and not any(p.requires_grad for p in fit.field.module.parameters())


def test_the_surface_is_the_spheres(fit):
    assert surface_error(fit.field, sphere()) < 0.08  # a pixel is 0.09 wide


def test_three_views_leave_no_rim_between_them():
    """A start that is too large by a part of a spacing stays so where no view looks along the surface (IoU 0.90)."""
    around_it, between = (Cameras.orbit([a, a + 120, a + 240], 25.0, 3.0, 40.0, 32, 32) for a in (25.0, 85.0))
    settings = RadianceSettings(levels=(12, 24, 32), steps=40, rays=1024)
    field = fit_radiance(posed(sphere(), around_it), settings=settings).field
    shown, truth = render_radiance(field, between).masks, posed(sphere(), between).masks
    assert float(torch.minimum(shown, truth).sum() / torch.maximum(shown, truth).sum()) > 0.93


def test_the_same_seed_gives_the_same_field(views, short):
    again, other = (fit_radiance(views, settings=replace(SMALL, steps=3), seed=seed).field for seed in (0, 1))
    assert same(again, short.field) and not same(other, short.field)


def test_global_random_state_is_left_alone(views):
    before = torch.random.get_rng_state()
    fit_radiance(views, settings=replace(SMALL, steps=1))
    assert torch.equal(before, torch.random.get_rng_state())


class GreyPrior:
    """A prior to which every view is a grey picture."""

    size = 16

    def sample(self, renders, cameras, inputs, noise_level, generator=None):
        return torch.full_like(renders, 0.5)


class StopAt(Progress):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def check(self):
        if self.done >= self.steps:
            raise Interrupted("stop")


def test_a_fit_that_was_cut_off_goes_on_with_the_same_result(views, tmp_path, monkeypatch):
    monkeypatch.setattr("recon_lib.stages.fitting.checkpoint.Checkpoint.__init__.__defaults__", (0.0,))
    guided = {"prior_every": 3, "novel_views": NovelViewSettings(perceptual=0.0)}
    settings, path = replace(SMALL, steps=12, exposure=True, refresh=5, **guided), tmp_path / "fit.pt"
    whole = fit_radiance(views, settings=settings, prior=GreyPrior())
    with pytest.raises(Interrupted):
        fit_radiance(views, settings=settings, prior=GreyPrior(), checkpoint=path, progress=StopAt(8))
    resumed = fit_radiance(views, settings=settings, prior=GreyPrior(), checkpoint=path)
    assert resumed.resumed == 9 and same(resumed.field, whole.field)


def test_a_state_of_another_shape_changes_nothing(views):
    run = RadianceRun(views, None, None, None, SMALL, None, 0, Progress())
    other = RadianceRun(views, None, None, None, replace(SMALL, levels=(8, 16)), None, 0, Progress())
    for each in (run, other):
        each.advance()
    before = [p.detach().clone() for p in run.fitted.parameters]
    with pytest.raises(ValueError, match="shape"):
        run.load_state(other.state())
    assert all(torch.equal(a, b) for a, b in zip(before, run.fitted.parameters, strict=True))


def test_nothing_lies_outside_a_given_hull(views):
    hull = sphere(0.45)  # smaller than what the views show
    field = fit_radiance(views, hull=hull, settings=replace(SMALL, steps=10)).field
    points = torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert (field.inside(0.6 * points) < 0).all() and field.inside(torch.zeros(1, 3)).item() > 0


def test_a_fit_goes_on_from_an_earlier_one(views, fit):
    further = fit_radiance(views, start=fit.field, settings=replace(SMALL, steps=2, rate=1e-4, decoder_rate=1e-5))
    assert further.field.frame is fit.field.frame
    assert abs(psnr(further.field, views) - psnr(fit.field, views)) < 1
    assert not same(further.field, fit.field)


def test_a_shape_to_begin_with(views):
    field = fit_radiance(views, start=box(), settings=replace(SMALL, steps=1, hull_start=False)).field
    assert field.inside(torch.zeros(1, 3)).item() > 0


SWITCHES = {
    "no hull": {"hull_start": False},
    "one background": {"random_background": False},
    "frequencies": {"opening": 0.9},
    "occlusion": {"weights": RadianceWeights(occlusion=0.01)},
    "ranking": {"weights": RadianceWeights(ranking=0.1)},
    "gradient scaling": {"gradient_scaling": True},
    "exposure": {"exposure": True},
    "no directions": {"directions": False},
    "multisampling": {"multisamples": 6},
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_changes_the_fit_and_keeps_it_sound(views, short, switch):
    switched = fit_radiance(views, settings=replace(SMALL, steps=3, **SWITCHES[switch]))
    assert switched.loss != short.loss and switched.loss < 0.5


def test_levels_open_coarse_first(views):
    run = RadianceRun(views, None, None, None, replace(SMALL, opening=0.5), None, 0, Progress())
    opened = []
    for step in (0, 15, 20):
        run.fitted.prepare(step)
        opened.append(run.fitted.field.module.opened.tolist())
    assert opened == [[1, 0], [1, 0.75], [1, 1]]


def test_exposure_of_views_is_found(views):
    gains = torch.tensor([0.7, 1.0] * 3).view(-1, 1, 1, 1)
    dimmed = replace(views, images=views.masks * views.images * gains + (1 - views.masks))
    run = RadianceRun(dimmed, None, None, None, replace(SMALL, exposure=True, exposure_rate=0.03), None, 0, Progress())
    while run.done < 40:
        run.advance()
    gain = (run.fitted.exposure - run.fitted.exposure.mean(0)).exp().mean(-1)
    assert 1.2 < (gain[1::2] / gain[::2]).mean() < 1.6


def test_a_scene_without_masks(views, monkeypatch):
    """The cameras stand inside a room whose colours are those of the directions."""
    _, directions = views.cameras.rays()
    room = (0.5 + 0.4 * directions).movedim(-1, 1)
    pictures = views.masks * views.images + (1 - views.masks) * room
    scene = Views(pictures, views.cameras, torch.ones_like(views.masks))
    run = RadianceRun(scene, None, None, None, replace(SMALL, steps=15, rays=256), None, 0, Progress())
    losses = [run.advance() for _ in range(15)]
    assert run.fitted.field.frame.contracted and losses[-1] < 0.8 * losses[0]
    run.load_state(run.state())
    monkeypatch.setattr("recon_lib.stages.fitting.radiance.fit.PREVIEW_SIDE", 12)
    assert run.preview().shape == (3, 12, 12)


def test_the_prior_draws_the_field_to_its_samples(views):
    settings = replace(SMALL, steps=6, prior_every=1, novel_views=NovelViewSettings(perceptual=0.0))
    heavy = replace(settings, weights=RadianceWeights(prior=20.0))
    plain, drawn = (
        fit_radiance(views, settings=heavy, prior=prior).field.color(torch.zeros(1, 3)) for prior in (None, GreyPrior())
    )
    assert not torch.equal(plain, drawn) and drawn.isfinite().all()


def test_extraction_and_texture_take_the_field(views, fit):
    from recon_lib.stages.meshing.texture import bake_texture

    mesh = extract_mesh(fit.field, 32, largest=True).mesh
    baked = bake_texture(mesh, views, field=fit.field, size=64)
    assert baked.texture is not None


def test_bad_input(views):
    with pytest.raises(BadInput, match="empty"):
        fit_radiance(replace(views, masks=torch.zeros_like(views.masks)), settings=SMALL)
    broken = views.images.clone()
    broken[0, 0, 0, 0] = float("nan")
    with pytest.raises(BadInput, match="NaN"):
        fit_radiance(replace(views, images=broken), settings=SMALL)
    with pytest.raises(BadInput, match="inside"):
        fit_radiance(views, hull=sphere(-1.0), settings=SMALL)
    far = torch.tensor([[50.0, 50, 50], [51, 51, 51]])
    with pytest.raises(BadInput):
        fit_radiance(views, bounds=far, settings=replace(SMALL, hull_start=False))
