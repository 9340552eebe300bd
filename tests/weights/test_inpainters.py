"""Outpainters are found by what their files say; foreign folders are passed over."""

import json

import pytest

from recon_lib.errors import BadInput
from recon_lib.files import write_json
from recon_lib.weights import inpainters


@pytest.fixture
def shelf(tmp_path):
    """A folder of models as users have it."""

    def put(name: str, file: str, said: object) -> None:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / file).write_text(said if isinstance(said, str) else json.dumps(said))

    put("sd/v1-5", "model_index.json", {"_class_name": "StableDiffusionPipeline"})
    put("sd/fill", "model_index.json", {"_class_name": "StableDiffusionInpaintPipeline"})
    put("xl", "model_index.json", {"_class_name": "StableDiffusionXLPipeline"})
    put("marigold", "model_index.json", {"_class_name": "MarigoldDepthPipeline"})
    put("broken", "model_index.json", "{")
    put("depth", "config.json", {"_class_name": "ControlNetModel"})
    put("dpt", "config.json", {"model_type": "dpt"})
    return tmp_path


def test_pipelines_that_can_inpaint_are_found(shelf):
    found = inpainters.find_inpaint_folders([shelf, shelf])
    assert [(entry.name, entry.side) for entry in found] == [("sd/fill", 512), ("sd/v1-5", 512), ("xl", 1024)]
    assert inpainters.find_folder("xl", found).path == shelf / "xl"
    with pytest.raises(BadInput, match="there is: sd/fill, sd/v1-5, xl"):
        inpainters.find_folder("flux", found)


def test_controls_are_found(shelf):
    found = inpainters.find_depth_controls([shelf])
    assert [entry.name for entry in found] == ["depth"]
    with pytest.raises(BadInput, match="there is: none"):
        inpainters.find_folder("depth", [])


def test_missing_folders_hold_nothing(tmp_path):
    assert inpainters.find_inpaint_folders([tmp_path / "none"]) == []


def test_only_outpainters_of_this_pack_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr("recon_lib.weights.registry.EMBEDDED", tmp_path / "none")
    for name, system in (("a", "outpainter"), ("b", "zeroshape-w")):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
        write_json(tmp_path / f"{name}.json", {"system": system, "licence": "x", "config": {}})
    assert [card.name for card in inpainters.find_outpainters([tmp_path])] == ["a"]
    assert inpainters.locate_outpainter(None, [tmp_path]) == "a"
    assert inpainters.locate_outpainter("b", [tmp_path]) == "b"
    with pytest.raises(BadInput, match="No outpainter is embedded"):
        inpainters.locate_outpainter(None)
