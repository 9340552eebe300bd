"""The paper's own fit, with networks and samplers small enough for a test."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.volsdf.perceptron import VolSDFConfig
from recon_lib.progress import Progress
from recon_lib.render.error_bounded import ErrorBoundedSampler
from recon_lib.stages.fitting import volsdf_mlp as stage
from recon_lib.stages.fitting.checkpoint import Checkpoint, decoded, encoded
from recon_lib.stages.fitting.volsdf_mlp import MlpSettings, PerceptronRun, fit_volsdf_mlp
from tests.helpers.posed import around, posed, sphere

VIEWS = posed(sphere(), around(4, 16))
NETWORK = VolSDFConfig(width=48, depth=3, color_depth=2, octaves=2, view_octaves=1, skip=2, radius=1.2)
SAMPLER = ErrorBoundedSampler(samples=8, uniform=16, extra=4, rounds=2)
TINY = MlpSettings(steps=4, rays=32, network=NETWORK, sampler=SAMPLER)


def run_of(settings: MlpSettings = TINY, **changes) -> PerceptronRun:
    return PerceptronRun(replace(VIEWS, **changes), None, settings, 0, "cpu", Progress())


def weights(fit) -> list[torch.Tensor]:
    return list(fit.field.module.state_dict().values())


def test_the_cameras_lie_in_the_scene_and_the_object_at_its_centre():
    run = run_of()
    away = ((VIEWS.cameras.position - run.center) * run.scale).norm(dim=-1)
    assert away.max().item() == pytest.approx(3 / 1.1, rel=1e-4)
    assert run.center.norm() < 0.05


def test_the_field_starts_as_the_networks_sphere_in_the_worlds_frame():
    run = run_of()
    points = torch.nn.functional.normalize(torch.randn(200, 3), dim=-1)
    inside = run.field().inside(run.center + points * NETWORK.radius / run.scale)
    assert inside.abs().mean() < 0.3 * NETWORK.radius / run.scale
    assert (run.field().bounds[0] < -0.55).all() and (run.field().bounds[1] > 0.55).all()


def test_the_loss_falls():
    run = run_of(replace(TINY, steps=30, rate=3e-3))
    losses = [run.advance() for _ in range(30)]
    assert sum(losses[-8:]) < 0.9 * sum(losses[:8])


def test_slopes_are_asked_for_beyond_the_scenes_edge_too():
    """There the network's own slope counts, not that of the bound, which is 20."""
    slope = run_of().network.free_slope(torch.tensor([[2.9, 2.9, 2.9], [0.0, 1.5, 0.0]]))
    assert slope.requires_grad and (slope.norm(dim=-1) < 10).all()


def test_the_rate_falls_to_a_tenth():
    run = run_of(replace(TINY, steps=2))
    run.advance()
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(5e-4)
    run.advance()
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(5e-4 / 10**0.5)


def test_killed_and_run_again_gives_the_same_network(tmp_path, monkeypatch):
    class Stops(Progress):
        def step(self, preview=None, steps=1):
            super().step(preview, steps)
            if self.done == 2:
                raise Interrupted

    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0.0,))
    whole, path = fit_volsdf_mlp(VIEWS, settings=TINY), tmp_path / "fit"
    with pytest.raises(Interrupted):
        fit_volsdf_mlp(VIEWS, settings=TINY, checkpoint=path, progress=Stops())
    again = fit_volsdf_mlp(VIEWS, settings=TINY, checkpoint=path)
    assert (whole.resumed, again.resumed, again.steps) == (0, 2, 4)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(again), strict=True))
    assert fit_volsdf_mlp(VIEWS, settings=TINY, checkpoint=path).resumed == 4


@pytest.mark.parametrize("change", [{"network": {}}, {"done": 5}, {"optimizer": {0: {}}}])
def test_a_state_that_cannot_be_used_is_set_aside(tmp_path, change):
    settings, path, drawn = replace(TINY, steps=1), tmp_path / "fit", torch.get_rng_state()
    whole = fit_volsdf_mlp(VIEWS, settings=settings, checkpoint=path)
    saved = decoded(path.read_bytes())
    saved["state"].update(change)
    path.write_bytes(b"".join(encoded(saved)))
    again = fit_volsdf_mlp(VIEWS, settings=settings, checkpoint=path)
    assert again.resumed == 0 and (tmp_path / "fit.damaged").is_file()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(again), strict=True))
    assert torch.equal(torch.get_rng_state(), drawn)


def test_the_seed_decides():
    first, again, other = (fit_volsdf_mlp(VIEWS, settings=replace(TINY, steps=1), seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(again), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(first), weights(other), strict=True))


def test_hosts_that_work_without_gradients_are_served():
    with torch.no_grad():
        fit = fit_volsdf_mlp(VIEWS, settings=replace(TINY, steps=1))
    assert not any(p.requires_grad for p in fit.field.module.parameters())


def test_every_step_is_reported():
    progress = Progress()
    fit_volsdf_mlp(VIEWS, settings=TINY, progress=progress)
    assert (progress.title, progress.done, progress.total) == (stage.TITLE, 4, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": torch.zeros_like(VIEWS.masks)}, "mask of view 0 is empty"),
        ({"masks": torch.ones_like(VIEWS.masks)}, "cover the whole pictures"),
        ({"images": VIEWS.images * float("nan")}, "images of the views"),
    ],
)
def test_what_cannot_be_fitted_is_reported(change, message):
    with pytest.raises(BadInput, match=message):
        fit_volsdf_mlp(replace(VIEWS, **change), settings=TINY)


def test_a_fit_that_diverges_is_reported(monkeypatch):
    monkeypatch.setattr(PerceptronRun, "advance", lambda self: float("nan"))
    with pytest.raises(BadInput, match="diverged"):
        fit_volsdf_mlp(VIEWS, settings=TINY)
