"""Pictures with projection matrices: lists in JSON, and text files of PMVS and Strecha."""

import json

import numpy as np
import pytest

from recon_lib.errors import BadInput
from recon_lib.views.posed_images import load_views
from tests.helpers.camera_files import HEIGHT, WIDTH, pictures, ring, same_cameras, world_to_camera


def matrices(cameras):
    """[V,3,4] float64, each times its own factor, one of them negative."""
    found = (cameras.intrinsics.double() @ world_to_camera(cameras)).numpy()
    return found * np.array([1.0, -2.0, 0.5])[: len(found), None, None]


def listed(folder, change=lambda entry: None, place="photos/"):
    cameras = ring()
    entries = [{"file": "photos/no_camera.jpg"}]
    for name, matrix in zip(pictures(folder), matrices(cameras), strict=True):
        entries.append({"file": place + name, "size": [WIDTH, HEIGHT], "projection_3x4": matrix.tolist()})
        change(entries[-1])
    (folder / "manifest.json").write_text(json.dumps(entries))
    return cameras


def test_a_list_among_its_pictures(tmp_path):
    cameras = listed(tmp_path)
    same_cameras(load_views(tmp_path).cameras, cameras)
    same_cameras(load_views(tmp_path / "manifest.json").cameras, cameras)


def test_matrices_in_pixels_of_a_larger_picture(tmp_path):
    cameras = listed(tmp_path, place="")
    pictures(tmp_path, 3, WIDTH // 2, HEIGHT // 2)
    same_cameras(load_views(tmp_path).cameras, cameras.resized(HEIGHT // 2, WIDTH // 2))


@pytest.mark.parametrize(
    ("place", "head"), [("{i}.txt", "CONTOUR\n"), ("{i}.png.P", ""), ("{i}_P.txt", ""), ("txt/{i}.txt", "CONTOUR\n")]
)
def test_text_files(tmp_path, place, head):
    cameras = ring()
    pictures(tmp_path)
    for i, matrix in enumerate(matrices(cameras)):
        path = tmp_path / place.format(i=i)
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + "\n".join(" ".join(map(repr, map(float, row))) for row in matrix) + "\n")
    same_cameras(load_views(tmp_path).cameras, cameras)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda entry: entry.update(projection_3x4=[[1, 2], [3, 4]]), "not a 3x4 list of numbers"),
        (lambda entry: entry.update(projection_3x4=np.zeros((3, 4)).tolist()), "no projection of a camera"),
        (lambda entry: entry.update(projection_3x4=[[float("nan")] * 4] * 3), "not a 3x4 list of numbers"),
        (lambda entry: entry.update(file="gone.png"), "gone.png is missing"),
        (lambda entry: entry.update(file=3), "names a file by 3"),
        (lambda entry: entry.update(file="../outside.png"), "outside its folder"),
        (lambda entry: entry.update(size=[WIDTH, WIDTH]), "are 48 and 48"),
    ],
)
def test_refused(tmp_path, change, sentence):
    folder = tmp_path / "in"
    listed(folder, change)
    (folder / "0.png").rename(tmp_path / "outside.png")
    pictures(folder)
    with pytest.raises(BadInput, match=sentence):
        load_views(folder)


def test_a_picture_without_its_matrix_is_told(tmp_path):
    pictures(tmp_path)
    for i in range(2):
        (tmp_path / f"{i}.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0")
    with pytest.raises(BadInput, match=r"2\.png has no projection matrix"):
        load_views(tmp_path)
