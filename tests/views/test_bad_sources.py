"""Sources that are wrong in the ways people's are, whatever the format: a sentence, or right views."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.posed_images import load_posed, load_views
from tests.helpers.camera_files import HEIGHT, WIDTH, colmap_project, pictures

EYE = np.eye(4).tolist()


def listed(folder, names, **top):
    frames = [{"file_path": f"images/{name}", "transform_matrix": EYE} for name in names]
    (folder / "transforms.json").write_text(json.dumps({"fl_x": 60.0, **top, "frames": frames}))
    return folder


def test_two_thousand_frames_are_reduced_to_what_memory_holds(tmp_path):
    names = pictures(tmp_path / "images", 1) * 2000
    views = load_views(listed(tmp_path, names), max_bytes=2000 * 4 * 4 * 16 * 24)
    assert len(views) == 2000
    assert max(views.images.shape[-2:]) <= 24
    assert views.cameras.intrinsics[0, 0, 0] == pytest.approx(60 * views.cameras.width / WIDTH)


def test_one_view_loads(tmp_path):
    assert len(load_views(listed(tmp_path, pictures(tmp_path / "images", 1)))) == 1


def test_mixed_sizes_of_a_colmap_model(tmp_path):
    colmap_project(tmp_path)
    text = (tmp_path / "sparse/0/cameras.txt").read_text().splitlines()
    number, model, _, _, *values = text[-1].split()
    text.append(" ".join(["9", model, str(HEIGHT), str(WIDTH), *values]))
    (tmp_path / "sparse/0/cameras.txt").write_text("\n".join(text))
    images = (tmp_path / "sparse/0/images.txt").read_text()
    (tmp_path / "sparse/0/images.txt").write_text(images.replace(f" {number} 2.png", " 9 2.png"))
    Image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / "images/2.png")
    views = load_views(tmp_path)
    assert views.images.shape[-2:] == (WIDTH, WIDTH), "padded"
    assert views.masks.mean((1, 2, 3)).tolist() == pytest.approx([HEIGHT / WIDTH] * 3)


def test_whether_masks_were_given_is_told(tmp_path):
    names = pictures(tmp_path / "images", 3)
    cut = Image.new("RGBA", (WIDTH, HEIGHT), (9, 9, 9, 0))
    cut.paste((200, 9, 9, 255), (10, 10, 20, 20))
    cut.save(tmp_path / "images" / "1.png")
    Image.new("RGBA", (WIDTH, HEIGHT), (9, 9, 9, 255)).save(tmp_path / "images" / "2.png")
    assert load_posed(listed(tmp_path, names)).masked.tolist() == [False, True, False]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
def test_poses_that_are_no_numbers(tmp_path, value):
    colmap_project(tmp_path)
    path = tmp_path / "sparse/0/images.txt"
    lines = path.read_text().splitlines()
    words = lines[1].split()
    words[5] = repr(value)
    path.write_text("\n".join([lines[0], " ".join(words), *lines[2:]]))
    with pytest.raises(BadInput, match=r"which is none|beyond"):
        load_views(tmp_path)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_scales_far_from_one_keep_their_digits(tmp_path, scale):
    names = pictures(tmp_path / "images", 2)
    listed(tmp_path, names)
    value = json.loads((tmp_path / "transforms.json").read_text())
    for i, frame in enumerate(value["frames"]):
        frame["transform_matrix"] = [[1, 0, 0, scale * i], [0, 1, 0, 0], [0, 0, 1, 3 * scale], [0, 0, 0, 1]]
    (tmp_path / "transforms.json").write_text(json.dumps(value))
    views = load_views(tmp_path)
    assert views.origin == (0, 0, 0)
    assert views.cameras.position[1].tolist() == pytest.approx([scale, 0, 3 * scale], rel=1e-6)
