import json

import pytest

from recon_lib.errors import BadInput
from recon_lib.views.frame_files import ARRAY_ENDINGS, ViewFolder, find_list


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


class TestList:
    def test_a_folders_list(self, tmp_path):
        made(tmp_path, "transforms.json", "other.json", "transforms_train.json")
        assert find_list(tmp_path).name == "transforms.json"
        assert find_list(tmp_path / "other.json").name == "other.json"

    def test_the_training_part_of_a_split(self, tmp_path, caplog):
        made(tmp_path, "transforms_train.json", "transforms_val.json", "transforms_test.json")
        with caplog.at_level("INFO", "recon3d"):
            assert find_list(tmp_path).name == "transforms_train.json"
        assert "views are those of transforms_train.json" in caplog.text

    def test_the_only_json(self, tmp_path):
        made(tmp_path, "cameras.JSON", "picture.png")
        assert find_list(tmp_path).name == "cameras.JSON"

    def test_several_are_listed(self, tmp_path):
        made(tmp_path, "transforms_val.json", "b.json")
        with pytest.raises(BadInput, match=r"has no transforms.json but b.json, transforms_val.json; name the file"):
            find_list(tmp_path)

    def test_none_at_all(self, tmp_path):
        with pytest.raises(BadInput, match="no JSON file at all"):
            find_list(tmp_path)
        for missing in ("nowhere", "x" * 300, "a\0"):
            with pytest.raises(BadInput):
                find_list(tmp_path / missing)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("images/a.png", "images/a.png"),
        ("./images/a.png", "images/a.png"),
        ("images\\a.png", "images/a.png"),
        (".\\images\\a.png", "images/a.png"),
        ("images/a", "images/a.jpg"),
        ("images/a", "images/a.JPEG"),
        ("images/a", "images/a.webp"),
        ("images/img.001", "images/img.001.png"),
        ("images/v1.2/r.0", "images/v1.2/r.0.jpg"),
        ("images/A.PNG", "images/a.png"),
        ("images/a.jpg", "images/a.JPG"),
        (" images/a.png", "images/a.png"),
        ("a/../images/a.png", "images/a.png"),
        ("depth/a", "depth/a.npy"),
    ],
)
def test_names_as_people_write_them(tmp_path, name, file):
    made(tmp_path, file, "a/x")
    found = ViewFolder(tmp_path, "t.json").find(name, ARRAY_ENDINGS)
    assert found.resolve() == (tmp_path / file).resolve()


def test_the_exact_name_counts_first_and_then_png(tmp_path):
    made(tmp_path, "a", "a.png", "a.jpg", "b.jpg", "b.png")
    folder = ViewFolder(tmp_path, "t.json")
    assert folder.find("a").name == "a"
    assert folder.find("b").name == "b.png"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("b.png", "b.png is missing"),
        ("nowhere/b.png", "b.png is missing"),
        ("images", "images is missing"),
        ("../a.png", "outside its folder"),
        ("images/../../a.png", "outside its folder"),
        ("..\\a.png", "outside its folder"),
        ("/etc/hosts", "outside its folder"),
        ("circle/a.png", "is missing|outside its folder"),
        (3, "names a file by 3"),
        ("", "names a file by ''"),
        (["a"], "names a file by"),
        ("x" * 300, "255"),
        ("a\0b", "NUL"),
        ("a\ud800", "NUL"),
    ],
)
def test_refused(tmp_path, name, sentence):
    made(tmp_path / "in", "images/a.png")
    made(tmp_path, "a.png")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in" / "circle")
    with pytest.raises(BadInput, match=sentence):
        ViewFolder(tmp_path / "in", "t.json").find(name)


def test_values_survive_json(tmp_path):
    """Lone surrogates reach a file only by JSON's escapes."""
    with pytest.raises(BadInput, match="NUL"):
        ViewFolder(tmp_path, "t.json").find(json.loads('"\\ud800.png"'))
