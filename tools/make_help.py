"""Brings help pages and the English locale up to the nodes' own words: python tools/make_help.py [--check]

In web/docs/<NodeId>.md, and in web/docs/<NodeId>/zh.md by locales/zh, the lists between the marks are written anew and
the prose around them is left alone; locales/en/nodeDefs.json is written whole. locales/zh is translated by hand.
--check only says what is out of date.
"""

import asyncio
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STANDIN = ROOT / "tests" / "nodes" / "comfy_standin"
BEGIN, END = "<!-- sockets: written by tools/make_help.py -->", "<!-- end of sockets -->"
LARGEST = "2^64 \N{MINUS SIGN} 1"  # of seeds; escaped, since checkers take the sign in code for a hyphen
HEADINGS = {"inputs": "输入", "outputs": "输出", "optional": "可选"}
SHAPES = {
    "IMAGE": "IMAGE `[B,H,W,3]`, sRGB 0–1",
    "MASK": "MASK `[B,H,W]`, 0–1",
    "MESH": "MESH",
    "VOXEL": "VOXEL `[B,D,H,W]`",
    "RECON3D_CAMERAS": "cameras `[V]`",
    "RECON3D_VIEWS": "views `[V]`",
    "RECON3D_FIELD": "field",
    "RECON3D_MODEL": "model",
    "RECON3D_POINTS": "points `[N,3]`",
    "RECON3D_OUTPAINTER": "outpainter",
    "RECON3D_GAP": "outpaint mask",
    "RECON3D_PRIOR": "prior",
    "LOAD3D_CAMERA": "LOAD3D_CAMERA",
    "MOGE_GEOMETRY,DA3_GEOMETRY": "MOGE_GEOMETRY or DA3_GEOMETRY",
}


def load_nodes() -> dict[str, type]:
    """The pack's nodes, loaded against the stand-in for ComfyUI."""
    sys.path.insert(0, str(STANDIN))
    import folder_paths

    folder_paths.use(tempfile.mkdtemp())
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    extension = asyncio.run(module.comfy_entrypoint())
    return {node.define_schema().node_id: node for node in asyncio.run(extension.get_node_list())}


def socket_lists(node: type) -> str:
    """The node's inputs and outputs as two Markdown lists; tables are too wide for the page's sidebar."""
    schema = node.define_schema()
    lines = []
    for title, sockets in (("Inputs", schema.inputs), ("Outputs", schema.outputs)):
        if not sockets:
            continue
        lines += [f"## {title}", ""]
        for socket in sockets:
            name = socket.id if title == "Inputs" else socket.display_name
            lines.append(f"- `{name}` ({kind(socket)}): {socket.tooltip}")
        lines.append("")
    return "\n".join(lines)


def kind(socket) -> str:
    """Type, range and default of a socket."""
    text = SHAPES.get(socket.io_type, socket.io_type.lower())
    low, high, default = (getattr(socket, key, None) for key in ("min", "max", "default"))
    if low is not None:
        text += f", {low}–{LARGEST if high == 0xFFFFFFFFFFFFFFFF else high}"
    if default not in (None, "") and low is not None:
        text += f" ({default})"
    return text + (", optional" if getattr(socket, "optional", False) else "")


def page_with(lists: str, old: str) -> str:
    """The page `old` with its lists replaced."""
    if BEGIN not in old or END not in old:
        raise SystemExit(f"a help page lacks its marks:\n{BEGIN}\n{END}")
    before, rest = old.split(BEGIN)
    return f"{before}{BEGIN}\n{lists}{END}{rest.split(END)[1]}"


def chinese_page(node: type, words: dict, old: str | None) -> str:
    """The Chinese page by its locale's words; a new one begins with the node's name and description."""
    schema, lines = node.define_schema(), []
    for group, sockets in (("inputs", schema.inputs), ("outputs", schema.outputs)):
        if not sockets:
            continue
        lines += [f"## {HEADINGS[group]}", ""]
        for number, socket in enumerate(sockets):
            told = words[group][socket.id if group == "inputs" else str(number)]
            plain = kind(socket).replace(", optional", f", {HEADINGS['optional']}")
            id_ = f"{socket.id}, " if group == "inputs" and socket.id != told["name"] else ""
            lines.append(f"- `{told['name']}` ({id_}{plain}): {told['tooltip']}")
        lines.append("")
    fresh = f"# {words['display_name']}\n\n{words['description']}\n\n{BEGIN}\n{END}\n"
    return page_with("\n".join(lines), old or fresh)


def english(nodes: dict[str, type]) -> dict:
    """The nodes' own words, as ComfyUI's locale file wants them."""
    found = {}
    for node_id, node in sorted(nodes.items()):
        schema = node.define_schema()
        found[node_id] = {
            "display_name": schema.display_name,
            "description": schema.description,
            "inputs": {s.id: {"name": s.id, "tooltip": s.tooltip} for s in schema.inputs},
            "outputs": {str(i): {"name": s.display_name, "tooltip": s.tooltip} for i, s in enumerate(schema.outputs)},
        }
    return found


def wanted(nodes: dict[str, type]) -> dict[Path, str]:
    """What every file should hold."""
    files = {}
    for node_id, node in nodes.items():
        path = ROOT / "web" / "docs" / f"{node_id}.md"
        files[path] = page_with(socket_lists(node), path.read_text(encoding="utf-8"))
    chinese = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text(encoding="utf-8"))
    for node_id, words in chinese.items():
        path = ROOT / "web" / "docs" / node_id / "zh.md"
        old = path.read_text(encoding="utf-8") if path.is_file() else None
        files[path] = chinese_page(nodes[node_id], words, old)
    text = json.dumps(english(nodes), indent=2, ensure_ascii=False) + "\n"
    return {**files, ROOT / "locales" / "en" / "nodeDefs.json": text}


def main() -> int:
    stale = []
    for path, text in wanted(load_nodes()).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
