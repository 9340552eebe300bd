"""The toy system of `tests/helpers` in a node graph: no node knows of it."""

import json
import sys

import pytest
import torch
from safetensors.torch import save_file

from tests.helpers.graphs import executed
from tests.helpers.shapes import is_ball

EXTRACTION = {"resolution": 24, "level": 0.0, "largest_only": True, "smooth": 0, "max_faces": 0, "fairing": True}


@pytest.fixture
def toy(pack, tmp_path, monkeypatch):
    """Weights of the toy in a folder that Load Reconstruction Model looks into, and its row in the pack's registry."""
    from tests.helpers import toy_system

    save_file({"radius": torch.tensor(1.25)}, tmp_path / "toy.safetensors")
    card = {"system": "toy-ball", "licence": "none", "config": {"size": "mini"}}
    (tmp_path / "toy.json").write_text(json.dumps(card))
    models = sys.modules[pack.nodes["Recon3D_LoadModel"].__module__]
    monkeypatch.setattr(models, "model_folders", lambda: [tmp_path])
    with pack.lib("registry").registered(toy_system.ROW):
        yield


def test_a_graph_from_photo_to_mesh(pack, toy, photo):
    graph = {
        "model": {"class_type": "Recon3D_LoadModel", "inputs": {"name": "toy"}},
        "shape": {"class_type": "Recon3D_RegressShape", "inputs": {"model": ["model", 0], "image": ["photo", 0]}},
        "mesh": {"class_type": "Recon3D_ExtractMesh", "inputs": {"field": ["shape", 0], **EXTRACTION}},
    }
    done = executed(pack, graph, {"photo": (photo,)})
    assert is_ball(done["mesh"][0].vertices[0])
