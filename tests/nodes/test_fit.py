"""Fit VolSDF as a graph uses it: fields in and out, a picture in every round, Stop and on again."""

import pytest
import torch
from PIL import Image

SIZE, RADIUS = 32, 0.6
QUICK = {"grid": 32, "rounds": 2}


@pytest.fixture
def views(pack):
    """A ball from six sides, red on the right half and blue on the left, as Make View gives it."""
    cameras = pack.run("Recon3D_CameraOrbit", count=6, elevation=0.0, width=SIZE, height=SIZE).result[0]
    origins, directions = cameras.rays()
    middle = -(origins * directions).sum(-1)
    away = torch.linalg.cross(-origins, directions).norm(dim=-1)
    mask = (away < RADIUS).float()
    points = origins + (middle - (RADIUS**2 - away.square()).clamp_min(0).sqrt())[..., None] * directions
    right = (points[..., :1] > 0).float()
    image = right * torch.tensor([0.9, 0.1, 0.1]) + (1 - right) * torch.tensor([0.1, 0.1, 0.9])
    image = torch.where(mask[..., None] > 0, image, 1.0)
    return pack.run("Recon3D_MakeView", image=image, cameras=cameras, mask=mask).result[0]


def run(pack, views, **inputs):
    return pack.run("Recon3D_FitVolSDF", views=views, **{**QUICK, **inputs})


def fit(pack, views, **inputs):
    return run(pack, views, **inputs).result


def kept(tmp_path):
    return tmp_path / "user" / "recon3d" / "fit_volsdf.pt"


def test_a_ball_with_its_colours(pack, views):
    field, preview = fit(pack, views)
    ends = torch.tensor([[0.4, 0, 0.4], [-0.4, 0, 0.4]]) * RADIUS / 0.4 / 2**0.5
    assert field.inside(ends).abs().max() < 0.05 and (field.inside(ends * 0.8) > 0).all()
    colors = field.color(ends)
    assert colors[0, 0] > 0.55 and colors[0, 2] < 0.45
    assert colors[1, 2] > 0.55 and colors[1, 0] < 0.45
    assert preview.shape == (4, *[pack.file("fit").PREVIEW_SIZE] * 2, 3) and preview.std() > 0.05


def test_the_result_stays_on_the_node(pack, views, tmp_path):
    (entry,) = run(pack, views).ui["images"]
    side = pack.file("fit").PREVIEW_SIZE
    assert Image.open(tmp_path / "temp" / entry["filename"]).size == (4 * side, side)


def test_a_held_shape_stays(pack, views):
    first = fit(pack, views)[0]
    held = fit(pack, views, start=first, hold_shape=True)[0]
    assert torch.equal(held.distance, first.distance) and not torch.equal(held.features, first.features)
    with pytest.raises(ValueError, match="no shape to hold"):
        fit(pack, views, hold_shape=True)


def test_an_earlier_field_is_fitted_further(pack, views):
    from comfy import utils

    first = fit(pack, views, rounds=4)[0]
    utils.updates.clear()
    again = fit(pack, views, rounds=4, grid=64, start=first)[0]
    assert again.cells.nodes == 32, "it keeps its grid"
    totals = {total for _, total, _ in utils.updates}
    assert 2 in totals, "half of four rounds"


def test_the_hull_is_a_limit(pack, views):
    from types import SimpleNamespace

    half = SimpleNamespace(
        bounds=torch.tensor([[-1.0] * 3, [1.0] * 3]), has_color=False, inside=lambda p: 0.4 - p.norm(dim=-1)
    )
    field = fit(pack, views, hull=half)[0]
    assert (field.inside(torch.eye(3) * 0.55) < 0).all()


def test_stopped_and_run_again_it_goes_on(pack, views, tmp_path, monkeypatch):
    """With the same result as without the stop; another seed begins anew."""
    from comfy import model_management, utils

    whole = fit(pack, views, seed=5, rounds=3)[0]
    assert not kept(tmp_path).exists()
    monkeypatch.setattr(pack.lib("stages.fitting.checkpoint").Checkpoint.__init__, "__defaults__", (0.0,))

    class Stops(list):
        def append(self, update):
            if update[:2] == (1, 3):
                model_management.interrupt_current_processing()

    monkeypatch.setattr(utils, "updates", Stops())
    with pytest.raises(model_management.InterruptProcessingException):
        fit(pack, views, seed=5, rounds=3)
    assert kept(tmp_path).is_file()
    monkeypatch.setattr(utils, "updates", [])
    again = fit(pack, views, seed=5, rounds=3)[0]
    assert utils.updates[1][0] == 1, "the bar begins where the fit was stopped"
    assert torch.equal(again.distance, whole.distance) and torch.equal(again.features, whole.features)
    assert not kept(tmp_path).exists()


def test_it_says_what_is_missing(pack, views):
    bare = type(views)(views.images, views.cameras, torch.ones_like(views.masks))
    with pytest.raises(pack.lib("errors").BadInput, match="masks that mark the object"):
        fit(pack, bare)


def test_stopped_while_the_preview_is_drawn_it_does_not_fit_again(pack, views, tmp_path, monkeypatch):
    from comfy import model_management, utils

    whole, drawing = fit(pack, views)[0], pack.lib("render.field")

    def stop(*_, **__):
        raise model_management.InterruptProcessingException

    with monkeypatch.context() as stopped:
        stopped.setattr(drawing, "turntable_field", stop)
        with pytest.raises(model_management.InterruptProcessingException):
            fit(pack, views)
    assert kept(tmp_path).is_file()
    utils.updates.clear()
    again = fit(pack, views)[0]
    assert utils.updates[1][0] == utils.updates[1][1], "all rounds are done already"
    assert torch.equal(again.distance, whole.distance)
    assert not list(kept(tmp_path).parent.iterdir())
