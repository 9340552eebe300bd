import pytest

from recon_lib.views.mask_folder import find_masks


@pytest.mark.parametrize(
    "name", ["masks/a.png", "masks/a.jpg.png", "masks/A.PNG", "mask/a.npy", "masks/images/a.png", "masks/a_mask.png",
             "images/masks/a.png"]
)  # fmt: skip
def test_where_masks_lie(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert find_masks([tmp_path / "images" / "a.jpg"], tmp_path) == [tmp_path / name]


def test_pictures_of_one_name_in_several_folders(tmp_path):
    for folder in ("left", "right"):
        (tmp_path / "masks" / folder).mkdir(parents=True)
        (tmp_path / "masks" / folder / "a.png").touch()
    images = [tmp_path / "images" / folder / "a.jpg" for folder in ("left", "right")]
    assert [mask.parent.name for mask in find_masks(images, tmp_path)] == ["left", "right"]


def test_none_and_some(tmp_path, caplog):
    images = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert find_masks(images, tmp_path) == [None, None]
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "b.png").touch()
    assert find_masks(images, tmp_path) == [None, tmp_path / "masks" / "b.png"]
    assert "1 pictures, such as a.jpg, have no mask" in caplog.text


def test_links_that_lead_out_are_no_masks(tmp_path):
    views = tmp_path / "views"
    (views / "masks").mkdir(parents=True)
    (tmp_path / "secret.png").touch()
    (views / "b.png").touch()
    try:
        (views / "masks" / "a.png").symlink_to(tmp_path / "secret.png")
        (views / "masks" / "b.png").symlink_to(views / "b.png")
    except OSError:
        pytest.skip("links cannot be made here")
    assert find_masks([views / "a.jpg", views / "b.jpg"], views) == [None, views / "masks" / "b.png"]
