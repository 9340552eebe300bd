"""The words by which a newcomer looks for a node, and where the page's search finds them.

Pages up to 1.27 look at a node's id and display name only: a word is found where it stands in the first 30 characters
(the page's fuzzy search scores a match by its errors per letter plus a hundredth for each letter before it, and takes
up to 0.3). Newer pages look at `search_aliases` as well. The list was also typed into the real page.
"""

import pytest

REACH = 30  # letters before a match without errors
WORDS = {
    "image to 3d": "RegressShape", "photo to 3d": "RegressShape", "remove background": "Segment",
    "background removal": "Segment", "rembg": "Segment", "mask": "PrepareMask", "nerf": "FitRadianceField",
    "photogrammetry": "PosePhotos", "normal map": "EstimateDepthNormals", "glb": "SaveMesh", "save glb": "SaveMesh",
    "load obj": "LoadMesh", "export": "SaveMesh", "stl": "SaveMesh", "turntable": "TurntableCameras",
    "space carving": "VisualHull", "multiview": "FitVolSDF", "novel view": "SampleNovelView",
    "dreambooth": "PersonalisePainter", "lora": "PersonalisePainter", "marching cubes": "ExtractMesh",
    "uv unwrap": "BakeTexture", "decimate": "SimplifyMesh", "simplify": "SimplifyMesh", "smooth mesh": "SimplifyMesh",
    "point cloud": "VisibleSurface",
}  # fmt: skip


def errors_within(word: str, text: str) -> list[tuple[int, int]]:
    """For each place in `text`: where a match of `word` begins at the earliest, and with how many errors (Sellers)."""
    row = [(0, at) for at in range(len(text) + 1)]  # errors and start of the best match that ends here
    for number, letter in enumerate(word, 1):
        above, row = row, [(number, 0)]
        for at, other in enumerate(text, 1):
            same = (above[at - 1][0] + (letter != other), above[at - 1][1])
            row.append(min(same, (above[at][0] + 1, above[at][1]), (row[-1][0] + 1, row[-1][1])))
    return [(start, errors) for errors, start in row]


def is_found(query: str, text: str) -> bool:
    """The page's rule: every word of the query matches, few errors and early."""
    return all(
        any(errors / len(word) + start / 100 <= REACH / 100 + 1e-9 for start, errors in errors_within(word, text))
        for word in query.lower().split()
    )


@pytest.mark.parametrize(("query", "name"), WORDS.items())
def test_the_page_finds_the_node_by_its_name(pack, query, name):
    node_id = f"Recon3D_{name}"
    shown = pack.nodes[node_id].define_schema().display_name
    assert is_found(query, shown.lower()) or is_found(query, node_id.lower()), shown


def test_the_rule_is_the_page_s():
    """As typed into the real page: what it found, and what it did not."""
    assert is_found("remove background", "background removal (segment, rembg)")
    assert is_found("rembg", "background removal (segment, rembg)")
    assert not is_found("nerf", "fit radiance field") and not is_found("marching cubes", "extract mesh")
    assert not is_found("glb", "a name in which the word stands too far: glb")


def test_newer_pages_get_aliases_and_older_schemas_none(pack, monkeypatch):
    base, made = pack.file("base"), {}
    assert base.where_known(search_aliases=["nerf"]) == {}

    class Newer:
        __dataclass_fields__ = {
            **base.io.Schema.__dataclass_fields__, "search_aliases": None, "has_intermediate_output": None,
        }  # fmt: skip

        def __init__(self, **fields) -> None:
            made[fields["node_id"]] = fields

    monkeypatch.setattr(base.io, "Schema", Newer)
    assert base.where_known(search_aliases=["nerf"], other=1) == {"search_aliases": ["nerf"]}
    for node in pack.nodes.values():
        node.define_schema()
    for query, name in WORDS.items():
        assert query in made[f"Recon3D_{name}"]["search_aliases"], (query, name)
    assert made["Recon3D_FitVolSDF"]["has_intermediate_output"], "its picture comes back with a cached result"


def test_seeds_are_fixed_at_first_where_the_page_can_be_told(pack, monkeypatch):
    base = pack.file("base")
    assert base.seed_input("s").control_after_generate is True  # web/seeds.js does it there
    switch = type("ControlAfterGenerate", (), {"fixed": "fixed"})
    monkeypatch.setattr(base.io, "ControlAfterGenerate", switch, raising=False)
    assert base.seed_input("s").control_after_generate == "fixed"


def test_rare_inputs_are_folded_away_where_the_page_can(pack, monkeypatch):
    base = pack.file("base")
    assert base.advanced() == {}
    monkeypatch.setattr(base.io.Int.Input, "__init__", lambda self, *_, advanced=None: None)
    assert base.advanced() == {"advanced": True}
