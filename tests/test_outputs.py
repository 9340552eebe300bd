"""Where files cannot go: blocked and full folders, paths that lead out. One sentence, nothing half-written."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from recon_lib.cameras.camera import Cameras
from recon_lib.cli import main
from recon_lib.data.backgrounds.bank import draw_backgrounds
from recon_lib.data.shards.shards import ShardWriter
from recon_lib.errors import BadInput
from recon_lib.files import write_json
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.export import FORMATS, save_mesh
from recon_lib.training.weight_files import load_weights, save_weights
from recon_lib.views.photo import save_image
from recon_lib.views.posed_images import save_views
from recon_lib.views.views import Views
from tests.helpers.stop_button import files

TETRAHEDRON = Mesh(
    torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
    vertex_colors=torch.rand(4, 3),
)
PICTURE = torch.rand(3, 16, 16)
VIEW = Views(PICTURE[None], Cameras.orbit(0.0, 0.0, 3.0, 30.0, 16, 16), torch.ones(1, 1, 16, 16))


def shard(folder: Path) -> None:
    writer = ShardWriter()
    writer._rows = [{"object": torch.zeros(1).numpy()}]
    writer._points = writer._inside = [torch.zeros(8).numpy()]
    writer.write(folder)


WRITERS: dict[str, Callable[[Path], object]] = {
    **{f"mesh {kind}": lambda f, kind=kind: save_mesh(TETRAHEDRON, f / f"mesh.{kind}") for kind in FORMATS},
    "views": lambda f: save_views(VIEW, f / "views"),
    "picture": lambda f: save_image(PICTURE, f / "p.png"),
    "report": lambda f: write_json(f / "r.json", {"a": 1}),
    "backgrounds": lambda f: draw_backgrounds(f / "b.npy", 1, size=16),
    "shard": lambda f: shard(f / "shard"),
    "weights": lambda f: save_weights(nn.Linear(2, 2), f / "w.safetensors"),
}


def told(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_in_the_folders_place(tmp_path, writer):
    (tmp_path / "folder").write_bytes(b"a file")
    message = told(lambda: WRITERS[writer](tmp_path / "folder"))
    assert "choose another folder" in message or "check space and rights" in message
    assert files(tmp_path) == {"folder": b"a file"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_without_rights(tmp_path, writer):
    tmp_path.chmod(0o500)
    try:
        told(lambda: WRITERS[writer](tmp_path))
        assert not files(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_disk_that_fills_up(tmp_path, monkeypatch, kind):
    """Half of the bytes get there, as on a real disk; the file of before stays."""

    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / f"mesh.{kind}"
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", half)
    message = told(lambda: save_mesh(TETRAHEDRON, target))
    assert "No space left on device" in message and "check space and rights" in message
    assert files(tmp_path) == {target.name: b"old"}


@pytest.mark.parametrize("name", ["../out.glb", "sub/../../out.glb", "/out.glb", "link/out.glb", "..", "."])
def test_a_path_out_of_its_root(tmp_path, name):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    told(lambda: save_mesh(TETRAHEDRON, name, root=root))
    assert not files(tmp_path)


COMMANDS: dict[str, Callable[[Path, str], list[str]]] = {  # from the blocked folder and a mesh file
    "reconstruct -o": lambda f, m: ["reconstruct", "none.png", "-o", str(f / "o.glb")],
    "reconstruct --report": lambda f, m: ["reconstruct", "none.png", "-o", "o.glb", "--report", str(f / "r.json")],
    "reconstruct --preview": lambda f, m: ["reconstruct", "none.png", "-o", "o.glb", "--preview", str(f / "p.png")],
    "evaluate --json": lambda f, m: ["evaluate", m, m, "--json", str(f / "r.json")],
    "evaluate --error-mesh": lambda f, m: ["evaluate", m, m, "--error-mesh", str(f / "e.glb")],
    "data --sheet": lambda f, m: ["data", "--sheet", str(f / "s.png")],
    "data --shards": lambda f, m: ["data", "--shards", str(f), "--backgrounds", "1"],
    "models --pages": lambda f, m: ["models", "--pages", str(f), "--folder", str(Path(m).parent)],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_find_it_out_before_they_begin(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    save_mesh(TETRAHEDRON, tmp_path / "mesh.glb")
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "model.json").write_text(json.dumps({"system": "zeroshape-w", "licence": "none", "config": {}}))
    (tmp_path / "folder").write_bytes(b"a file")
    before = files(tmp_path)
    assert main(COMMANDS[command](tmp_path / "folder", str(tmp_path / "mesh.glb"))) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "choose another folder" in captured.err
    assert not captured.out
    assert files(tmp_path) == before


MISSING: dict[str, list[str]] = {
    "meshes": ["data", "--shards", "out", "--meshes", "nowhere"],
    "photographs": ["data", "--shards", "out", "--backgrounds", "1", "--photos", "nowhere"],
    "evaluated mesh": ["evaluate", "nowhere.glb", "nowhere.glb"],
    "shards": ["train", "zeroshape-w", "--shards", "nowhere", "--out", "out"],
}


@pytest.mark.parametrize("case", MISSING)
def test_inputs_that_are_not_there(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    assert main(MISSING[case]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "no weights file"), (b"", "truncated"), (b"\x08" + bytes(40), "truncated"), ("other", "another model")],
)
def test_weights_to_start_training_from(tmp_path, content, sentence):
    path, model = tmp_path / "w.safetensors", nn.Linear(2, 2)
    if content == "other":
        save_weights(nn.Linear(3, 2), path)
    elif content is not None:
        path.write_bytes(content)
    assert sentence in told(lambda: load_weights(model, path))


def test_weights_come_back_in_half_precision(tmp_path):
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    save_weights(one, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    assert torch.equal(other.weight, one.weight.half().float())
