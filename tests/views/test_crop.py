"""Object crops of views."""

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.provenance import Provenance
from recon_lib.views.crop import crop_to_object
from recon_lib.views.views import Views

TILT = torch.nn.functional.normalize(torch.tensor([0.3, -0.2, -1.0]), dim=0)
HEIGHT, WIDTH = 60, 100
TOP, BOTTOM, LEFT, RIGHT = 20, 50, 60, 80  # the object: 30 high, 20 wide


@pytest.fixture
def views() -> Views:
    """A tilted plane seen in a rectangle off the middle; its colour is its position in the picture."""
    cameras = Cameras.orbit(20.0, 10.0, 3.0, 40.0, HEIGHT, WIDTH)
    mask = torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[..., TOP:BOTTOM, LEFT:RIGHT] = 1
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    position = torch.stack([x / WIDTH, y / HEIGHT, torch.zeros_like(x)])[None]
    rays = torch.stack([(x - WIDTH / 2) / cameras.intrinsics[0, 0, 0], (y - HEIGHT / 2) / cameras.intrinsics[0, 1, 1],
                        torch.ones_like(x)])  # fmt: skip
    depth = (3 * TILT[2] / (rays * TILT[:, None, None]).sum(0))[None, None] * mask
    codes = torch.where(x > 70, int(Provenance.OUTPAINTED), int(Provenance.OBSERVED))[None, None] * mask
    return Views(position, cameras, mask, depth, TILT.view(1, 3, 1, 1) * mask, codes.to(torch.uint8))


def test_the_object_fills_its_share(views):
    crop = crop_to_object(views, 64, 0.5)
    assert crop.images.shape == (1, 3, 64, 64)
    rows, columns = crop.masks[0, 0].any(1).nonzero(), crop.masks[0, 0].any(0).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 32
    assert int(columns.max() - columns.min()) + 1 == pytest.approx(32 * 20 / 30, abs=1)


def test_points_stay_where_they_are(views):
    """The plane's points, unprojected after the crop, lie on the plane and show the colours of their old pixels."""
    crop = crop_to_object(views, 64)
    on = crop.masks[0, 0] > 0.5
    points = crop.cameras.unproject(crop.depth)[0][on]
    camera = views.cameras.to_camera(points[None])[0]
    off = (camera @ TILT - 3 * TILT[2]).abs()
    assert float(off.median()) < 1e-4
    assert float(off.max()) < 6e-3  # pixels that the object covers only partly: an eighth of a pixel's width
    pixels = views.cameras.project(points)[0][0]
    colors = crop.images[0].permute(1, 2, 0)[on]
    torch.testing.assert_close(colors[:, 0] * WIDTH, pixels[:, 0], atol=0.5, rtol=0)
    torch.testing.assert_close(colors[:, 1] * HEIGHT, pixels[:, 1], atol=0.5, rtol=0)


def test_normals_stay_unit_and_codes_stay_codes(views):
    crop = crop_to_object(views, 64)
    on = crop.masks[0, 0] > 0.5
    torch.testing.assert_close(crop.normals[0, :, on], TILT[:, None].expand(-1, int(on.sum())), atol=1e-5, rtol=0)
    assert (crop.normals[0, :, ~on] == 0).all()
    assert (crop.provenance[0, 0][~on] == Provenance.NONE).all()
    left, right = (crop.provenance[0, 0][on] == code for code in (Provenance.OBSERVED, Provenance.OUTPAINTED))
    assert (left | right).all()
    assert float(left.float().mean()) == pytest.approx(0.5, abs=0.05)


def test_layers_that_are_not_there_stay_away(views):
    crop = crop_to_object(Views(views.images, views.cameras, views.masks))
    assert (crop.depth, crop.normals, crop.provenance) == (None, None, None)
    assert crop.cameras.height == crop.cameras.width == 256


def test_bad_input(views):
    with pytest.raises(BadInput, match="empty"):
        crop_to_object(Views(views.images, views.cameras, views.masks * 0))
    for side, share in ((8, 0.8), (64, 0.0), (64, 1.5), (9999, 0.8)):
        with pytest.raises(BadInput, match="out of range"):
            crop_to_object(views, side, share)
