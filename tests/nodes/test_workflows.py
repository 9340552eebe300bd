"""The shipped workflows: whole, drawn from today's nodes, the same for page and API."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
SURFACE = json.loads((ROOT / "tests" / "node_surface.json").read_text(encoding="utf-8"))
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # as a node's type: a subgraph


def load(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def insides(graph: dict) -> dict[str, dict]:
    """A workflow's subgraphs by id, as graphs like the one around them: their ends are nodes -10 and -20."""
    found = {}
    for one in graph.get("definitions", {}).get("subgraphs", []):
        given = [{"name": door["name"], "type": door["type"], "links": door["linkIds"]} for door in one["inputs"]]
        gives = [
            {"name": door["name"], "type": door["type"], "link": link}
            for door in one["outputs"]
            for link in door["linkIds"]
        ]
        ends = [
            {"id": -10, "type": "given", "inputs": [], "outputs": given},
            {"id": -20, "type": "gives", "inputs": gives, "outputs": []},
        ]
        links = [
            [x[k] for k in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")] for x in one["links"]
        ]
        found[one["id"]] = {
            "nodes": one["nodes"] + ends, "links": links,
            "last_node_id": one["state"]["lastNodeId"], "last_link_id": one["state"]["lastLinkId"],
        }  # fmt: skip
    return found


class Seen:
    """A workflow as a server sees it, where subgraphs are unfolded: a node's address is "instance:node"."""

    def __init__(self, graph: dict) -> None:
        self.insides = insides(graph)
        self.kinds: dict[str, str] = {}
        self.wired: dict[tuple[str, str], list] = {}  # source by address and input
        self._read([("", None, graph)])

    def _read(self, frames: list[tuple]) -> None:
        """frames: from the outermost graph inwards, each with its path and the instance that holds it."""
        path, _, part = frames[-1]
        nodes = {node["id"]: node for node in part["nodes"]}
        for number, node in nodes.items():
            if node["type"] in self.insides:
                self._read([*frames, (f"{path}{number}:", number, self.insides[node["type"]])])
            elif number > 0 and node["type"] != "MarkdownNote":
                self.kinds[f"{path}{number}"] = node["type"]
        for _, source, slot, target, entry, _ in part["links"]:
            if f"{path}{target}" in self.kinds:
                name = nodes[target]["inputs"][entry]["name"]
                self.wired[f"{path}{target}", name] = self._origin(frames, source, slot)

    def _origin(self, frames: list[tuple], number: int, slot: int) -> list:
        """Where a value really comes from: out of a subgraph, or into it from around."""
        path, holder, part = frames[-1]
        kind = next(node["type"] for node in part["nodes"] if node["id"] == number)
        if number == -10:
            frames, target = frames[:-1], holder
        elif kind in self.insides:
            frames, target = [*frames, (f"{path}{number}:", number, self.insides[kind])], -20
        else:
            return [f"{path}{number}", slot]
        ((_, source, from_slot, *_),) = [x for x in frames[-1][2]["links"] if x[3:5] == [target, slot]]
        return self._origin(frames, source, from_slot)


def widget_values(nodes: list[dict]) -> dict[tuple[str, str], object]:
    """What widgets show, by node and name; behind a seed stands the page's own switch."""
    found = {}
    for node in nodes:
        values = iter(node.get("widgets_values", []))
        for entry in node["inputs"]:
            if "widget" in entry and not UUID.fullmatch(node["type"]):
                found[str(node["id"]), entry["name"]] = next(values)
                if entry["name"] in ("seed", "noise_seed"):
                    assert next(values) == "fixed"
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_links_are_told_alike_by_both_ends(path):
    graph = load(path)
    for part in (graph, *insides(graph).values()):
        nodes = {node["id"]: node for node in part["nodes"]}
        for number, source, slot, target, entry, kind in part["links"]:
            output, found = nodes[source]["outputs"][slot], nodes[target]["inputs"][entry]
            assert number in output["links"] and found["link"] == number
            assert kind == output["type"] and found["type"] in (kind, "*")
        assert sum(len(o["links"]) for n in part["nodes"] for o in n["outputs"]) == len(part["links"])
        assert part["last_node_id"] == max(nodes) and part["last_link_id"] == max(link[0] for link in part["links"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_subgraphs_fit_their_instances_and_share_no_ids_with_what_is_around(path):
    graph = load(path)
    outside, links = {node["id"] for node in graph["nodes"]}, {link[0] for link in graph["links"]}
    for definition in graph.get("definitions", {}).get("subgraphs", []):
        assert outside.isdisjoint(node["id"] for node in definition["nodes"])
        assert links.isdisjoint(link["id"] for link in definition["links"])
        instances = [node for node in graph["nodes"] if node["type"] == definition["id"]]
        assert instances
        for node in instances:
            for side in ("inputs", "outputs"):
                assert [(x["name"], x["type"]) for x in node[side]] == [
                    (x["name"], x["type"]) for x in definition[side]
                ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_widget_values_fit_the_nodes(path):
    graph = load(path)
    within = [node for part in insides(graph).values() for node in part["nodes"]]
    for node in graph["nodes"] + within:
        if node["type"] not in SURFACE:
            assert not node["type"].startswith("Recon3D_")
            continue
        inputs = SURFACE[node["type"]]["inputs"]
        widgets = [name for name, one in inputs.items() if one["type"] in WIDGETS]
        sockets = [name for name in inputs if name not in widgets]
        # within a subgraph the page finds an input by its number in its own order
        assert [entry["name"] for entry in node["inputs"]] == (sockets + widgets if node in within else list(inputs))
        assert len(node["widgets_values"]) == len(widgets) + ("seed" in widgets)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_api_file_is_the_same_graph(path):
    graph, prompt = load(path), load(path.parent / "api" / path.name)
    seen = Seen(graph)
    assert seen.kinds == {number: node["class_type"] for number, node in prompt.items()}
    in_prompt = {(n, k): v for n, node in prompt.items() for k, v in node["inputs"].items() if isinstance(v, list)}
    assert seen.wired == in_prompt
    values = widget_values(graph["nodes"] + [n for part in insides(graph).values() for n in part["nodes"]])
    for number, node in prompt.items():
        told = {k: v for k, v in node["inputs"].items() if not isinstance(v, list)}
        assert told == {k: values[number.split(":")[-1], k] for k in told}
    for node in prompt.values():
        for name, one in SURFACE.get(node["class_type"], {"inputs": {}})["inputs"].items():
            assert one["need"] == "optional" or name in node["inputs"], (node["class_type"], name)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_photos_and_thumbnails_are_there(path):
    prompt = load(path.parent / "api" / path.name)
    photos = [node["inputs"]["image"] for node in prompt.values() if node["class_type"] == "LoadImage"]
    folders = [node["inputs"]["folder"] for node in prompt.values() if node["class_type"] == "Recon3D_LoadViews"]
    samples = [f"photos/{name}" for name in photos] + [f"views/{name}" for name in folders]
    painted = any(node["class_type"] == "EmptyLatentImage" for node in prompt.values())  # words to a picture
    assert (samples or painted) and all((ROOT / "assets" / name.replace("recon3d_", "")).exists() for name in samples)
    assert path.with_suffix(".jpg").is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nodes_are_high_enough_for_widgets_and_pictures(path):
    """A picture that a node shows while it runs lies below its widgets, and is cut off by what comes next."""
    needed = tool("workflow_graph").needed_height
    graph = load(path)
    within = [node for part in insides(graph).values() for node in part["nodes"] if "pos" in node]
    for node in graph["nodes"] + within:
        if node["type"].startswith("Recon3D_") or node["type"] in ("PreviewImage", "MaskPreview"):
            assert node["size"][1] >= needed(node), (node["type"], node["size"][1], needed(node))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nodes_do_not_lie_on_one_another(path):
    graph = load(path)
    for part in (graph, *insides(graph).values()):
        boxes = [(*n["pos"], *n["size"], n["type"]) for n in part["nodes"] if "pos" in n]
        for i, (x, y, w, h, kind) in enumerate(boxes):
            for other_x, other_y, other_w, other_h, other in boxes[:i]:
                beside = x >= other_x + other_w or other_x >= x + w
                assert beside or y - 30 >= other_y + other_h or other_y - 30 >= y + h, (kind, other)  # 30: the title


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_groups_stand_apart_and_hold_their_nodes(path):
    graph = load(path)
    boxes = [(*group["bounding"], group["title"]) for group in graph["groups"]]
    for i, (x, y, w, h, title) in enumerate(boxes):
        for other_x, other_y, other_w, other_h, other in boxes[:i]:
            assert x >= other_x + other_w or other_x >= x + w or y >= other_y + other_h or other_y >= y + h, (
                title, other,
            )  # fmt: skip
    for node in graph["nodes"] if boxes else []:
        (left, top), (width, height) = node["pos"], node["size"]
        assert any(
            x <= left and left + width <= x + w and y <= top - 30 and top + height <= y + h for x, y, w, h, _ in boxes
        ), node["type"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_graphs_open_where_text_is_drawn_and_begin_at_the_left_edge(path):
    view = load(path)["extra"]["ds"]
    left = min(node["pos"][0] for node in load(path)["nodes"])
    assert view["scale"] >= 0.5 and 0 < (left + view["offset"][0]) * view["scale"] < 200


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_as_a_form_they_ask_for_photo_or_words_and_give_the_file(path):
    """App mode: [node, widget] pairs and output nodes; pages drop what they cannot find."""
    graph = load(path)
    nodes, app = {node["id"]: node for node in graph["nodes"]}, graph["extra"]["linearData"]
    assert app["inputs"] and graph["extra"]["linearMode"] is False
    for number, name in app["inputs"]:
        (entry,) = [entry for entry in nodes[number]["inputs"] if entry["name"] == name]
        assert entry["link"] is None and entry["widget"] == {"name": name}
    assert [nodes[number]["type"] for number in app["outputs"]] == ["Recon3D_SaveMesh"]


BLUEPRINTS = sorted((ROOT / "subgraphs").glob("*.json"))


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_blueprints_are_one_node_that_says_all_about_its_inside(path):
    blueprint = load(path)
    (node,), (inside,) = blueprint["nodes"], blueprint["definitions"]["subgraphs"]
    assert node["type"] == inside["id"] and inside["name"] == path.stem and inside["description"]
    for side in ("inputs", "outputs"):
        assert [(x["name"], x["type"]) for x in node[side]] == [(x["name"], x["type"]) for x in inside[side]]
    assert len(node["widgets_values"]) == sum("widget" in entry for entry in node["inputs"])
    nodes = {one["id"]: one for one in inside["nodes"]}
    for link in inside["links"]:
        if link["target_id"] > 0:
            assert nodes[link["target_id"]]["inputs"][link["target_slot"]]["link"] == link["id"]
    for one in nodes.values():
        known = SURFACE[one["type"]]["inputs"]
        connected = {entry["name"] for entry in one["inputs"] if entry["link"] is not None}
        missing = [n for n, i in known.items() if i["need"] == "required" and i["type"] not in WIDGETS]
        assert set(missing) <= connected, one["type"]


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


def test_blueprints_are_what_the_script_writes(tmp_path):
    for draw in tool("workflow_blueprints").BLUEPRINTS:
        draw(SURFACE, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in BLUEPRINTS}
    for written in tmp_path.iterdir():
        assert load(written) == load(ROOT / "subgraphs" / written.name), "run tools/make_workflows.py"


@pytest.mark.parametrize(("script", "draw"), [("make_workflows", "zeroshape_w"), ("workflow_steps", "steps")])
def test_files_are_what_the_script_writes(tmp_path, script, draw):
    getattr(tool(script), draw)(SURFACE).write(tmp_path)
    for written in tmp_path.rglob("*.json"):
        assert load(written) == load(ROOT / "workflows" / written.relative_to(tmp_path)), "run tools/make_workflows.py"


def test_help_and_english_names_say_what_the_nodes_say(pack):
    for path, text in tool("make_help").wanted(pack.nodes).items():
        found = path.read_text(encoding="utf-8")
        if path.name == "nodeDefs.json":
            assert json.loads(found) == json.loads(text), "run tools/make_help.py"
        else:
            assert found == text, f"{path.name}: run tools/make_help.py"
