from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.render.rays import render_image
from recon_lib.render.stratified import StratifiedSampler
from recon_lib.stages.single_view.triplane import views_to_triplane
from recon_lib.weights.registry import LoadedModel
from tests.helpers.g3dr import AXES, ellipsoid_views, g3dr_model


@pytest.fixture(scope="module")
def field():
    return views_to_triplane(g3dr_model(), ellipsoid_views(), level=0.5)


def test_the_surface_starts_at_the_depth(field):
    views = ellipsoid_views(24)
    origins, directions = (x.reshape(-1, 3) for x in views.cameras.rays())
    cos_axis = directions @ views.cameras.rotation[0, :, 2]
    inner = torch.nn.functional.avg_pool2d(views.masks, 5, 1, 2).flatten() > 0.99
    distance = (views.depth.flatten() / cos_axis)[inner]
    t = torch.linspace(-0.3, 0.5, 81)
    along = origins[inner][:, None] + (distance[:, None] + t)[..., None] * directions[inner][:, None]
    inside = field.inside(along.reshape(-1, 3)).view(-1, 81) > 0
    first = t[inside.float().argmax(1)]
    assert inside.any(1).all() and first.abs().mean() < 0.06


def test_its_own_view_shows_the_picture(field):
    views = ellipsoid_views(32)
    shown = render_image(field, StratifiedSampler(64), views.cameras)
    assert (shown - views.images).abs().mean() < 0.06


def test_it_lies_where_the_object_is_wherever_the_camera_stands():
    field = views_to_triplane(g3dr_model(), ellipsoid_views(azimuth=70.0))
    assert field.inside(torch.zeros(1, 3)) > 0
    assert (field.inside(torch.eye(3) * 1.5) < 0).all() and (field.inside(-torch.eye(3) * 1.5) < 0).all()
    assert (field.bounds[0] < -torch.tensor(AXES)).all() and (field.bounds[1] > torch.tensor(AXES)).all()


def test_the_level_moves_the_surface(field):
    thin = views_to_triplane(g3dr_model(), ellipsoid_views(), level=5.0)
    points = torch.zeros(1, 3)
    torch.testing.assert_close(field.inside(points) - thin.inside(points), torch.tensor(10.0).log()[None])


def test_bad_input():
    views = ellipsoid_views(48)
    for wrong, message in (
        (replace(views, depth=None), "have no depth"),
        (replace(views, depth=torch.zeros_like(views.depth)), "Too little of the object has depth"),
    ):
        with pytest.raises(BadInput, match=message):
            views_to_triplane(g3dr_model(), wrong)
    with pytest.raises(BadInput, match="The level is 0"):
        views_to_triplane(g3dr_model(), views, level=0)
    other = LoadedModel(torch.nn.Identity(), g3dr_model().card)
    with pytest.raises(BadInput, match="makes no triplane of a photo"):
        views_to_triplane(other, views)
