"""The names that saved workflows depend on, frozen in node_surface.json.

After a wanted change, write the file anew and say so in CHANGELOG.md:

    RECON3D_WRITE_SURFACE=1 python -m pytest tests/nodes/test_surface.py
"""

import json
import os
from pathlib import Path

FROZEN = Path(__file__).resolve().parents[1] / "node_surface.json"
SHOWN = ("default", "min", "max", "options")
LISTED = {  # choices that depend on what lies in folders
    ("Recon3D_LoadModel", "name"),
    ("Recon3D_DemoPhoto", "photo"),
    ("Recon3D_LoadMesh", "file"),
    ("Recon3D_EstimateDepthNormals", "estimator"),
    ("Recon3D_LoadOutpainter", "name"),
    ("Recon3D_LoadOutpainter", "control"),
    ("Recon3D_LoadOutpainter", "lora"),
    ("Recon3D_LoadViewPrior", "name"),
}


def surface(nodes: dict[str, type]) -> dict:
    """Ids, sockets and defaults of all nodes."""
    found = {}
    for node_id, node in sorted(nodes.items()):
        info = node.GET_NODE_INFO_V1()
        inputs = {}
        for group in ("required", "optional"):
            for name, (kind, options) in info["input"].get(group, {}).items():
                shown = {} if (node_id, name) in LISTED else {k: options[k] for k in SHOWN if k in options}
                inputs[name] = {"type": kind, "need": group, **shown}
        outputs = [list(pair) for pair in zip(info["output_name"], info["output"], strict=True)]
        found[node_id] = {"inputs": inputs, "outputs": outputs, "output_node": info["output_node"]}
    return found


def test_saved_workflows_keep_loading(pack):
    found = surface(pack.nodes)
    if os.environ.get("RECON3D_WRITE_SURFACE"):
        FROZEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert sorted(found) == sorted(frozen), "a node appeared or vanished"
    for node_id, expected in frozen.items():
        assert found[node_id] == expected, f"{node_id} changed: workflows saved earlier may load wrongly"


def test_the_order_of_sockets_is_kept(pack):
    """Widget values are saved by position."""
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    for node_id, found in surface(pack.nodes).items():
        assert list(found["inputs"]) == list(frozen[node_id]["inputs"]), node_id
