"""How often the shipped workflow shows the network a picture: each distinct crop once."""

import json
from pathlib import Path

from tests.helpers.graphs import executed

ROOT = Path(__file__).resolve().parents[2]
NETWORK_NODES = {"Recon3D_Segment", "Recon3D_EstimateDepthNormals", "Recon3D_VisibleSurface", "Recon3D_CompleteShape"}


def test_the_workflow_asks_the_backbone_four_times(pack):
    """The whole picture and the object's surroundings for the masks; the object's crop for its depth, without the
    occluder, which that node does not know, and with it for the surface, whose encoding the whole shape takes over."""
    graph = json.loads((ROOT / "workflows" / "api" / "zeroshape_w.json").read_text(encoding="utf-8"))
    (loader,) = (name for name, node in graph.items() if node["class_type"] == "Recon3D_LoadModel")
    (photo,) = (name for name, node in graph.items() if node["class_type"] == "LoadImage")
    sample = graph[photo]["inputs"]["image"].removeprefix("recon3d_")
    known = {
        loader: pack.run("Recon3D_LoadModel", **graph[loader]["inputs"]).result,
        photo: pack.run("Recon3D_DemoPhoto", photo=sample).result,
    }
    network, asked = known[loader][0].module, []
    predict = network.predict_dense

    def counted(image, *arguments, **options):
        asked.append(image)
        return predict(image, *arguments, **options)

    network.predict_dense = counted
    executed(pack, {name: node for name, node in graph.items() if node["class_type"] in NETWORK_NODES}, known)
    assert len(asked) == 4
