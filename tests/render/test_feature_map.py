import pytest
import torch
import torch.nn.functional as F

from recon_lib.render.feature_map import join_maps, make_condition, render_feature_map
from tests.helpers.view_prior import TINY, ellipsoid_views, tiny_model

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def test_an_untrained_map_shows_the_hull(model, views):
    """Its density is that of something opaque, so that its opacity is about the silhouette."""
    rendered = render_feature_map(model, model.encode(views[1:]), views.cameras[0])
    truth = F.adaptive_avg_pool2d(views.masks[:1], TINY.map_side)
    assert rendered.color.shape == (1, 3, TINY.map_side, TINY.map_side)
    assert float((rendered.opacity - truth).abs().mean()) < 0.08
    empty = rendered.opacity == 0
    assert (rendered.color[empty.expand(-1, 3, -1, -1)] == 1).all()
    assert (rendered.features[empty.expand(-1, TINY.features, -1, -1)] == 0).all()
    seen = truth[0, 0] == 1
    depth = F.adaptive_avg_pool2d(views.depth[:1], TINY.map_side)[0, 0][seen]
    assert (rendered.distance[0, 0][seen] - depth).abs().mean() < 0.35


def test_the_condition_holds_it(model, views):
    encoded = model.encode(views[1:4])
    condition, rendered = make_condition(model, encoded, views.cameras[:2])
    color, opacity, features = condition.map.split((3, 1, TINY.features), 1)
    torch.testing.assert_close(color, rendered.color * 2 - 1)
    torch.testing.assert_close(opacity, rendered.opacity)
    torch.testing.assert_close(features, rendered.features)
    assert condition.tokens.shape == (2, 3, TINY.token_width)
    alone = render_feature_map(model, encoded, views.cameras[1])
    torch.testing.assert_close(rendered.color[1:], alone.color)
    assert len(join_maps([alone, alone]).opacity) == 2


def test_all_that_is_rendered_has_gradients(views):
    model = tiny_model().requires_grad_(True)
    rendered = render_feature_map(model, model.encode(views[1:3]), views.cameras[0], torch.Generator().manual_seed(0))
    (rendered.color.mean() + rendered.opacity.mean() + rendered.features.square().mean()).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None and n.startswith(("pixel_nerf", "encoder"))]
    assert not idle


def test_cameras_of_any_size_do(model, views):
    encoded, camera = model.encode(views[1:3]), views.cameras[0]
    torch.testing.assert_close(
        render_feature_map(model, encoded, camera).color,
        render_feature_map(model, encoded, camera.resized(96, 96)).color,
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip
