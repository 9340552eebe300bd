from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.upright import up_from_angles
from recon_lib.errors import BadInput
from recon_lib.stages.single_view import stand_upright
from recon_lib.systems import upright
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.systems.upright import stood_upright
from recon_lib.views.views import Views
from tests.helpers.list_oracle import list_model, photo
from tests.helpers.shapes import box

ELEVATION, ROLL = 30.0, 12.0  # of the oracle's camera


@pytest.fixture
def seen(monkeypatch):
    """A box as a photo shows it from above: in the frame of its camera, as view-aligned systems answer."""
    monkeypatch.setattr(upright, "load_model", lambda name: list_model())
    image, mask = photo(48)
    pose = torch.eye(4)
    pose[1, 1] = pose[2, 2] = -1
    pose[2, 3] = 3.0
    cameras = Cameras(pose[None], torch.tensor([[[60.0, 0, 24], [0, 60, 24], [0, 0, 1]]]), 48, 48)
    return Reconstruction(box((0.2, 0.5, 0.3)), Views(image, cameras, mask), None, {}, {"kept": 1})


def test_the_vertical_of_the_photo_becomes_y(seen):
    result = seen
    turned = stood_upright(result)
    up = up_from_angles(torch.tensor([ELEVATION]), torch.tensor([ROLL]))[0] * torch.tensor([1.0, -1, -1])
    arrow = replace(box(), vertices=torch.stack([torch.zeros(3), up, 2 * up]), faces=torch.tensor([[0, 1, 2]]))
    tip = stood_upright(replace(result, mesh=arrow)).mesh.vertices[1]
    torch.testing.assert_close(tip, torch.tensor([0.0, 1, 0]), atol=1e-4, rtol=0)
    assert turned.report["kept"] == 1 and turned.report["elevation_roll_degrees"] == [ELEVATION, ROLL]
    assert "upright" in turned.seconds


def test_the_photos_camera_turns_along(seen):
    result = seen
    turned = stood_upright(result)
    before = result.views.cameras.project(result.mesh.vertices)[0]
    torch.testing.assert_close(turned.views.cameras.project(turned.mesh.vertices)[0], before, atol=1e-3, rtol=0)


def test_what_stands_already_stays(seen):
    result = seen
    standing = replace(result, report={"elevation_roll_degrees": (1.0, 2.0)})
    assert stood_upright(standing) is standing


def test_a_model_without_a_vertical_is_refused(seen, monkeypatch):
    result = seen
    blind = type("Shape", (), {"up": None})()
    monkeypatch.setattr(stand_upright, "upright_shape", lambda *_, **__: blind)
    with pytest.raises(BadInput, match="vertical"):
        stood_upright(result)
