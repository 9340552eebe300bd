import pytest
import torch

from recon_lib.fields.field import RadianceField
from recon_lib.fields.pixel_nerf import SURFACE, PixelNerfField
from tests.helpers.view_prior import ellipsoid_views, tiny_model


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"), row=0)


@pytest.fixture(scope="module")
def field(views):
    model = tiny_model()
    return PixelNerfField(model.pixel_nerf, model.encode(views[:4]))


def test_it_is_a_radiance_field(field):
    points = torch.rand(20, 3) - 0.5
    assert isinstance(field, RadianceField)
    radiance = field.radiance(points, torch.nn.functional.normalize(-points, dim=-1))
    torch.testing.assert_close(radiance.color[:, :3], field.color(points))
    torch.testing.assert_close(field.inside(points), field.density(points) - SURFACE)


def test_the_hull_of_a_ball_contains_it_and_little_else(field):
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(500, 3, generator=generator), dim=-1)
    assert field.in_hull(directions * 0.8).all()  # the ball's radius is 0.855
    assert field.in_hull(directions * 0.97).float().mean() < 0.4


def test_there_is_nothing_outside_the_hull_and_the_unit_ball(field):
    points = torch.tensor([[0.0, 0.0, 1.2], [0.7, 0.7, 0.7], [0.0, 0.0, 0.0]])
    assert field.in_hull(points).tolist() == [False, False, True]
    assert (field.density(points) > 0).tolist() == [False, False, True]


def test_a_picture_that_does_not_show_a_place_does_not_carve_it(views):
    model = tiny_model()
    close = type(views)(views.images[:1], views.cameras[0].cropped(20, 0, 32, 32), views.masks[:1] * 0)
    field = PixelNerfField(model.pixel_nerf, model.encode(close))
    x = views.cameras.rotation[0, :, 0] * 0.5  # to the camera's right: in the picture; to its left: not
    assert field.in_hull(torch.stack([x, -x])).tolist() == [False, True]
