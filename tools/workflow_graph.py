"""Draws one graph as both of ComfyUI's files: the workflow that its page opens and the prompt that its API takes."""

import json
import uuid
from pathlib import Path
from typing import NamedTuple

SEED_WIDGET = ("seed", "noise_seed")  # the page shows a fixed/randomize switch behind these
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}

# ComfyUI's own nodes that the workflows use: inputs as (name, type, default or None), outputs as (name, type)
CORE = {
    "LoadImage": ([("image", "COMBO", "example.png")], [("IMAGE", "IMAGE"), ("MASK", "MASK")]),
    "CheckpointLoaderSimple": (
        [("ckpt_name", "COMBO", "sd-v1-5-inpainting.safetensors")],
        [("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")],
    ),
    "CLIPTextEncode": ([("text", "STRING", ""), ("clip", "CLIP", None)], [("CONDITIONING", "CONDITIONING")]),
    "VAEEncodeForInpaint": (
        [("pixels", "IMAGE", None), ("vae", "VAE", None), ("mask", "MASK", None), ("grow_mask_by", "INT", 6)],
        [("LATENT", "LATENT")],
    ),
    "EmptyLatentImage": (
        [("width", "INT", 512), ("height", "INT", 512), ("batch_size", "INT", 1)],
        [("LATENT", "LATENT")],
    ),
    "KSampler": (
        [
            ("model", "MODEL", None),
            ("seed", "INT", 0),
            ("steps", "INT", 20),
            ("cfg", "FLOAT", 7.0),
            ("sampler_name", "COMBO", "euler"),
            ("scheduler", "COMBO", "normal"),
            ("positive", "CONDITIONING", None),
            ("negative", "CONDITIONING", None),
            ("latent_image", "LATENT", None),
            ("denoise", "FLOAT", 1.0),
        ],
        [("LATENT", "LATENT")],
    ),
    "VAEDecode": ([("samples", "LATENT", None), ("vae", "VAE", None)], [("IMAGE", "IMAGE")]),
    "MaskPreview": ([("mask", "MASK", None)], []),
    "PreviewImage": ([("images", "IMAGE", None)], []),
    "PrimitiveStringMultiline": ([("value", "STRING", "")], [("STRING", "STRING")]),
    "PreviewAny": ([("source", "*", None)], []),
    "Preview3D": ([("model_file", "STRING", ""), ("camera_info", "LOAD3D_CAMERA", None)], []),
}
OPTIONAL = {("Preview3D", "camera_info")}
# App mode: what a workflow asks for and what it gives, for pages that show a graph as a form
APP_INPUTS = {
    ("LoadImage", "image"), ("Recon3D_LoadViews", "folder"), ("Recon3D_LoadMesh", "file"),
    ("CheckpointLoaderSimple", "ckpt_name"), ("CLIPTextEncode", "text"), ("PrimitiveStringMultiline", "value"),
    ("Recon3D_GrowAround", "prompt"), ("Recon3D_GrowAround", "cameras"),
}  # fmt: skip
APP_OUTPUTS = {"Recon3D_SaveMesh"}
# Nodes that show a picture below their widgets, which the page draws over whatever comes next
SHOW_PICTURES = {
    f"Recon3D_{name}"
    for name in (
        "Segment", "EstimateDepthNormals", "VisibleSurface", "RegressShape", "CoarsePoints", "LoadViews", "VisualHull",
        "OutpaintView", "OutpaintingMask", "FitVolSDF", "FitRadianceField", "GrowAround", "ExtractMesh", "BakeTexture",
        "SimplifyMesh", "Render", "RenderPath", "CompareMeshes", "AlignMesh", "ProjectViews",
    )
} | {"PreviewImage", "MaskPreview"}  # fmt: skip
SLOT_PX, WIDGET_PX, MARGIN_PX, PICTURE_PX = 20, 24, 12, 220
BEHIND = {"LoadImage": ["image"]}  # values of buttons, which the page saves behind those of the inputs


ENTRANCE, EXIT = -10, -20  # the page's ids of a subgraph's two ends
Point = tuple[int, int]


class Graph:
    """Nodes with places and links, in the order in which they are added."""

    def __init__(self, name: str, surface: dict, first: int = 1, view: tuple[float, int, int] = (0.6, 60, 200)) -> None:
        """view: zoom at which the page opens it (no text below 0.5), and where the origin lies then, pixels."""
        self.view = view
        self.name, self.surface, self.first = name, surface, first
        self.nodes: list[dict] = []
        self.prompt: dict[str, dict] = {}
        self.links: list[list] = []
        self.groups: list[dict] = []
        self.insides: list[Subgraph] = []  # of which there are instances

    def node(self, kind: str, place: Point, size: Point, title: str = "", /, **inputs) -> "Placed":
        """Add a node. Inputs are values for widgets, or outputs of other nodes: `image=photo[0]`."""
        sockets, outputs = self._sockets(kind)
        unknown = set(inputs) - {name for name, *_ in sockets}
        if unknown:
            raise ValueError(f"{kind} has no input {unknown}")
        node = self._blank(kind, place, size, title, outputs)
        node["properties"]["Node name for S&R"] = kind
        prompt_inputs = {}
        for name, type_, default, needed in sockets:
            value = inputs.get(name, default)
            is_widget = type_ in WIDGETS
            entry = {"name": name, "type": type_, "link": None}
            if isinstance(value, Output):
                entry["link"] = self._link(value, node, len(node["inputs"]))
                prompt_inputs[name] = value.address
                value = default
            elif is_widget:
                prompt_inputs[name] = value
            elif needed:
                raise ValueError(f"{kind}.{name} is not connected")
            if is_widget:
                entry["widget"] = {"name": name}
                node["widgets_values"] += [value, "fixed"] if name in SEED_WIDGET else [value]
            node["inputs"].append(entry)
        node["widgets_values"] += BEHIND.get(kind, [])
        self.nodes.append(node)
        self.prompt[str(node["id"])] = {"class_type": kind, "inputs": prompt_inputs, "_meta": {"title": title or kind}}
        return Placed(node)

    def instance(self, inside: "Subgraph", place: Point, size: Point, title: str, /, **inputs: "Output") -> "Placed":
        """Add a node that holds a subgraph. All its inputs are connected; its nodes are "<its id>:<id>" in the API."""
        node = self._blank(inside.id, place, size, title, [(o["name"], o["type"]) for o in inside.exit["inputs"]])
        sources = []
        for slot, one in enumerate(inside.entrance["outputs"]):
            value = inputs.pop(one["name"])
            entry = {"name": one["name"], "type": one["type"], "link": self._link(value, node, slot)}
            if one["type"] in WIDGETS:
                entry["widget"] = {"name": one["name"]}
            node["inputs"].append(entry)
            sources.append(value.address)
        if inputs:
            raise ValueError(f"{inside.name} has no input {set(inputs)}")
        self.nodes.append(node)
        if inside not in self.insides:
            self.insides.append(inside)
        within = inside.expanded(str(node["id"]), sources)
        self.prompt.update(within.prompt)
        return Placed(node, within.addresses)

    def note(self, text: str, place: Point, size: Point, title: str) -> None:
        """A note on the canvas; not part of the prompt."""
        self.nodes.append({
            "id": self.first + len(self.nodes), "type": "MarkdownNote", "pos": list(place), "size": list(size),
            "flags": {}, "order": len(self.nodes), "mode": 0, "inputs": [], "outputs": [], "title": title,
            "properties": {}, "widgets_values": [text], "color": "#432", "bgcolor": "#653",
        })  # fmt: skip

    def group(self, title: str, box: tuple[int, int, int, int], color: str) -> None:
        """A coloured frame with a title; box is x, y, width, height."""
        number = len(self.groups) + 1
        self.groups.append(
            {"id": number, "title": title, "bounding": list(box), "color": color, "font_size": 24, "flags": {}}
        )

    def write(self, folder: Path) -> None:
        """workflows/<name>.json and workflows/api/<name>.json."""
        zoom, *origin = self.view
        opened = {"ds": {"scale": zoom, "offset": [round(pixels / zoom) for pixels in origin]}, **self._as_app()}
        workflow = {
            "id": lasting_id(self.name), "revision": 0,
            "last_node_id": len(self.nodes), "last_link_id": len(self.links), "nodes": self.nodes,
            "links": self.links, "groups": self.groups, "config": {}, "extra": opened, "version": 0.4,
        }  # fmt: skip
        if self.insides:
            workflow["definitions"] = {"subgraphs": [inside.definition() for inside in self.insides]}
        for path, content in ((folder, workflow), (folder / "api", self.prompt)):
            path.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (path / f"{self.name}.json").write_text(text, encoding="utf-8")

    def _as_app(self) -> dict:
        """The graph as a form; `linearMode`: whether pages open it as one at once."""
        given = [
            [node["id"], entry["name"]]
            for node in self.nodes
            for entry in node["inputs"]
            if (node["type"], entry["name"]) in APP_INPUTS and entry["link"] is None
        ]
        outputs = [node["id"] for node in self.nodes if node["type"] in APP_OUTPUTS]
        return {"linearData": {"inputs": given, "outputs": outputs}, "linearMode": False}

    def _blank(self, kind: str, place: Point, size: Point, title: str, outputs: list) -> dict:
        """A node without inputs, of the next id."""
        node = {
            "id": self.first + len(self.nodes), "type": kind, "pos": list(place), "size": list(size), "flags": {},
            "order": len(self.nodes), "mode": 0, "inputs": [],
            "outputs": [{"name": n, "type": t, "links": []} for n, t in outputs], "properties": {},
            "widgets_values": [],
        }  # fmt: skip
        return node | ({"title": title} if title else {})

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
        number = self.first + len(self.links)
        output = source.node["outputs"][source.slot]
        output["links"].append(number)
        self.links.append([number, source.node["id"], source.slot, node["id"], slot, output["type"]])
        return number


def needed_height(node: dict) -> int:
    """Pixels below the title that the page takes for slots and widgets, and for a picture where there will be one."""
    widgets = [entry for entry in node["inputs"] if "widget" in entry]
    switches = sum(entry["name"] in SEED_WIDGET for entry in widgets)
    slots = max(len(node["inputs"]) - len(widgets), len(node["outputs"]))
    picture = PICTURE_PX if node["type"] in SHOW_PICTURES else 0
    return SLOT_PX * slots + WIDGET_PX * (len(widgets) + switches) + MARGIN_PX + picture


class Expanded(NamedTuple):
    """What an instance of a subgraph is in the API: its nodes, and where each of its outputs comes from."""

    prompt: dict[str, dict]
    addresses: list[list]


class Subgraph(Graph):
    """A graph that is one node of another: declare its inputs, draw with them, then name its outputs."""

    def __init__(self, name: str, surface: dict, first: int = 101) -> None:
        """first: of the ids of nodes and links within, which must differ from those outside: else later pages number
        them anew."""
        super().__init__(name, surface, first)
        self.id = lasting_id(f"subgraph/{name}")
        self.entrance = {"id": ENTRANCE, "outputs": []}  # seen from within, what comes in is an output
        self.exit = {"id": EXIT, "inputs": []}
        self.results: list[list] = []

    def input(self, name: str, kind: str) -> "Output":
        """What the subgraph is given, to be connected within."""
        self.entrance["outputs"].append({"name": name, "type": kind, "links": []})
        return Output(self.entrance, len(self.entrance["outputs"]) - 1)

    def output(self, name: str, value: "Output") -> None:
        """What the subgraph gives."""
        slot = len(self.exit["inputs"])
        link = self._link(value, self.exit, slot)
        self.exit["inputs"].append({"name": name, "type": self.links[-1][-1], "links": [link]})
        self.results.append(value.address)

    def expanded(self, instance: str, sources: list[list]) -> Expanded:
        """The nodes as those of one instance, whose inputs come from the addresses `sources`."""

        def outside(value: object) -> object:
            if not isinstance(value, list):
                return value
            number, slot = value
            return sources[slot] if number == str(ENTRANCE) else [f"{instance}:{number}", slot]

        nodes = {
            f"{instance}:{number}": node | {"inputs": {k: outside(v) for k, v in node["inputs"].items()}}
            for number, node in self.prompt.items()
        }
        return Expanded(nodes, [outside(address) for address in self.results])

    def definition(self) -> dict:
        """The subgraph as it stands in the page's file."""
        left = min(node["pos"][0] for node in self.nodes)
        right = max(node["pos"][0] + node["size"][0] for node in self.nodes)
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return {
            "id": self.id, "version": 1, "revision": 0, "config": {}, "name": self.name,
            "state": {
                "lastGroupId": len(self.groups), "lastNodeId": self.first + len(self.nodes) - 1,
                "lastLinkId": self.first + len(self.links) - 1, "lastRerouteId": 0,
            },
            "inputNode": {"id": ENTRANCE, "bounding": [left - 200, 40, 120, 40 + 20 * len(self.entrance["outputs"])]},
            "outputNode": {"id": EXIT, "bounding": [right + 80, 40, 120, 40 + 20 * len(self.exit["inputs"])]},
            "inputs": self._doors(self.entrance["outputs"], left - 100),
            "outputs": self._doors(self.exit["inputs"], right + 100),
            "widgets": [], "nodes": self.nodes, "groups": self.groups,
            "links": [dict(zip(names, link, strict=True)) for link in self.links], "extra": {},
        }  # fmt: skip

    def write_blueprint(self, folder: Path, description: str, values: dict[str, object]) -> None:
        """subgraphs/<name>.json: the subgraph as a node that the page offers. values: of inputs that are widgets."""
        outputs = [(one["name"], one["type"]) for one in self.exit["inputs"]]
        node = self._blank(self.id, (0, 0), (300, 200), self.name, outputs)
        node["id"] = 1
        for one in self.entrance["outputs"]:
            widget = {"widget": {"name": one["name"]}} if one["type"] in WIDGETS else {}
            node["inputs"].append({"name": one["name"], "type": one["type"], **widget, "link": None})
        node["widgets_values"] = [values[e["name"]] for e in node["inputs"] if "widget" in e]
        blueprint = {
            "id": lasting_id(f"blueprint/{self.name}"), "revision": 0, "last_node_id": 1, "last_link_id": 0,
            "nodes": [node], "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4,
            "definitions": {"subgraphs": [{**self.definition(), "description": description}]},
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(blueprint, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{self.name}.json").write_text(text, encoding="utf-8")

    def _sockets(self, kind: str) -> tuple[list[tuple], list]:
        """Sockets before widgets, as the page numbers them: it finds by number what a subgraph's input leads to."""
        inputs, outputs = super()._sockets(kind)
        return sorted(inputs, key=lambda one: one[1] in WIDGETS), outputs

    def _doors(self, slots: list[dict], x: int) -> list[dict]:
        return [
            {
                "id": lasting_id(f"{self.name}/{x}/{slot['name']}"), "name": slot["name"], "type": slot["type"],
                "linkIds": slot["links"], "pos": [x, 60 + 20 * number],
            }
            for number, slot in enumerate(slots)
        ]  # fmt: skip


class Placed:
    """A node of the graph; `placed[0]` is its first output."""

    def __init__(self, node: dict, addresses: list[list] | None = None) -> None:
        self.node, self.addresses = node, addresses

    def __getitem__(self, slot: int) -> "Output":
        return Output(self.node, slot, self.addresses[slot] if self.addresses else None)


class Output:
    """An output of a node, and its address in the API: for a subgraph's output, of the node within that gives it."""

    def __init__(self, node: dict, slot: int, address: list | None = None) -> None:
        self.node, self.slot = node, slot
        self.address = address or [str(node["id"]), slot]


def lasting_id(name: str) -> str:
    """The same UUID for the same name, so that a file drawn again is the same file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"recon3d/{name}"))
