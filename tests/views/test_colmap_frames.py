"""COLMAP projects as people have them."""

import shutil

import pytest
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.colmap_frames import find_model, read_colmap
from recon_lib.views.posed_images import load_views
from tests.helpers.camera_files import HEIGHT, WIDTH, colmap_project, pictures, same_cameras, write_binary


@pytest.mark.parametrize("place", ["sparse/0", "sparse", ".", "colmap/sparse/0"])
def test_where_models_lie(tmp_path, place):
    cameras = colmap_project(tmp_path / "a")
    shutil.copytree(tmp_path / "a" / "images", tmp_path / "b" / "images")
    shutil.copytree(tmp_path / "a" / "sparse" / "0", tmp_path / "b" / place, dirs_exist_ok=True)
    views = load_views(tmp_path / "b")
    same_cameras(views.cameras, cameras)
    assert views.images[:, 0, 0, 0].mul(255).round().tolist() == [20, 60, 100]
    model = tmp_path / "b" / place
    same_cameras(load_views(model).cameras, cameras)
    same_cameras(load_views(model / "images.txt").cameras, cameras)


def test_binary_models_and_pictures_beside_them(tmp_path):
    pictures(tmp_path / "sub", 2)
    image = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 3.0)
    write_binary(
        tmp_path, [(1, "SIMPLE_PINHOLE", WIDTH, HEIGHT, (60.0, 24.0, 16.0))],
        [(i, *image, 1, f"sub/{i}.png") for i in range(2)], points=3,
    )  # fmt: skip
    views = load_views(tmp_path)
    assert views.cameras.position.tolist() == [[0, 0, -3]] * 2


def test_reduced_copies_scale_the_lens(tmp_path):
    cameras = colmap_project(tmp_path)
    shutil.rmtree(tmp_path / "images")
    pictures(tmp_path / "images_2", 3, WIDTH // 2, HEIGHT // 2)
    same_cameras(load_views(tmp_path).cameras, cameras.resized(HEIGHT // 2, WIDTH // 2))


def test_masks_as_colmap_names_them(tmp_path):
    colmap_project(tmp_path)
    (tmp_path / "masks").mkdir()
    for i in range(3):
        mask = Image.new("L", (WIDTH, HEIGHT), 0)
        mask.paste(255, (10, 10, 20 + i, 20))
        mask.save(tmp_path / "masks" / f"{i}.png.png")
    assert load_views(tmp_path).masks.sum((1, 2, 3)).tolist() == [100, 110, 120]


def test_missing_pictures_models_and_sizes(tmp_path):
    with pytest.raises(BadInput, match="holds no COLMAP model"):
        read_colmap(tmp_path)
    assert find_model(tmp_path) is None
    colmap_project(tmp_path)
    (tmp_path / "images" / "1.png").unlink()
    with pytest.raises(BadInput, match=r"1\.png is missing"):
        load_views(tmp_path)
    pictures(tmp_path / "images", 3, WIDTH, WIDTH)
    with pytest.raises(BadInput, match="are 48 and 32, its image has 48x48"):
        load_views(tmp_path)
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(BadInput, match="put them into the folder images"):
        load_views(tmp_path)


def test_names_that_lead_out_are_refused(tmp_path):
    pictures(tmp_path, 1)
    folder = tmp_path / "project"
    write_binary(
        folder, [(1, "SIMPLE_PINHOLE", WIDTH, HEIGHT, (60.0, 24.0, 16.0))],
        [(1, (1.0, 0, 0, 0), (0.0, 0, 1), 1, "../0.png")],
    )  # fmt: skip
    with pytest.raises(BadInput, match="outside its folder"):
        load_views(folder)
