"""Progress, interruption, folders: what the nodes ask of ComfyUI."""

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture
def host(pack):
    return pack.file("host")


def bad_input(pack):
    return pack.lib("errors").BadInput


def test_steps_and_pictures_reach_the_progress_bar(host):
    from comfy import utils

    progress = host.ComfyProgress()
    progress.start("work", 4)
    progress.step(torch.full((3, 8, 8), 0.5))
    progress.step()
    assert [(value, total) for value, total, _ in utils.updates] == [(0, 4), (1, 4), (2, 4)]
    kind, picture, size = utils.updates[1][2]
    assert (kind, picture.size, picture.getpixel((0, 0)), size) == ("JPEG", (8, 8), (128, 128, 128), host.PREVIEW_SIZE)
    assert utils.updates[2][2] is None


def test_previews_are_spaced_and_not_even_drawn_between(host, monkeypatch):
    from comfy import utils

    now = iter([0.0, 0.1, 0.3])
    monkeypatch.setattr(host.time, "monotonic", lambda: next(now))
    drawn = []

    def draw():
        drawn.append(1)
        return torch.zeros(1, 4, 4)

    progress = host.ComfyProgress()
    progress.start("work", 3)
    now = iter([0.0, 0.1, 0.3])
    for _ in range(3):
        progress.step(draw)
    assert len(drawn) == 2
    assert [preview is None for _, _, preview in utils.updates] == [True, False, True, False]


def test_the_stop_button_raises_what_comfyui_raises(host):
    from comfy import model_management

    progress = host.ComfyProgress()
    progress.start("work", 2)
    model_management.interrupt_current_processing()
    with pytest.raises(model_management.InterruptProcessingException):
        progress.check()


def test_ordinary_tensors_can_be_edited_after_inference_mode(host):
    with torch.inference_mode():
        with host.training_tensors():
            made = torch.zeros(2)
        assert not made.is_inference()
    made.add_(1)


def test_room_is_made_for_the_model_before_it_runs(host):
    from types import SimpleNamespace

    from comfy import model_management

    model = SimpleNamespace(card=SimpleNamespace(parameters=1000))
    assert host.reserve_memory(model) == torch.device("cpu")
    assert model_management.freed[-1] == 4000 + model_management.minimum_inference_memory()


def test_output_files_are_numbered_and_stand_in_the_history_entry(host):
    path, entry = host.output_path("3d/thing", ".glb")
    assert (path.name, entry["subfolder"], entry["type"]) == ("thing_00001_.glb", "3d", "output")
    path.touch()
    assert host.output_path("3d/thing", ".glb")[0].name == "thing_00002_.glb"


@pytest.mark.parametrize("prefix", [
    "../outside", "/etc/passwd", "a/../../b", "folder/", "", "  ", ".", "..", "a/.", "a/..", "./", "link/x", "a\\..",
    "a\0b", "\ud800", "x" * 300, "x/" * 3000, "x" * 10**6,
])  # fmt: skip
def test_a_name_that_leaves_the_output_folder_is_refused(pack, host, prefix, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output" / "link").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(bad_input(pack), match=r"inside it|no name|rename it") as caught:
        host.output_path(prefix, ".glb")
    assert len(str(caught.value)) < 400
    assert sorted(tmp_path.rglob("*")) == before


def test_input_paths_come_from_input_or_output(host, tmp_path):
    (tmp_path / "input" / "a.obj").touch()
    (tmp_path / "output" / "b.obj").touch()
    assert host.input_path("a.obj", "Mesh") == tmp_path / "input" / "a.obj"
    for name in ("b.obj", "b.obj [output]"):
        assert host.input_path(name, "Mesh") == tmp_path / "output" / "b.obj"
    (tmp_path / "input" / "b.obj").touch()
    assert host.input_path("b.obj", "Mesh") == tmp_path / "input" / "b.obj"
    assert host.input_path("b.obj [output]", "Mesh") == tmp_path / "output" / "b.obj"


def test_what_was_written_is_found_by_its_name(host, tmp_path):
    entry = {"subfolder": "views", "filename": "object_00001_"}
    (tmp_path / "output" / "views" / "object_00001_").mkdir(parents=True)
    assert host.output_name(entry) == "views/object_00001_"
    (tmp_path / "input" / "views" / "object_00001_").mkdir(parents=True)
    for name in (host.output_name(entry), host.output_name(entry)):
        assert host.input_path(name, "Views") == tmp_path / "output" / "views" / "object_00001_"


def test_graphs_are_written_unless_the_user_forbids_it(host, monkeypatch):
    from types import SimpleNamespace

    from comfy import cli_args

    hidden = SimpleNamespace(prompt={"1": {}}, extra_pnginfo={"workflow": {"nodes": []}})
    assert host.graph_texts(hidden) == {"prompt": '{"1": {}}', "workflow": '{"nodes": []}'}
    assert host.graph_texts(None) == {} == host.graph_texts(SimpleNamespace(prompt=None, extra_pnginfo=None))
    monkeypatch.setattr(cli_args.args, "disable_metadata", True)
    assert host.graph_texts(hidden) == {}


@pytest.mark.parametrize("name", [
    "missing.obj", "", " ", "../../secret", ".", "a/..", "/etc/passwd", "link/secret", "loop", "a\0b", "\ud800",
    "x" * 300, "x" * 10**6, ". [output]", "../input/x [output]",
])  # fmt: skip
def test_input_paths_that_lead_nowhere_are_told(pack, host, name, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").touch()
    (tmp_path / "input" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "input" / "loop").symlink_to(tmp_path / "input" / "loop")
    with pytest.raises(bad_input(pack), match=r"is not in|outside|rename it|is needed|cannot be followed") as caught:
        host.input_path(name, "Mesh file")
    assert len(str(caught.value)) < 400


def test_mesh_files_are_listed_from_input_and_its_3d_folder(host, tmp_path):
    (tmp_path / "input" / "3d").mkdir()
    for name in ("b.GLB", "3d/a.stl", "note.txt"):
        (tmp_path / "input" / name).touch()
    assert host.input_files({".glb", ".stl"}) == ["3d/a.stl", "b.GLB"]
    (tmp_path / "output" / "3d").mkdir()
    for number, name in enumerate(("3d/old.glb", "new.stl", "image.png")):
        (tmp_path / "output" / name).touch()
        os.utime(tmp_path / "output" / name, (number, number))
    made = ["new.stl [output]", "3d/old.glb [output]"]
    assert host.input_files({".glb", ".stl"}) == ["3d/a.stl", "b.GLB", *made]


def test_a_changed_file_in_a_folder_changes_the_fingerprint(host, tmp_path):
    folder = tmp_path / "input" / "views"
    folder.mkdir()
    (folder / "transforms.json").write_text("{}")
    os.utime(folder / "transforms.json", ns=(0, 10**18))
    first = host.changed(folder)
    assert host.changed(folder) == first
    os.utime(folder / "transforms.json", ns=(0, 3 * 10**18))
    assert host.changed(folder) != first


def test_model_folders_hold_the_packs_own(host, tmp_path):
    assert host.model_folders() == [Path(tmp_path) / "models" / "recon3d"]
    assert host.pipeline_folders()[-1] == tmp_path / "models" / "diffusers"


def test_networks_leave_the_device_when_a_node_is_done(pack):
    from types import SimpleNamespace

    class Probe(torch.nn.Module):
        def to(self, device):
            moved.append(device)

    moved: list = []
    pack.file("host").offload({"field": SimpleNamespace(module=Probe()), "count": 3, "name": "x"})
    assert moved == ["cpu"]


def test_messages_name_no_folder_of_the_server(host, tmp_path):
    """And are short, whatever they quote."""
    told = host.public(f"{tmp_path}/input/3d/a.obj and {tmp_path}/output are bad, so is {tmp_path}/user/recon3d/x.pt.")
    assert told == "input/3d/a.obj and output are bad, so is user/recon3d/x.pt."
    assert len(host.public("x" * 10**6)) == host.LONGEST_MESSAGE


def test_samples_lie_where_workflows_look_and_nothing_is_replaced(host, tmp_path):
    mine = tmp_path / "input" / "recon3d_dahlia.jpg"
    mine.write_bytes(b"mine")
    host.offer_samples()
    assert mine.read_bytes() == b"mine"
    photos = sorted((host.PACK / "assets" / "photos").glob("*.jpg"))
    offered = [tmp_path / "input" / f"recon3d_{photo.name}" for photo in photos]
    assert len(photos) > 1 and all(path.is_file() for path in offered)
    assert offered[0].read_bytes() == photos[0].read_bytes()
    assert len(list((tmp_path / "input" / "recon3d_figure" / "images").glob("*.png"))) == 12
    host.offer_samples()


def test_an_input_folder_that_cannot_be_written_is_told_and_stops_nothing(host, tmp_path, caplog):
    (tmp_path / "input").rmdir()
    host.offer_samples()
    assert "could not be put into" in caplog.text
