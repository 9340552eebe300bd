"""What workflows and blueprints say is there in Chinese, and web/notes.js puts it in: no second set of files."""

import copy
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCALES, SCRIPT = ROOT / "locales", ROOT / "web" / "notes.js"
FILES = sorted([*(ROOT / "workflows").glob("*.json"), *(ROOT / "subgraphs").glob("*.json")])
WORDS = json.loads((LOCALES / "zh" / "main.json").read_text(encoding="utf-8"))["recon3d"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SPAN = re.compile(r"\*\*(?P<bold>.+?)\*\*|\*(?P<italic>.+?)\*|`(?P<code>.+?)`")

# ComfyUI's own names in its Chinese page, and what a note calls by half of its name
NAMES = {
    "Load Image": "加载图像", "Create Video": "创建视频", "Save WEBM": "保存WEBM",
    "Load Checkpoint": "Checkpoint加载器（简易）", "VAE Encode (for Inpainting)": "VAE编码（局部重绘）",
    "Render": "渲染场或网格",
}  # fmt: skip
VALUES = {"provenance", "clay", "painted", "stl", "photo", "white is the background"}  # the page shows them as they are


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def texts(workflow: dict) -> list[tuple[str, str]]:
    """(kind, text) of all that the file says, in its subgraphs too; kinds as in locales/zh/main.json."""
    insides = workflow.get("definitions", {}).get("subgraphs", [])
    found = [("titles", inside["name"]) for inside in insides]
    found += [("sockets", door["name"]) for inside in insides for door in inside["inputs"] + inside["outputs"]]
    for graph in (workflow, *insides):
        found += [("titles", group["title"]) for group in graph.get("groups", [])]
        found += [("titles", node["title"]) for node in graph["nodes"] if node.get("title")]
        found += [
            ("notes", node["widgets_values"][0]) for node in graph["nodes"] if node["type"] in ("MarkdownNote", "Note")
        ]
    return found


SAID = {pair for path in FILES for pair in texts(load(path))}
NOTES = sorted(text for kind, text in SAID if kind == "notes")


def test_all_that_is_said_has_its_translation_and_nothing_else_has():
    assert {(kind, text) for kind, words in WORDS.items() for text in words} == SAID
    for words in WORDS.values():
        for english, chinese in words.items():
            assert CHINESE.search(chinese) and not CHINESE.search(english), english


def test_numbers_of_steps_stay():
    for english, chinese in WORDS["titles"].items():
        number = re.match(r"[\d.]+  ", english)
        assert chinese.startswith(number[0]) if number else not chinese[0].isdigit(), english


def spans(text: str, kind: str) -> list[str]:
    return [match[kind] for match in SPAN.finditer(text) if match[kind]]


def structure(text: str) -> list[object]:
    """Marks at the beginnings of lines, numbers of bold and italic words, code as it is."""
    marks = [re.match(r"(#+ |\d+\. |)", line)[0] for line in text.split("\n") if line]
    paragraphs = [len(part.splitlines()) for part in text.split("\n\n")]
    return [marks, paragraphs, len(spans(text, "bold")), len(spans(text, "italic")), sorted(spans(text, "code"))]


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note[:30])
def test_notes_are_built_alike(note):
    chinese = WORDS["notes"][note]
    assert structure(chinese) == structure(note)
    assert chinese.endswith("\n") == note.endswith("\n")


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note[:30])
def test_stars_are_marks_of_markdown(note):
    """CommonMark: a mark that has punctuation inside must not have a letter outside."""
    chinese = WORDS["notes"][note]
    for match in SPAN.finditer(chinese):
        inner = match["bold"] or match["italic"]
        if inner:
            before, after = chinese[: match.start()][-1:], chinese[match.end() :][:1]
            assert "*" not in before + after, match[0]
            assert inner[0].isalnum() or not before.isalnum(), match[0]
            assert inner[-1].isalnum() or not after.isalnum(), match[0]
    assert "*" not in SPAN.sub("", chinese)


def short(name: str) -> str:
    return re.split(r" \(|（", name)[0]


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """English name of a node, a title, an input or an output -> what Chinese pages show."""
    english, chinese = (load(LOCALES / language / "nodeDefs.json") for language in ("en", "zh"))
    found: dict[str, set[str]] = {}
    for node_id, node in english.items():
        for side in ("inputs", "outputs"):
            for key, socket in node[side].items():
                shown = chinese[node_id][side][key]["name"]
                found.setdefault(socket.get("name", key).lower(), set()).add(shown)
                found.setdefault(key, set()).add(shown)
    found |= {name: {shown} for name, shown in WORDS["titles"].items()}
    found |= {value: {value} for value in VALUES | {path.stem for path in FILES}}
    found |= {short(node["display_name"]): {short(chinese[i]["display_name"])} for i, node in english.items()}
    return found | {name: {shown} for name, shown in NAMES.items()}


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note[:30])
def test_nodes_and_sockets_are_called_as_the_chinese_page_calls_them(known, note):
    chinese = WORDS["notes"][note]
    shown = Counter(spans(chinese, "italic"))
    for name in spans(note, "italic"):
        wanted = known.get(name) or known[name.lower()]
        (found, *_) = [one for one in wanted if shown[one]] or [None]
        assert found, (name, wanted)
        shown[found] -= 1
    assert not +shown  # nothing is italic that is not there in English
    bold = spans(chinese, "bold")
    assert all(known[name] & set(bold) for name in spans(note, "bold") if name in known)


PAGE = """
const { source, locale, words, graphs, blueprint } = JSON.parse(require("fs").readFileSync(0, "utf8"));
let extension, asked = 0;
const app = {
  extensionManager: { setting: { get: (id) => (id === "Comfy.Locale" ? locale : undefined) } },
  registerExtension: (given) => { extension = given; },
};
const api = { async fetchApi(path) {
  asked += 1;
  if (path !== "/i18n" || !words) throw new Error("no answer");
  return { json: async () => ({ zh: { recon3d: words } }) };
} };
new Function("api", "app", source.replace(/^import .*$/gm, ""))(api, app);
(async () => {
  for (const graph of graphs) await extension.beforeConfigureGraph(graph, [], app);
  if (blueprint) {
    extension.nodeCreated(blueprint, app);
    blueprint.title = blueprint.subgraph.name;
    blueprint.onConfigure?.({});
  }
  console.log(JSON.stringify({ graphs, blueprint, asked }));
})();
"""


def in_the_page(graphs: list[dict], locale: str = "zh", words: dict | None = WORDS, blueprint: dict | None = None):
    """What web/notes.js makes of graphs that are loaded one after the other, and of a blueprint's node."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node.js")
    given = {"source": SCRIPT.read_text(encoding="utf-8"), "locale": locale, "words": words}
    given |= {"graphs": graphs, "blueprint": blueprint}
    done = subprocess.run(
        [node, "-e", PAGE], input=json.dumps(given), capture_output=True, text=True, encoding="utf-8", check=True
    )
    return json.loads(done.stdout)


def test_a_chinese_page_shows_every_shipped_text_in_chinese():
    graphs = [load(path) for path in FILES]
    seen = in_the_page(graphs)
    assert seen["asked"] == 1
    for before, after in zip(graphs, seen["graphs"], strict=True):
        told = [(kind, WORDS[kind][text]) for kind, text in texts(before) if kind != "sockets"]
        assert [pair for pair in texts(after) if pair[0] != "sockets"] == told
        insides = after.get("definitions", {}).get("subgraphs", [])
        instances = [n for n in after["nodes"] if n["type"] in {inside["id"] for inside in insides}]
        for owner in (*insides, *instances):
            for socket in owner["inputs"] + owner["outputs"]:
                assert socket.pop("label") == WORDS["sockets"][socket["name"]]
        # nothing but texts has changed
        blank = [json.loads(json.dumps(graph)) for graph in (before, after)]
        for graph in blank:
            for part in (graph, *graph.get("definitions", {}).get("subgraphs", [])):
                part.pop("name", None)
                for owner in (*part["nodes"], *part.get("groups", [])):
                    owner.pop("title", None)
                    if owner.get("type") == "MarkdownNote":
                        owner.pop("widgets_values")
        assert blank[0] == blank[1]


@pytest.mark.parametrize(("locale", "words", "asked"), [("en", WORDS, 0), ("zh-TW", WORDS, 0), ("zh", None, 1)])
def test_other_pages_and_pages_without_an_answer_leave_graphs_alone(locale, words, asked):
    graphs = [load(path) for path in FILES[:3]]
    seen = in_the_page(copy.deepcopy(graphs), locale, words)
    assert seen["graphs"] == graphs and seen["asked"] == asked


def test_a_user_s_own_words_stay():
    ours, theirs = load(ROOT / "workflows" / "pop3d_steps.json"), {"nodes": [{"type": "PreviewImage"}]}
    note = next(node for node in ours["nodes"] if node["type"] == "MarkdownNote")
    note["title"], note["widgets_values"][0] = "Read me, please", note["widgets_values"][0] + "Mine."
    ours["definitions"]["subgraphs"][0]["inputs"][0]["label"] = "my views"
    ours["nodes"].append({"type": "PreviewImage", "title": "constructor"})
    theirs["nodes"][0]["title"] = "Depth"  # a title of ours in a workflow of someone else's
    seen, other = in_the_page([copy.deepcopy(ours), copy.deepcopy(theirs)])["graphs"]
    assert other == theirs and seen["nodes"][-1]["title"] == "constructor"
    kept = next(node for node in seen["nodes"] if node["type"] == "MarkdownNote")
    assert (kept["title"], kept["widgets_values"]) == (note["title"], note["widgets_values"])
    assert seen["definitions"]["subgraphs"][0]["inputs"][0]["label"] == "my views"


@pytest.mark.parametrize(("locale", "words"), [("zh", WORDS["titles"]), ("en", {})])
def test_a_blueprint_is_named_when_it_becomes_a_node(locale, words):
    name = "Photo to Mesh (Recon3D)"
    blueprint = {"subgraph": {"name": name}, "inputs": [{"name": "image"}], "outputs": []}
    node = in_the_page([{"nodes": []}], locale, blueprint=blueprint)["blueprint"]
    assert node["title"] == node["subgraph"]["name"] == words.get(name, name)
    assert node["inputs"][0].get("label", "image") == (WORDS["sockets"]["image"] if words else "image")
