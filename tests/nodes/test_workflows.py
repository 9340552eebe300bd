"""The shipped workflows: whole, drawn from today's nodes, the same for page and API."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
SURFACE = json.loads((ROOT / "tests" / "node_surface.json").read_text(encoding="utf-8"))


def load(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_links_are_told_alike_by_both_ends(path):
    graph = load(path)
    nodes = {node["id"]: node for node in graph["nodes"]}
    for number, source, slot, target, entry, kind in graph["links"]:
        output, found = nodes[source]["outputs"][slot], nodes[target]["inputs"][entry]
        assert number in output["links"] and found["link"] == number
        assert kind == output["type"] and found["type"] in (kind, "*")
    assert sum(len(o["links"]) for n in graph["nodes"] for o in n["outputs"]) == len(graph["links"])
    assert graph["last_node_id"] == max(nodes) and graph["last_link_id"] == len(graph["links"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_widget_values_fit_the_nodes(path):
    for node in load(path)["nodes"]:
        if node["type"] not in SURFACE:
            assert not node["type"].startswith("Recon3D_")
            continue
        inputs = SURFACE[node["type"]]["inputs"]
        assert [entry["name"] for entry in node["inputs"]] == list(inputs)
        widgets = [
            name for name, one in inputs.items() if one["type"] in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
        ]
        assert len(node["widgets_values"]) == len(widgets) + ("seed" in widgets)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_api_file_is_the_same_graph(path):
    graph, prompt = load(path), load(path.parent / "api" / path.name)
    kinds = {str(node["id"]): node["type"] for node in graph["nodes"] if node["type"] != "MarkdownNote"}
    assert kinds == {number: node["class_type"] for number, node in prompt.items()}
    wired = {(str(t), load_name(graph, t, e)): [str(s), slot] for _, s, slot, t, e, _ in graph["links"]}
    in_prompt = {(n, k): v for n, node in prompt.items() for k, v in node["inputs"].items() if isinstance(v, list)}
    assert wired == in_prompt
    for node in prompt.values():
        for name, one in SURFACE.get(node["class_type"], {"inputs": {}})["inputs"].items():
            assert one["need"] == "optional" or name in node["inputs"], (node["class_type"], name)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_photos_and_thumbnails_are_there(path):
    prompt = load(path.parent / "api" / path.name)
    for node in prompt.values():
        if node["class_type"] == "Recon3D_DemoPhoto":
            assert (ROOT / "assets" / "photos" / node["inputs"]["photo"]).is_file()
    assert path.with_suffix(".jpg").is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nodes_do_not_lie_on_one_another(path):
    boxes = [(*n["pos"], *n["size"], n["type"]) for n in load(path)["nodes"]]
    for i, (x, y, w, h, kind) in enumerate(boxes):
        for other_x, other_y, other_w, other_h, other in boxes[:i]:
            apart = x >= other_x + other_w or other_x >= x + w or y - 30 >= other_y + other_h or other_y - 30 >= y + h
            assert apart, (kind, other)  # 30 pixels of title above each


def tool(name: str):
    """A script of tools/ as a module."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return module


def test_files_are_what_the_script_writes(tmp_path):
    tool("make_workflows").zeroshape_w(SURFACE).write(tmp_path)
    for written in tmp_path.rglob("*.json"):
        assert load(written) == load(ROOT / "workflows" / written.relative_to(tmp_path)), "run tools/make_workflows.py"


def test_help_and_english_names_say_what_the_nodes_say(pack):
    for path, text in tool("make_help").wanted(pack.nodes).items():
        found = path.read_text(encoding="utf-8")
        if path.name == "nodeDefs.json":
            assert json.loads(found) == json.loads(text), "run tools/make_help.py"
        else:
            assert found == text, f"{path.name}: run tools/make_help.py"


def load_name(graph: dict, target: int, entry: int) -> str:
    return next(node for node in graph["nodes"] if node["id"] == target)["inputs"][entry]["name"]
