"""A folder of photos: a row for each, bad ones told, finished ones skipped."""

import json
from argparse import Namespace

import pytest

from recon_lib.commands.reconstruct_folder import RESULTS, one_after_another, reconstruct_folder
from recon_lib.errors import BadInput
from recon_lib.progress import Progress

SETTINGS = {"system": "toy", "resolution": 8}


def arguments(tmp_path, **others) -> Namespace:
    return Namespace(photo=tmp_path / "photos", output=tmp_path / "meshes", **others)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.JPG", "note.txt", "c.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def run(args, settings, one) -> list[dict]:
    return reconstruct_folder(args, settings, one_after_another(one), Progress())


class Recorder:
    """Stands for a system: writes what a job's outputs would be."""

    def __init__(self, bad: tuple[str, ...] = ()) -> None:
        self.bad, self.photos = bad, []

    def __call__(self, job) -> None:
        self.photos.append(job.args.photo.name)
        if job.args.photo.name in self.bad:
            raise BadInput("No object was found.")
        job.args.output.write_bytes(b"mesh")
        job.args.report.write_text(json.dumps({"job": job.key}))


def test_every_photo_has_its_row_and_a_bad_one_stops_none(tmp_path, photos):
    recorder = Recorder(bad=("b.png",))
    rows = run(arguments(tmp_path), SETTINGS, recorder)
    assert recorder.photos == ["a.JPG", "b.png", "c.png"]
    assert rows == [
        {"photo": "a.JPG", "file": "a.glb"},
        {"photo": "b.png", "error": "No object was found."},
        {"photo": "c.png", "file": "c.glb"},
    ]
    assert json.loads((tmp_path / "meshes" / RESULTS).read_text()) == {"photos": rows, "of": 3}


def test_a_rerun_does_what_is_missing_changed_or_was_made_by_other_settings(tmp_path, photos):
    run(arguments(tmp_path), SETTINGS, Recorder(bad=("b.png",)))
    again = Recorder()
    rows = run(arguments(tmp_path), SETTINGS, again)
    assert again.photos == ["b.png"]
    assert [row.get("skipped", False) for row in rows] == [True, False, True]
    (photos / "c.png").write_bytes(b"another photo")
    (tmp_path / "meshes" / "a.json").write_text("{broken")
    changed = Recorder()
    run(arguments(tmp_path), SETTINGS, changed)
    assert changed.photos == ["a.JPG", "c.png"]
    other = Recorder()
    run(arguments(tmp_path), {**SETTINGS, "resolution": 16}, other)
    assert len(other.photos) == 3


def test_a_run_that_is_cut_off_has_told_what_it_did(tmp_path, photos):
    class CutOff(Recorder):
        def __call__(self, job) -> None:
            if job.args.photo.name == "c.png":
                raise KeyboardInterrupt
            super().__call__(job)

    with pytest.raises(KeyboardInterrupt):
        run(arguments(tmp_path), SETTINGS, CutOff())
    told = json.loads((tmp_path / "meshes" / RESULTS).read_text())
    assert [row["photo"] for row in told["photos"]] == ["a.JPG", "b.png"] and told["of"] == 3


def test_photos_of_one_stem_keep_their_endings(tmp_path, photos):
    (photos / "b.jpg").write_bytes(b"b too")
    rows = run(arguments(tmp_path), SETTINGS, Recorder())
    assert [row["file"] for row in rows] == ["a.glb", "b.jpg.glb", "b.png.glb", "c.glb"]


@pytest.mark.parametrize(
    ("others", "sentence"),
    [({"mask": "m.png"}, "--mask is of one photo"), ({"keep_views": "v"}, "--keep-views is of one photo")],
)
def test_options_of_one_photo_are_refused(tmp_path, photos, others, sentence):
    with pytest.raises(BadInput, match=sentence):
        run(arguments(tmp_path, **others), SETTINGS, Recorder())


def test_an_empty_folder_and_an_output_that_is_a_file_are_told(tmp_path, photos):
    args = arguments(tmp_path)
    args.output = tmp_path / "out.glb"
    with pytest.raises(BadInput, match="name it without an ending"):
        run(args, SETTINGS, Recorder())
    for path in photos.iterdir():
        path.unlink()
    with pytest.raises(BadInput, match="no photo in"):
        run(arguments(tmp_path), SETTINGS, Recorder())


def test_the_command_loads_its_model_once_and_tells_bad_photos(tmp_path, repo_root, monkeypatch, capsys):
    from PIL import Image

    from recon_lib.cli import main
    from recon_lib.weights import registry

    folder, loaded, load = tmp_path / "photos", [], registry.load_model
    folder.mkdir()
    with Image.open(repo_root / "assets" / "photos" / "dahlia.jpg") as photo:
        small = photo.resize((160, 107))
    for name in ("one.png", "two.png"):
        small.save(folder / name)
    (folder / "bad.png").write_bytes(b"no picture")
    monkeypatch.setattr(registry, "load_model", lambda *a, **k: loaded.append(a) or load(*a, **k))
    code = main(["reconstruct", str(folder), "-o", str(tmp_path / "out"), "--resolution", "16", "--texture-size", "64"])
    told = capsys.readouterr()
    assert code == 2 and "bad.png" in told.err
    assert told.out == f"{tmp_path / 'out'}: 2 of 3 photos have their mesh\n"
    assert len(loaded) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "one.glb", "one.json", "results.json", "two.glb", "two.json",
    ]  # fmt: skip


def test_files_of_others_beside_the_photos_stay(tmp_path, photos):
    (photos / "b.json").write_text('{"mine": 1}')
    arguments_here = Namespace(photo=photos, output=photos)
    rows = run(arguments_here, SETTINGS, Recorder())
    assert [row.get("error", "")[-75:] for row in rows] == [
        "",
        "b.json exists already and is of no earlier run; name another output folder.",
        "",
    ]
    assert (photos / "b.json").read_text() == '{"mine": 1}'
    (photos / RESULTS).write_text("[1]")
    with pytest.raises(BadInput, match="is not of an earlier run"):
        run(arguments_here, SETTINGS, Recorder())
    assert (photos / RESULTS).read_text() == "[1]"


@pytest.mark.parametrize(
    ("names", "meshes"),
    [
        (["results.png"], ["results.png.glb"]),  # results.json is the list of rows
        (["a.png", "a.jpg"], ["a.jpg.glb", "a.png.glb"]),
        (["A.png", "a.jpg"], ["A.png.glb", "a.jpg.glb"]),  # one file where case does not count
        (["a.png", "a.jpg", "a.png.bmp"], None),
    ],
)
def test_every_photo_has_a_name_of_its_own(tmp_path, names, meshes):
    (tmp_path / "photos").mkdir()
    for name in names:
        (tmp_path / "photos" / name).write_bytes(name.encode())
    if meshes is None:
        with pytest.raises(BadInput, match="rename one"):
            run(arguments(tmp_path), SETTINGS, Recorder())
        return
    rows = run(arguments(tmp_path), SETTINGS, Recorder())
    assert [row["file"] for row in rows] == meshes


def test_a_field_of_view_that_is_none_is_told_before_any_photo(tmp_path, photos):
    recorder = Recorder()
    with pytest.raises(BadInput, match="Field of view"):
        run(arguments(tmp_path, fov=500.0), SETTINGS, recorder)
    assert not recorder.photos and not (tmp_path / "meshes").exists()
