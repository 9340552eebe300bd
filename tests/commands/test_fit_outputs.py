"""Frames of other cameras, in the source's world; options of the command that belong together."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.cameras.camera_json import opengl_to_opencv
from recon_lib.cli import main
from recon_lib.commands.fit_inputs import FitInputs
from recon_lib.commands.fit_outputs import write_frames, write_report
from recon_lib.progress import Progress
from recon_lib.views.object_frame import ObjectFrame
from tests.helpers.posed import around, posed, sphere

VIEWS = posed(sphere(), around(3, 16))


def cameras_file(path, cameras):
    poses = opengl_to_opencv(cameras.camera_to_world.double()).tolist()
    value = {"fl_x": float(cameras.intrinsics[0, 0, 0]), "w": cameras.width, "h": cameras.height}
    path.write_text(json.dumps({**value, "frames": [{"transform_matrix": pose} for pose in poses]}))
    return path


def test_cameras_reach_the_renderer_in_the_objects_frame(tmp_path, monkeypatch):
    from recon_lib.render import frames

    seen = {}

    def render_frames(field, cameras, folder, progress):
        seen.update(field=field, cameras=cameras, folder=folder)
        return [folder] * len(cameras)

    monkeypatch.setattr(frames, "render_frames", render_frames)
    frame = ObjectFrame((1.0, 2.0, 3.0), 4.0)
    inputs = FitInputs(VIEWS, frame, torch.eye(3, dtype=torch.float64), 0)
    path = cameras_file(tmp_path / "c.json", around(5, 24))
    assert write_frames(path, tmp_path / "out", inputs, "field", Progress()) == 5
    expected = (around(5, 24).position - torch.tensor([1.0, 2, 3])) / 4
    torch.testing.assert_close(seen["cameras"].position, expected, atol=1e-5, rtol=0)
    assert (seen["cameras"].width, seen["field"]) == (24, "field")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--render", "CAMERAS"], "--render and --frames go together"),
        (["--frames", "DIR"], "--render and --frames go together"),
        (["--render", "BROKEN", "--frames", "DIR"], "has no list of frames"),
        (["--render", "CAMERAS", "--frames", "CAMERAS"], "CAMERAS"),
        (["--prior", "embedded"], "add --field radiance"),
        (["--field", "radiance", "--grid", "64"], "are of --field sdf"),
        (["--field", "radiance", "--rounds", "3"], "are of --field sdf"),
        (["--render", "CAMERAS", "--frames", "nowhere"], "lies among the pictures"),
        (["--render", "CAMERAS", "--frames", "nowhere/images"], "lies among the pictures"),
        (["--render", "CAMERAS", "--frames", "o.glb"], "in each other's way"),
        (["--render", "CAMERAS", "--frames", "f", "--preview", "f/001.png"], "in each other's way"),
        (["--render", "CAMERAS", "--frames", "f", "--report", "f/r.json"], "could not be read"),  # beside frames: fine
        (["--render", "CAMERAS", "--frames", "mine"], "000.png exists already"),
        (["--render", "HUGE", "--frames", "f"], "longer side of the frames"),
        (["--render", "FAR", "--frames", "f"], "lies beyond 1e"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, capsys, monkeypatch, extra, message):
    monkeypatch.chdir(tmp_path)
    cameras_file(tmp_path / "CAMERAS", around(2, 16))
    (tmp_path / "BROKEN").write_text("{}")
    cameras_file(tmp_path / "HUGE", around(2, 16).resized(9000, 9000))
    cameras_file(tmp_path / "FAR", around(2, 16).moved_to((1e30, 0.0, 0.0)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "000.png").touch()
    assert main(["fit", "nowhere", "-o", "o.glb", *extra]) == 2
    assert message in capsys.readouterr().err


def test_the_report_tells_the_way_from_world_to_file(tmp_path):
    class Fit:
        field, loss, resumed, steps = object(), 0.5, 0, 7

    class Shape:
        vertices, faces, bounds = torch.zeros(3, 3), torch.zeros(1, 3), torch.zeros(2, 3)

    turn = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=torch.float64)
    inputs = FitInputs(VIEWS, ObjectFrame((1.0, 2.0, 3.0), 4.0, (10.0, 0.0, 0.0)), turn, 2)
    write_report(tmp_path / "r.json", {"views": 3}, Fit(), inputs, Shape(), tmp_path / "o.glb")
    report = json.loads((tmp_path / "r.json").read_text())
    assert np.array(report["world_to_file"])[:3, :3].tolist() == turn.tolist()
    assert report["frame"] == {"center": [11.0, 2.0, 3.0], "scale": 4.0}
    assert report["fit"] == {"steps": 7, "resumed": 0, "loss": 0.5}
    assert (report["masks_found"], report["mesh"]["file"]) == (2, "o.glb")


@pytest.mark.slow
@pytest.mark.parametrize("field", ["sdf", "radiance"])
def test_frames_are_written_by_the_command(tmp_path, field):
    from recon_lib.views.posed_images import save_views

    folder = save_views(posed(sphere(), around(6, 32)), tmp_path / "views")
    path = cameras_file(tmp_path / "c.json", around(2, 24))
    quick = ["--grid", "32", "--rounds", "3"] if field == "sdf" else []
    quick += ["--resolution", "24", "--texture-size", "64", "--pixels", "32"]
    command = ["fit", str(folder), "-o", str(tmp_path / "o.glb"), "--field", field, *quick]
    assert main([*command, "--render", str(path), "--frames", str(tmp_path / "f")]) == 0
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == ["000.png", "001.png"]
    picture = Image.open(tmp_path / "f" / "001.png")
    assert (picture.size, picture.mode) == ((24, 24), "RGBA")
    alpha = np.asarray(picture)[..., 3] / 255
    true = posed(sphere(), around(2, 24)).masks[1, 0].numpy()
    assert np.abs(alpha - true).mean() < 0.06
