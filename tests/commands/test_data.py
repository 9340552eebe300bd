from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.cli import main
from recon_lib.data.backgrounds import bank as background_bank
from recon_lib.data.shards import render_shards, sheet


@pytest.fixture
def calls(monkeypatch):
    """Calls of the data engine, in order, without the progress."""
    calls_made = []

    def recorded(name):
        def call(*args, progress=None, **options):
            calls_made.append((name, args, options))

        return call

    monkeypatch.setattr(render_shards, "render_meshes", recorded("meshes"))
    monkeypatch.setattr(render_shards, "render_solids", recorded("solids"))
    monkeypatch.setattr(background_bank, "draw_backgrounds", recorded("backgrounds"))
    return calls_made


class TestSheet:
    @pytest.fixture
    def samples(self, monkeypatch):
        asked = []

        def draw(count, **options):
            asked.append((count, options))
            return torch.full((3, 8, 12), 0.2)

        monkeypatch.setattr(sheet, "sample_sheet", draw)
        return asked

    def test_it_is_written(self, samples, tmp_path):
        out = tmp_path / "new" / "sheet.png"
        assert main(["data", "--sheet", str(out), "--count", "3", "--seed", "9", "--meshes", "m"]) == 0
        assert samples == [(3, {"seed": 9, "meshes": Path("m")})]
        picture = np.asarray(Image.open(out))
        assert picture.shape == (8, 12, 3) and (picture == 51).all()

    def test_the_name_is_checked_before_the_work(self, samples, tmp_path, capsys):
        assert main(["data", "--sheet", str(tmp_path / "sheet.gif")]) == 2
        assert "does not end in" in capsys.readouterr().err and samples == []

    @pytest.mark.parametrize("count", ["0", "-2"])
    def test_it_needs_a_sample(self, samples, tmp_path, capsys, count):
        assert main(["data", "--sheet", str(tmp_path / "sheet.png"), "--count", count]) == 2
        assert f"--count is {count}; a whole number from 1" in capsys.readouterr().err and samples == []


class TestShards:
    def test_everything_at_once(self, calls, tmp_path, monkeypatch):
        monkeypatch.setattr("recon_lib.data.rendering.objects.list_objects", lambda *_: [])
        Image.new("RGB", (5, 4), (9, 8, 7)).save(tmp_path / "b.png")
        Image.new("L", (3, 3), 50).save(tmp_path / "a.jpg")
        (tmp_path / "notes.txt").touch()
        arguments = "--shards out --meshes m --up y --split val --solids 10 --views 3 --backgrounds 7 --seed 2"
        assert main(["data", *arguments.split(), "--photos", str(tmp_path)]) == 0
        (drawn, args, options), meshes, solids = calls
        assert (drawn, args, options["seed"]) == ("backgrounds", (Path("out/backgrounds.npy"), 7), 2)
        assert [photo.shape for photo in options["photos"]] == [(3, 3, 3), (4, 5, 3)]
        assert (options["photos"][1] == [9, 8, 7]).all()
        assert meshes == ("meshes", (Path("m"), Path("out")), {"seed": 2, "split": "val", "up": "y", "views": 3})
        assert solids == ("solids", (Path("out"), range(20, 30)), {"views": 3})

    def test_solids_alone(self, calls):
        assert main(["data", "--shards", "out", "--solids", "4"]) == 0
        assert calls == [("solids", (Path("out"), range(4)), {"views": 8})]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do; give --sheet OUT.png, --shards FOLDER or --orbits FOLDER"),
        (["--shards", "out"], "nothing to render; give --meshes, --solids or --backgrounds"),
        (["--orbits", "out"], "nothing to render; give --meshes or --solids, or --outpaint-samples"),
        (["--outpaint-samples", "out"], "nothing to do"),
        (["--shards", "out", "--backgrounds", "2", "--photos", "nowhere"], "There is no folder nowhere"),
    ],
)
def test_nothing_to_do(calls, capsys, arguments, message):
    assert main(["data", *arguments]) == 2
    assert message in capsys.readouterr().err and calls == []


@pytest.mark.parametrize("content", [b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"])
def test_a_damaged_photo_is_named(calls, capsys, tmp_path, content):
    """PostScript is none, whatever its name: it would be handed to another program."""
    (tmp_path / "a.png").write_bytes(content)
    assert main(["data", "--shards", "out", "--backgrounds", "2", "--photos", str(tmp_path)]) == 2
    assert "a.png" in capsys.readouterr().err and calls == []


def test_rings_and_the_samples_of_their_gaps(monkeypatch, tmp_path, capsys):
    from recon_lib.data.shards import orbits
    from recon_lib.training.outpainter import dataset

    asked = []

    def recorded(name):
        return lambda *args, progress, **options: asked.append((name, args, options))

    monkeypatch.setattr(orbits, "render_mesh_orbits", recorded("meshes"))
    monkeypatch.setattr(orbits, "render_solid_orbits", recorded("solids"))
    monkeypatch.setattr(dataset, "make_samples", recorded("samples"))
    folders = ["--orbits", str(tmp_path / "r"), "--outpaint-samples", str(tmp_path / "g")]
    assert main(["data", *folders, "--meshes", "m", "--solids", "3", "--seed", "2", "--split", "val"]) == 0
    assert asked == [
        ("meshes", (Path("m"), tmp_path / "r"), {"seed": 2, "split": "val", "up": "z"}),
        ("solids", (tmp_path / "r", range(6, 9)), {}),
        ("samples", (tmp_path / "r", tmp_path / "g"), {"count": 8, "seed": 2}),
    ]
