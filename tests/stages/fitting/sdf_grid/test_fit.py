"""The whole fit, on solids known everywhere: what it finds, keeps, weighs, and how it goes on after a crash."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recon_lib.errors import BadInput, Interrupted
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.fields.sdf_grid import SdfGrid
from recon_lib.progress import Progress
from recon_lib.provenance import Provenance
from recon_lib.render.field import render_field
from recon_lib.stages.fitting.checkpoint import Checkpoint, decoded, encoded, remove_checkpoint
from recon_lib.stages.fitting.sdf_grid import fit as stage
from recon_lib.stages.fitting.sdf_grid.fit import Fit, fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitLevel
from recon_lib.views.views import Views
from tests.helpers.posed import SMALL, Solid, around, bowl, posed, sphere, surface_error
from tests.helpers.stop_button import StopButton, looks_of, stop_everywhere

VIEWS = posed(sphere(), around(6, 32))
FEW = posed(sphere(), around(3, 24))
QUICK = replace(SMALL, levels=(FitLevel(12, 2, (0.9, 0.5)), FitLevel(20, 2, (0.6, 0.3))))
# where only the going on counts, not the result
PAIR = posed(sphere(), around(2, 16))
BRIEF = replace(QUICK, levels=(FitLevel(8, 2, (0.9, 0.5)), FitLevel(12, 2, (0.6, 0.3))), epochs=1)


@pytest.fixture(scope="module")
def ball() -> Fit:
    return fit_volsdf(VIEWS, settings=SMALL)


@pytest.fixture(scope="module")
def brief() -> Fit:
    """What an undisturbed fit of the pair gives."""
    return fit_volsdf(PAIR, settings=BRIEF)


@pytest.fixture(autouse=True)
def checkpoints_at_once(monkeypatch):
    monkeypatch.setattr(stage, "Checkpoint", partial(Checkpoint, pause=0.0))


def tensors(field: SdfGrid) -> list[Tensor]:
    """Everything that a fitted field knows."""
    return [field.distance, field.rows, field.features, torch.tensor(field.beta), *field.module.state_dict().values()]


def same(a: SdfGrid, b: SdfGrid) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tensors(a), tensors(b), strict=True))


def color_error(field: SdfGrid, solid: Solid) -> float:
    """Mean difference of colours all over the solid's surface, a ball."""
    points = torch.nn.functional.normalize(torch.randn(2000, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    return float((field.color(0.6 * points) - solid.color(0.6 * points)).abs().mean())


# -- what it finds --------------------------------------------------------------------------------------------


def test_a_ball_in_eight_views_gives_its_radius_back(ball):
    assert surface_error(ball.field, sphere()) < 0.25 * ball.field.cells.spacing
    points = torch.nn.functional.normalize(torch.randn(500, 3), dim=-1)
    inside = ball.field.inside(points * 0.6) / ball.field.cells.spacing
    assert inside.mean().abs() < 0.25 and inside.std() < 0.2, "neither too thick nor too thin"


def test_its_colours_are_the_balls(ball):
    assert color_error(ball.field, sphere()) < 0.02


def test_new_views_look_as_they_should(ball):
    cameras = around(2, 40, 70.0)
    truth = posed(sphere(), cameras).images
    images = render_field(ball.field, cameras, shading="albedo", supersample=3).images
    assert -10 * (images - truth).square().mean().log10() > 30


def test_what_it_says_of_itself(ball):
    assert ball.rounds == SMALL.rounds and ball.resumed == 0 and ball.seconds > 0 and 0 < ball.loss < 0.2
    assert ball.field.cells.nodes == SMALL.levels[-1].nodes and ball.field.has_color


def test_colours_show_a_hollow_that_no_outline_does():
    views = posed(bowl(), around(10, 32))
    settings = replace(SMALL, levels=(FitLevel(16, 8, (1.5, 0.6)), FitLevel(24, 4, (0.9, 0.3))), rays=2048)
    first = stage.GridFit(views, None, None, None, settings, 0, Progress()).grid.field()
    hollow = 0.45 * torch.nn.functional.normalize(torch.randn(2000, 3), dim=-1) + torch.tensor([0.0, 0.0, 0.55])
    hollow = hollow[hollow.norm(dim=-1) < 0.6]
    last = fit_volsdf(views, settings=settings).field
    hull, fitted = (float(field.inside(hollow).abs().mean()) for field in (first, last))
    assert fitted < 0.65 * hull


def test_the_background_of_the_pictures_is_not_painted_onto_the_object():
    behind = torch.rand(FEW.images.shape, generator=torch.Generator().manual_seed(0)) * 0.2
    mixed = replace(FEW, images=FEW.images - (1 - FEW.masks) * (1 - behind))
    plain, other = (fit_volsdf(views, settings=QUICK).field.color(visible_points(FEW)) for views in (FEW, mixed))
    assert (plain - other).abs().mean() < 0.02


def test_bounds_are_kept_to():
    bounds = torch.tensor([[-0.9, -0.8, -0.8], [0.9, 0.8, 0.8]])
    field = fit_volsdf(FEW, bounds=bounds, settings=QUICK).field
    assert torch.allclose(field.bounds, torch.tensor([[-0.9] * 3, [0.9] * 3]))


def test_nothing_is_outside_the_hull():
    fit = fit_volsdf(FEW, hull=sphere(0.5), settings=QUICK)
    points = torch.nn.functional.normalize(torch.randn(500, 3), dim=-1)
    assert (fit.field.inside(points * (0.5 + 2 * fit.field.cells.spacing)) < 0).all()


def test_the_seed_decides():
    first, again, other = (fit_volsdf(PAIR, settings=BRIEF, seed=s).field for s in (2**64 - 1, 2**64 - 1, 2**64 - 2))
    assert same(first, again) and not same(first, other)


# -- fields to begin with -------------------------------------------------------------------------------------


def test_a_refit_takes_a_part_of_the_rounds_and_keeps_the_shape(ball):
    settings = replace(SMALL, refit_rounds=2)
    again = fit_volsdf(VIEWS, start=ball.field, settings=settings)
    assert again.rounds == 2 and again.field.cells == ball.field.cells
    assert surface_error(again.field, sphere()) < 0.25 * ball.field.cells.spacing
    assert color_error(again.field, sphere()) < 0.02


def test_a_refit_to_one_view_keeps_what_that_view_does_not_see(ball):
    again = fit_volsdf(VIEWS[0], start=ball.field, settings=replace(SMALL, refit_rounds=2))
    eye = torch.nn.functional.normalize(VIEWS.cameras.position[0], dim=-1)
    points = torch.nn.functional.normalize(torch.randn(2000, 3), dim=-1)
    back, front = 0.6 * points[points @ eye < -0.7], 0.6 * points[points @ eye > 0.5]
    assert torch.equal(again.field.inside(back), ball.field.inside(back))
    assert torch.allclose(again.field.features_at(back), ball.field.features_at(back), atol=1e-6)
    assert not torch.equal(again.field.inside(front), ball.field.inside(front))


def test_it_says_how_long_its_bumps_are(ball):
    again = fit_volsdf(PAIR, start=ball.field, settings=replace(BRIEF, refit_rounds=1)).field
    assert again.bumps == ball.field.bumps == 12 * ball.field.cells.spacing


def test_the_details_of_a_mesh_are_no_bumps(ball):
    mended = fit_volsdf(PAIR, start=DistanceGrid(ball.field.cells, ball.field.distance), settings=BRIEF).field
    again = fit_volsdf(PAIR, start=mended, settings=replace(BRIEF, refit_rounds=1)).field
    assert mended.bumps == again.bumps == 0


def test_the_field_that_it_starts_from_is_not_edited(ball):
    before = [tensor.clone() for tensor in tensors(ball.field)]
    fit_volsdf(VIEWS[:2], start=ball.field, settings=replace(SMALL, refit_rounds=1))
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(ball.field), strict=True))


def test_any_coloured_field_is_a_start():
    """The right ball to begin with, and one round: its colours are there already."""
    short = replace(SMALL, levels=(replace(SMALL.levels[1], rounds=1),))
    begun, bare = (fit_volsdf(VIEWS, start=s, settings=short).field for s in (sphere(), None))
    assert surface_error(begun, sphere()) < 0.2 * begun.cells.spacing
    assert color_error(begun, sphere()) < 0.3 * color_error(bare, sphere())


# -- what is weighed ------------------------------------------------------------------------------------------


def test_observed_pixels_outweigh_painted_ones():
    """The same cameras twice, the second time with false colours. As equals, neither would win."""
    false = replace(FEW, images=1 - FEW.images, provenance=FEW.provenance * int(Provenance.OUTPAINTED))
    both = Views.cat([FEW, false])
    seen = visible_points(FEW)
    wise, blind = (
        float((fit_volsdf(v, settings=QUICK).field.color(seen) - sphere().color(seen)).abs().mean())
        for v in (both, replace(both, provenance=None))
    )
    assert wise < 0.5 * blind


def visible_points(views: Views) -> Tensor:
    """The truth where views see it [N,3]."""
    return torch.cat([views.cameras.unproject(views.depth)[i][views.depth[i, 0] > 0] for i in range(len(views))])


def visible_error(field: SdfGrid, view: Views) -> float:
    """Mean distance of the truth that a view sees from the field's surface, world units."""
    return float(field.inside(visible_points(view)).abs().mean())


def test_depth_and_normals_bring_a_single_view_nearer():
    view = posed(bowl(), around(12, 56)[2])
    bare = replace(view, depth=None, normals=None)
    cued, without = (visible_error(fit_volsdf(v, settings=QUICK).field, view) for v in (view, bare))
    assert cued < 0.7 * without


def test_cues_can_be_left_out():
    usual = BRIEF.weights
    half = BRIEF.with_cues(0.5).weights
    assert BRIEF.with_cues(1.0) == BRIEF
    assert half == replace(usual, depth=usual.depth / 2, normal=usual.normal / 2)
    blind, start = replace(PAIR, depth=None, normals=None), sphere()
    fields = [
        fit_volsdf(views, start=start, settings=settings).field
        for views, settings in ((PAIR, BRIEF.with_cues(0.0)), (blind, BRIEF), (PAIR, BRIEF))
    ]
    assert same(fields[0], fields[1])
    assert not same(fields[0], fields[2])


def test_cues_bend_a_surface_that_begins_flat_whatever_their_scale():
    """Against the fit without them, from the same start; moved along the view's axis until both are as near as can be.

    What colours of one view cannot tell: a ball before a flat disk.
    """
    view = posed(sphere(), around(1, 32))
    disk = Solid(lambda p: torch.maximum(p.norm(dim=-1) - 0.6, p @ view.cameras.rotation[0, :, 2] * -1 - 0.1))
    scaled = replace(view, depth=torch.where(view.depth > 0, 7 * view.depth + 3, 0.0))
    curved = []
    for each in (view, scaled, replace(view, depth=None, normals=None)):
        field = fit_volsdf(each, start=disk, settings=QUICK).field
        depth = render_field(field, view.cameras, steps=64).depth
        both = (depth > 0) & (view.depth > 0)
        residual = depth[both] - view.depth[both]
        curved.append(float((residual - residual.mean()).abs().mean()))
    assert max(curved[:2]) < 0.7 * curved[2]


# -- going on -------------------------------------------------------------------------------------------------


class Counted(Progress):
    """Raises after so many rounds, as a crash would; keeps the previews."""

    def __init__(self, rounds: int = 10**9) -> None:
        super().__init__()
        self.rounds, self.reported, self.pictures = rounds, [], []

    def report(self, preview) -> None:
        self.reported.append(self.done)
        if callable(preview):
            self.pictures.append(preview())
        if self.done == self.rounds:
            raise Interrupted


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_killed_and_run_again_gives_the_same_field(brief, tmp_path, rounds):
    """In the first level, at its end, within the second, and after the last round: bit for bit an undisturbed fit."""
    path = tmp_path / "fit"
    with pytest.raises(Interrupted):
        fit_volsdf(PAIR, settings=BRIEF, checkpoint=path, progress=Counted(rounds))
    assert path.is_file()
    again = fit_volsdf(PAIR, settings=BRIEF, checkpoint=path)
    assert again.resumed == rounds and again.loss == brief.loss
    assert same(again.field, brief.field)
    assert fit_volsdf(PAIR, settings=BRIEF, checkpoint=path).resumed == BRIEF.rounds, "kept until the caller is done"
    remove_checkpoint(path)
    assert not list(tmp_path.iterdir())


WRONG_STATES = {
    "too many rounds": lambda s: s.update(done=999),
    "no rounds": lambda s: s.update(done=0),
    "rounds of another kind": lambda s: s.update(done="2"),
    "NaN": lambda s: s["grid"]["whole"].fill_(float("nan")),
    "another shape": lambda s: s["grid"].update(features=s["grid"]["features"][:, 1:]),
    "rays of other views": lambda s: s.update(candidates=s["candidates"] + 10**6),
    "a part is missing": lambda s: s.pop("grid"),
    "not a dict": lambda s: [s.clear(), s.update({"state": 3})],
}


@pytest.mark.parametrize("kind", WRONG_STATES)
def test_a_state_that_cannot_be_used_is_set_aside(brief, tmp_path, caplog, kind):
    """Written by ourselves, with the right key and digest: the fit starts anew with the same result."""
    path = tmp_path / "fit"
    with pytest.raises(Interrupted):
        fit_volsdf(PAIR, settings=BRIEF, checkpoint=path, progress=Counted(2))
    saved = decoded(path.read_bytes())
    WRONG_STATES[kind](saved["state"])
    path.write_bytes(b"".join(encoded(saved)))
    again = fit_volsdf(PAIR, settings=BRIEF, checkpoint=path)
    assert again.resumed == 0 and same(again.field, brief.field)
    assert (tmp_path / "fit.damaged").is_file() and caplog.text.count("damaged (") == 1


def test_the_callers_random_numbers_are_left_alone(ball, tmp_path):
    before = torch.get_rng_state()
    for start in (None, ball.field):
        fit_volsdf(PAIR, settings=BRIEF, start=start, checkpoint=tmp_path / "fit")
    fit_volsdf(PAIR, settings=BRIEF, checkpoint=tmp_path / "fit")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_refit_goes_on_too(brief, tmp_path):
    settings, path = replace(BRIEF, refit_rounds=3), tmp_path / "fit"
    whole = fit_volsdf(PAIR, start=brief.field, settings=settings).field
    with pytest.raises(Interrupted):
        fit_volsdf(PAIR, start=brief.field, settings=settings, checkpoint=path, progress=Counted(2))
    again = fit_volsdf(PAIR, start=brief.field, settings=settings, checkpoint=path)
    assert again.resumed == 2 and same(again.field, whole)


@pytest.mark.parametrize("change", ["images", "settings", "seed", "start", "hull"])
def test_a_checkpoint_of_another_fit_is_left_aside(tmp_path, change):
    path, views = tmp_path / "fit", PAIR
    usual = {"settings": BRIEF, "seed": 0, "start": None, "hull": None}
    with pytest.raises(Interrupted):
        fit_volsdf(views, checkpoint=path, progress=Counted(1), **usual)
    other = {
        "images": {}, "settings": {"settings": replace(BRIEF, epochs=2)}, "seed": {"seed": 1},
        "start": {"start": sphere(0.58)}, "hull": {"hull": sphere(0.7)},
    }[change]  # fmt: skip
    if change == "images":
        views = replace(views, images=views.images * 0.9)
    assert fit_volsdf(views, checkpoint=path, **{**usual, **other}).resumed == 0


def test_every_round_is_reported_with_a_preview():
    progress = Counted()
    fit_volsdf(PAIR, settings=BRIEF, progress=progress)
    assert progress.title == stage.TITLE and progress.total == BRIEF.rounds
    assert progress.reported == list(range(BRIEF.rounds + 1))
    assert len(progress.pictures) == BRIEF.rounds
    assert progress.pictures[-1].shape[0] == 3 and progress.pictures[-1].std() > 0.05


def test_it_can_be_stopped_anywhere(tmp_path):
    def job(progress: Progress) -> None:
        fit_volsdf(PAIR, settings=BRIEF, progress=progress)

    stop_everywhere(job, tmp_path, looks_of(job), places=4)
    assert looks_of(job) > BRIEF.rounds * 6 and isinstance(StopButton(), Progress)


def test_hosts_that_work_without_gradients_are_served(brief):
    with torch.no_grad():
        field = fit_volsdf(PAIR, settings=BRIEF).field
    assert same(field, brief.field)


# -- bad input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": replace(VIEWS, masks=torch.zeros_like(VIEWS.masks))}, "mask of view 0 is empty"),
        ({"views": replace(VIEWS, masks=torch.ones_like(VIEWS.masks))}, "cover the whole pictures"),
        ({"views": replace(VIEWS, images=VIEWS.images * float("nan"))}, "images of the views"),
        ({"start": sphere(-1.0)}, "Nothing lies inside the field"),
        ({"bounds": torch.tensor([[5.0, 5, 5], [6, 6, 6]])}, "Nothing lies inside"),
        ({"bounds": torch.tensor([[1.0, 1, 1], [1, 1, 1]])}, "empty"),
    ],
)
def test_what_cannot_be_fitted_is_reported(change, message):
    with pytest.raises(BadInput, match=message):
        fit_volsdf(**{"views": VIEWS, "settings": QUICK, **change})


def test_rays_that_miss_the_box_are_reported():
    with pytest.raises(BadInput, match="No ray of the views meets the box"):
        fit_volsdf(VIEWS, start=Solid(lambda p: (p - 9).norm(dim=-1) - 0.5, torch.tensor([[8.0] * 3, [10.0] * 3])))


def test_a_fit_that_diverges_is_reported(monkeypatch):
    monkeypatch.setattr(stage, "train_step", lambda *args: float("nan"))
    with pytest.raises(BadInput, match="diverged"):
        fit_volsdf(PAIR, settings=BRIEF)


def test_a_checkpoint_in_a_place_that_cannot_be_written_is_reported_first(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="Nothing can be written"):
        fit_volsdf(FEW, settings=QUICK, checkpoint=Path(tmp_path / "file" / "fit"))


def test_a_held_shape_stays_and_takes_the_views_colours():
    """The views show a ball of another size: the start's surface stays, the colours that it is seen in come."""
    small = sphere(0.4)
    fit = fit_volsdf(VIEWS, start=small, settings=QUICK.held())
    assert surface_error(fit.field, small) < 0.25 * fit.field.cells.spacing
    again = fit_volsdf(VIEWS, start=fit.field, settings=QUICK.held())
    assert torch.equal(again.field.distance, fit.field.distance)
    free = fit_volsdf(VIEWS, start=small, settings=QUICK)
    assert surface_error(free.field, small) > 2 * surface_error(fit.field, small)
    assert fit.field.has_color
