import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.stages.posing.pictures import Pictures, gaussian_blur, slopes
from recon_lib.views.views import Views

SIDE = 32


def ramp() -> Views:
    """A square of 16 pixels whose red grows to the right, before white."""
    x = (torch.arange(SIDE) + 0.5) / SIDE
    images = torch.ones(1, 3, SIDE, SIDE)
    images[0, 0] = x
    masks = torch.zeros(1, 1, SIDE, SIDE)
    masks[..., 8:24, 8:24] = 1
    return Views(torch.where(masks > 0, images, 1.0), Cameras.orbit(0.0, height=SIDE, width=SIDE), masks)


def test_blur_keeps_constants_and_the_sum():
    image = torch.zeros(1, 2, SIDE, SIDE)
    image[:, 0], image[:, 1, 16, 16] = 0.3, 1.0
    blurred = gaussian_blur(image, 2.0)
    torch.testing.assert_close(blurred[:, 0], image[:, 0])
    torch.testing.assert_close(blurred[:, 1].sum(), torch.tensor(1.0))
    assert torch.equal(gaussian_blur(image, 0.0), image)


def test_slopes_of_a_ramp():
    image = torch.arange(SIDE).float().expand(1, 1, SIDE, SIDE)
    along_x, along_y = slopes(image)
    assert (along_x[..., 1:-1] == 1).all() and (along_y == 0).all()


def test_readings_are_colour_slope_and_distance_to_the_outline():
    reading = Pictures.of(ramp(), 0.0).read(torch.tensor([[[16.0, 16.0]], [[10.0, 16.0]], [[4.5, 16.0]]]))
    torch.testing.assert_close(reading.colors[:2, 0, 0], torch.tensor([16.0, 10.0]) / SIDE)
    torch.testing.assert_close(reading.color_slopes[0, 0, 0], torch.tensor([1 / SIDE, 0.0]))
    torch.testing.assert_close(reading.distance[1:, 0], torch.tensor([2.0, -3.5]))
    torch.testing.assert_close(reading.distance_slope[2, 0], torch.tensor([1.0, 0.0]))
    assert reading.framed.all()


def test_the_background_does_not_bleed_into_blurred_colours():
    reading = Pictures.of(ramp(), 2.0).read(torch.tensor([[[16.0, 9.0]]]))
    torch.testing.assert_close(reading.colors[0, 0, 0], torch.tensor(0.5), atol=1e-3, rtol=0)
    assert 0.4 < float(reading.coverage) < 0.9


def test_an_object_at_the_edge_is_not_whole():
    views = ramp()
    assert Pictures.of(views, 1.0).whole.tolist() == [True]
    cut = Views(views.images, views.cameras, torch.ones_like(views.masks))
    assert Pictures.of(cut, 1.0).whole.tolist() == [False]
