"""Draws one graph as both of ComfyUI's files: the workflow that its page opens and the prompt that its API takes."""

import json
import uuid
from pathlib import Path

SEED_WIDGET = ("seed", "noise_seed")  # the page shows a fixed/randomize switch behind these
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}

# ComfyUI's own nodes that the workflows use: inputs as (name, type, default or None), outputs as (name, type)
CORE = {
    "MaskPreview": ([("mask", "MASK", None)], []),
    "PreviewImage": ([("images", "IMAGE", None)], []),
    "PreviewAny": ([("source", "*", None)], []),
    "Preview3D": ([("model_file", "STRING", ""), ("camera_info", "LOAD3D_CAMERA", None)], []),
}
OPTIONAL = {("Preview3D", "camera_info")}


Point = tuple[int, int]


class Graph:
    """Nodes with places and links, in the order in which they are added."""

    def __init__(self, name: str, surface: dict) -> None:
        self.name, self.surface = name, surface
        self.nodes: list[dict] = []
        self.prompt: dict[str, dict] = {}
        self.links: list[list] = []
        self.groups: list[dict] = []

    def node(self, kind: str, place: Point, size: Point, title: str = "", /, **inputs) -> "Placed":
        """Add a node. Inputs are values for widgets, or outputs of other nodes: `image=photo[0]`."""
        sockets, outputs = self._sockets(kind)
        unknown = set(inputs) - {name for name, *_ in sockets}
        if unknown:
            raise ValueError(f"{kind} has no input {unknown}")
        number = len(self.nodes) + 1
        node = {
            "id": number, "type": kind, "pos": list(place), "size": list(size), "flags": {}, "order": number - 1,
            "mode": 0, "inputs": [], "outputs": [{"name": n, "type": t, "links": []} for n, t in outputs],
            "properties": {"Node name for S&R": kind}, "widgets_values": [],
        }  # fmt: skip
        if title:
            node["title"] = title
        given = {}
        for name, type_, default, needed in sockets:
            value = inputs.get(name, default)
            is_widget = type_ in WIDGETS
            entry = {"name": name, "type": type_, "link": None}
            if isinstance(value, Output):
                entry["link"] = self._link(value, node, len(node["inputs"]))
                given[name] = [str(value.node["id"]), value.slot]
                value = default
            elif is_widget:
                given[name] = value
            elif needed:
                raise ValueError(f"{kind}.{name} is not connected")
            if is_widget:
                entry["widget"] = {"name": name}
                node["widgets_values"] += [value, "fixed"] if name in SEED_WIDGET else [value]
            node["inputs"].append(entry)
        self.nodes.append(node)
        self.prompt[str(number)] = {"class_type": kind, "inputs": given, "_meta": {"title": title or kind}}
        return Placed(node)

    def note(self, text: str, place: Point, size: Point, title: str) -> None:
        """A note on the canvas; not part of the prompt."""
        self.nodes.append({
            "id": len(self.nodes) + 1, "type": "MarkdownNote", "pos": list(place), "size": list(size), "flags": {},
            "order": len(self.nodes), "mode": 0, "inputs": [], "outputs": [], "title": title, "properties": {},
            "widgets_values": [text], "color": "#432", "bgcolor": "#653",
        })  # fmt: skip

    def group(self, title: str, box: tuple[int, int, int, int], color: str) -> None:
        """A coloured frame with a title; box is x, y, width, height."""
        number = len(self.groups) + 1
        self.groups.append(
            {"id": number, "title": title, "bounding": list(box), "color": color, "font_size": 24, "flags": {}}
        )

    def write(self, folder: Path) -> None:
        """workflows/<name>.json and workflows/api/<name>.json."""
        workflow = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"recon3d/{self.name}")), "revision": 0,
            "last_node_id": len(self.nodes), "last_link_id": len(self.links), "nodes": self.nodes,
            "links": self.links, "groups": self.groups, "config": {}, "extra": {}, "version": 0.4,
        }  # fmt: skip
        for path, content in ((folder, workflow), (folder / "api", self.prompt)):
            path.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (path / f"{self.name}.json").write_text(text, encoding="utf-8")

    def _sockets(self, kind: str) -> tuple[list[tuple], list]:
        """Inputs as (name, type, default, needed) in the page's order, and outputs as (name, type)."""
        if kind in CORE:
            inputs, outputs = CORE[kind]
            return [(n, t, d, (kind, n) not in OPTIONAL) for n, t, d in inputs], outputs
        node = self.surface[kind]
        inputs = [
            (name, one["type"], one.get("default"), one["need"] == "required") for name, one in node["inputs"].items()
        ]
        return inputs, node["outputs"]

    def _link(self, source: "Output", node: dict, slot: int) -> int:
        number = len(self.links) + 1
        output = source.node["outputs"][source.slot]
        output["links"].append(number)
        self.links.append([number, source.node["id"], source.slot, node["id"], slot, output["type"]])
        return number


class Placed:
    """A node of the graph; `placed[0]` is its first output."""

    def __init__(self, node: dict) -> None:
        self.node = node

    def __getitem__(self, slot: int) -> "Output":
        return Output(self.node, slot)


class Output:
    def __init__(self, node: dict, slot: int) -> None:
        self.node, self.slot = node, slot
