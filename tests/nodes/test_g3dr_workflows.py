"""G3DR's graphs, drawn and run whether or not its weights are embedded yet."""

import json

import pytest
import torch

from tests.helpers.g3dr import g3dr_model
from tests.helpers.graphs import executed
from tests.nodes import test_workflows as shipped

SMALL = {"resolution": 24, "frames": 2, "size": 24, "texture_size": 64}  # in place of the graphs' own
DRAWN = ("g3dr", "g3dr_text_to_3d")
PAINTED = {"CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode"}


@pytest.fixture(params=DRAWN)
def path(request, tmp_path):
    """The graph, drawn into an empty folder."""
    getattr(shipped.tool("workflow_g3dr"), request.param)(shipped.SURFACE).write(tmp_path)
    return tmp_path / f"{request.param}.json"


def test_the_graphs_are_whole(path):
    for check in (
        shipped.test_links_are_told_alike_by_both_ends,
        shipped.test_widget_values_fit_the_nodes,
        shipped.test_the_api_file_is_the_same_graph,
        shipped.test_nodes_do_not_lie_on_one_another,
        shipped.test_groups_stand_apart_and_hold_their_nodes,
        shipped.test_graphs_open_where_text_is_drawn_and_begin_at_the_left_edge,
    ):
        check(path)


def test_the_graphs_end_in_a_file(path, pack):
    graph = json.loads((path.parent / "api" / path.name).read_text(encoding="utf-8"))
    kinds = {name: node["class_type"] for name, node in graph.items()}
    start = g3dr_model()
    shape = pack.lib("weights.registry").LoadedModel(start.module, start.card)
    picture = pack.run("Recon3D_DemoPhoto", photo="dahlia.jpg").result
    known = {}
    for name, node in graph.items():
        if kinds[name] == "Recon3D_LoadModel":
            learned = node["inputs"]["name"] == "g3dr_mini"
            known[name] = (shape,) if learned else pack.run(kinds[name], **node["inputs"]).result
        elif kinds[name] in ("LoadImage", "VAEDecode"):
            known[name] = picture
        node["inputs"] = {k: SMALL.get(k, v) if isinstance(v, int) else v for k, v in node["inputs"].items()}
    left_out = PAINTED | {"PreviewImage", "Preview3D", "LoadImage"}
    results = executed(pack, {n: x for n, x in graph.items() if n not in known and kinds[n] not in left_out}, known)
    found = {kinds[name]: value for name, value in results.items()}
    film, saved = found["Recon3D_RenderPath"], found["Recon3D_SaveMesh"]
    assert film[0].shape == (2, 24, 24, 3) and torch.isfinite(film[0]).all() and film[1].amax() > 0.5
    assert str(saved[0]).endswith(".glb")
