"""Personalise Painter, and its file in Load Outpainter."""

from pathlib import Path

import pytest
import torch

from tests.nodes.test_outpaint import scene, told, write_outpainter  # noqa: F401


@pytest.fixture
def views(pack, tiny_model, photo, disc):
    return pack.run("Recon3D_VisibleSurface", model=tiny_model, image=photo, mask=disc).result[1]


def learned(pack, painter, views, **inputs):
    return pack.run("Recon3D_PersonalisePainter", outpainter=painter, views=views, **inputs).result


def test_the_file_lies_where_it_was_asked_for(pack, tiny_outpainter, quick_training, views, tmp_path):
    tuned, first = learned(pack, tiny_outpainter, views)
    _, second = learned(pack, tiny_outpainter, views)
    assert [Path(path) for path in (first, second)] == [
        tmp_path / "output" / "loras" / f"recon3d_0000{number}_.safetensors" for number in (1, 2)
    ]
    assert tuned.lora == first and tiny_outpainter.lora == ""
    assert Path(first).read_bytes() == Path(second).read_bytes()
    passing = Path(learned(pack, tiny_outpainter, views, file=" ")[1])
    assert passing.parent == tmp_path / "temp" and passing.read_bytes() == Path(first).read_bytes()
    outside = {"outpainter": tiny_outpainter, "views": views, "file": "../../x"}
    assert "outside" in told(pack, "Recon3D_PersonalisePainter", **outside)


def test_a_file_brings_back_what_was_learned(pack, quick_training, views, scene, tmp_path):  # noqa: F811
    write_outpainter(pack, tmp_path / "models" / "recon3d")
    loader = pack.nodes["Recon3D_LoadOutpainter"]
    plain = pack.run("Recon3D_LoadOutpainter", name="painter").result[0]
    tuned, path = learned(pack, plain, views, file="")
    (tmp_path / "models" / "loras" / "mine").mkdir(parents=True)
    Path(path).rename(tmp_path / "models" / "loras" / "mine" / "cup.safetensors")
    again = pack.run("Recon3D_LoadOutpainter", name="painter", lora="mine/cup.safetensors").result[0]
    pictures = [
        pack.run("Recon3D_OutpaintView", outpainter=painter, gap=scene["gap"]).result[1]
        for painter in (tuned, again, plain)
    ]
    assert torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[1], pictures[2])
    assert len(loader.fingerprint_inputs(name="painter", lora="mine/cup.safetensors")) == 2
    assert len(loader.fingerprint_inputs(name="painter")) == 1
    (lora,) = [socket for socket in loader.define_schema().inputs if socket.id == "lora"]
    assert lora.options == ["none", "mine/cup.safetensors"]


def test_widgets_reach_the_lessons(pack, tiny_outpainter, quick_training, views, monkeypatch):
    asked = []

    def personalize(painter, views, target, *, kind, settings, seed, progress):
        asked.append((kind, settings.steps, settings.rank, settings.rate, seed))
        return painter

    monkeypatch.setattr(pack.lib("stages.outpainting.personalize.painter"), "personalize", personalize)
    learned(pack, tiny_outpainter, views)
    learned(pack, tiny_outpainter, views, kind="cup", steps=7, rank=3, rate=0.02, seed=9)
    assert asked == [("object", quick_training.steps, 8, quick_training.rate, 0), ("cup", 7, 3, 0.02, 9)]


def test_what_cannot_learn_is_told(pack, tiny_outpainter, views):
    plain = pack.lib("stages.outpainting.painter_plain").PlainPainter(32)
    assert "no network to train" in told(pack, "Recon3D_PersonalisePainter", outpainter=plain, views=views)
    bare = type(views)(views.images, views.cameras, views.masks)
    assert "no depth and normals" in told(pack, "Recon3D_PersonalisePainter", outpainter=tiny_outpainter, views=bare)
