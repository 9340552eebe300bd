import json

import pytest

from recon_lib.errors import BadInput
from recon_lib.files import check_output, write_json, written_whole


def test_file_appears_whole(tmp_path):
    with written_whole(tmp_path / "new" / "a.txt") as beside:
        beside.write_text("all of it")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "all of it"
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), written_whole(tmp_path / "a.txt") as beside:
        beside.write_text("half")
        raise error
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_writers_see_the_ending(tmp_path):
    with written_whole(tmp_path / "a.glb") as beside:
        assert beside.suffix == ".glb"
        beside.touch()


def test_refuses_folders_endings_and_places_without_rights(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(BadInput, match=r"does not end in \.glb or \.obj"):
        check_output(tmp_path / "a.fbx", (".glb", ".obj"))
    with pytest.raises(BadInput, match="choose another folder"):
        check_output(tmp_path / "file" / "a.glb")


def test_upper_case_endings_count(tmp_path):
    assert check_output(tmp_path / "A.GLB", (".glb",)).name == "A.GLB"


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "r.json", {"größe": [1, 2.5]})
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == {"größe": [1, 2.5]}
