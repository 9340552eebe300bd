"""Fit Radiance Field and Render Path as a graph uses them."""

import pytest
import torch

from tests.nodes.test_fit import views  # noqa: F401 - a fixture

QUICK = {"detail": 24, "steps": 12, "pixels": 32}


@pytest.fixture
def field(pack, views):  # noqa: F811
    return pack.run("Recon3D_FitRadianceField", views=views, **QUICK).result[0]


def test_a_ball_becomes_a_field_and_frames(pack, field):
    assert field.inside(torch.zeros(1, 3)).item() > 0 and not (field.inside(torch.eye(3) * 0.95) > 0).any()
    image, mask, cameras = pack.run("Recon3D_RenderPath", field=field, frames=3, size=24).result
    assert image.shape == (3, 24, 24, 3) and mask.shape == (3, 24, 24) and len(cameras) == 3
    assert mask[:, 12, 12].min() > 0.8 and mask[:, 0, 0].max() < 0.05


@pytest.mark.parametrize("shown", ["depth", "normals", "opacity"])
def test_what_frames_show(pack, field, shown):
    image = pack.run("Recon3D_RenderPath", field=field, frames=1, size=20, shown=shown, path="spiral").result[0]
    assert image.shape == (1, 20, 20, 3) and image.std() > 0.05


def test_a_path_between_cameras(pack, field):
    given = pack.run("Recon3D_CameraOrbit", count=3, width=20, height=16).result[0]
    image, _, cameras = pack.run(
        "Recon3D_RenderPath", field=field, frames=5, path="between the cameras", cameras=given
    ).result
    assert image.shape == (5, 16, 20, 3)
    torch.testing.assert_close(cameras.camera_to_world[[0, -1]], given.camera_to_world[[0, -1]], atol=1e-5, rtol=0)


def test_a_path_between_no_cameras(pack, field):
    with pytest.raises(ValueError, match="cameras"):
        pack.run("Recon3D_RenderPath", field=field, path="between the cameras")


def test_the_result_is_kept_nowhere(pack, field, tmp_path):
    assert not list(tmp_path.rglob("fit_radiance.pt*"))


def test_a_volsdf_fit_is_filmed_too(pack, views):  # noqa: F811
    field = pack.run("Recon3D_FitVolSDF", views=views, grid=32, rounds=1).result[0]
    mask = pack.run("Recon3D_RenderPath", field=field, frames=1, size=16).result[1]
    assert mask[0, 8, 8] > 0.9


class WhitePrior:
    """A prior to which every view is white."""

    size, calls = 16, 0

    def sample(self, renders, cameras, inputs, noise_level, generator=None):
        self.calls += 1
        return torch.ones_like(renders)


def test_a_prior_and_scaled_gradients(pack, views):  # noqa: F811
    prior = WhitePrior()
    fit = pack.run("Recon3D_FitRadianceField", views=views, prior=prior, gradient_scaling=True, **QUICK, seed=3)
    assert prior.calls > 0 and fit.result[0].inside(torch.zeros(1, 3)).isfinite().all()


def test_a_model_gives_the_depth_that_is_ranked(pack, views, monkeypatch):  # noqa: F811
    """Views without depth get it where it counts, and only there."""
    from dataclasses import replace

    asked, bare = [], replace(views, depth=None)
    module = pack.lib("stages.single_view.view_depths")
    monkeypatch.setattr(module, "with_estimated_depths", lambda model, *_: asked.append(model) or views)
    model = pack.run("Recon3D_LoadModel", name="zeroshape_w_mini").result[0]
    for weight in (0.0, 0.1):
        pack.run("Recon3D_FitRadianceField", views=bare, model=model, depth_ranking=weight, **QUICK)
    assert asked == [model]
    with pytest.raises(ValueError, match="world units"):
        pack.run("Recon3D_FitRadianceField", views=bare, model=model, depth_ranking=0.1, gradient_scaling=True, **QUICK)
