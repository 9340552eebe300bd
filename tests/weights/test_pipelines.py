"""Which folders count as depth or normal models."""

import json

import pytest

from recon_lib.errors import BadInput
from recon_lib.weights.pipelines import find_pipeline, find_pipelines


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def models(tmp_path):
    write(tmp_path / "anything", "config.json", {"model_type": "depth_anything"})
    write(
        tmp_path / "deep" / "metric", "config.json", {"model_type": "depth_anything", "depth_estimation_type": "metric"}
    )
    write(tmp_path / "marigold-n", "model_index.json", {"_class_name": "MarigoldNormalsPipeline"})
    write(tmp_path / "marigold-n" / "unet", "config.json", {"model_type": "dpt"})
    write(tmp_path / "sd15", "model_index.json", {"_class_name": "StableDiffusionPipeline"})
    write(tmp_path / "bert", "config.json", {"model_type": "bert"})
    write(tmp_path / "broken", "config.json", "{")
    return tmp_path


def test_depth_and_normal_models_are_found_and_nothing_else(models):
    found = {entry.name: (entry.framework, entry.kind) for entry in find_pipelines([models, models / "missing"])}
    assert found == {
        "anything": ("transformers", "inverse"),
        "deep/metric": ("transformers", "depth"),
        "marigold-n": ("diffusers", "normals"),
    }


def test_an_unknown_name_is_told_with_what_there_is(models):
    assert find_pipeline("anything", [models]).path == models / "anything"
    with pytest.raises(BadInput, match="there is: anything, deep/metric, marigold-n"):
        find_pipeline("midas", [models])
