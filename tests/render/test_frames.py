import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.render.frames import check_frames, default_sampler, render_frames, render_radiance, save_rgba
from recon_lib.render.near_surface import NearSurfaceSampler
from recon_lib.render.occupied import OccupiedSampler
from tests.fields.test_radiance import ball_grid
from tests.helpers.posed import box
from tests.helpers.radiance import Ball, DistanceSolid

CAMERA = Cameras.orbit([0.0, 90.0], 0.0, 3.0, 40.0, 24, 24)
SPHERE = DistanceSolid(lambda p: p.norm(dim=-1) - 0.5)


def test_each_field_has_its_sampler():
    assert isinstance(default_sampler(SPHERE), NearSurfaceSampler)
    assert isinstance(default_sampler(Ball()), OccupiedSampler)
    assert isinstance(default_sampler(ball_grid()), OccupiedSampler)


def test_a_field_without_density_is_refused():
    with pytest.raises(BadInput, match="density"):
        render_radiance(box(), CAMERA)


@pytest.mark.parametrize("field", [SPHERE, ball_grid(0.5, 40.0)], ids=["distance", "grid"])
def test_layers_of_a_ball(field):
    shown = render_radiance(field, CAMERA)
    middle = (slice(None), slice(None), 12, 12)
    assert shown.masks[middle].min() > 0.95 and shown.masks[..., 0, 0].max() < 0.01
    torch.testing.assert_close(shown.images[..., 0, 0], torch.ones(2, 3), atol=0.01, rtol=0)
    assert shown.depth[middle].flatten().tolist() == pytest.approx([2.5, 2.5], abs=0.06)
    torch.testing.assert_close(shown.normals[middle], torch.tensor([[0.0, 0, -1]] * 2), atol=0.15, rtol=0)
    assert not shown.depth[..., 0, 0].any() and not shown.normals[..., 0, 0].any()


def test_files_hold_straight_colours_and_opacity(tmp_path):
    paths = render_frames(Ball(radius=0.5, sigma=1.0), CAMERA, tmp_path / "frames")
    assert [path.name for path in paths] == ["000.png", "001.png"]
    picture = np.asarray(Image.open(paths[1]))
    assert picture.shape == (24, 24, 4) and picture[0, 0, 3] == 0
    opacity = 1 - np.exp(-1.0)
    assert picture[12, 12, 3] / 255 == pytest.approx(opacity, abs=0.03)
    assert picture[12, 12, :3] / 255 == pytest.approx(Ball.tint.numpy(), abs=0.01)


def test_stop_leaves_whole_frames_alone(tmp_path):
    class Stops(Progress):
        def step(self, preview=None, steps=1):
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        render_frames(Ball(), CAMERA, tmp_path, Stops())
    assert [path.name for path in tmp_path.iterdir()] == ["000.png"]


def test_save_rgba(tmp_path):
    image = torch.rand(4, 3, 5)
    save_rgba(image, tmp_path / "x.png")
    read = torch.from_numpy(np.asarray(Image.open(tmp_path / "x.png")).copy()).movedim(-1, 0) / 255
    torch.testing.assert_close(read, image, atol=0.5 / 255 + 1e-6, rtol=0)


def test_frames_of_earlier_runs_may_be_replaced_and_pictures_of_others_not(tmp_path):
    render_frames(Ball(), CAMERA, tmp_path)
    check_frames(tmp_path, 2)
    for content in (b"no picture", None):
        if content is None:
            Image.new("RGBA", (4, 4)).save(tmp_path / "001.png")
        else:
            (tmp_path / "001.png").write_bytes(content)
        check_frames(tmp_path, 1)
        with pytest.raises(BadInput, match=r"001\.png exists already"):
            check_frames(tmp_path, 2)
