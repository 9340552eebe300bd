"""recon_lib's public names change on purpose only: other code imports them."""

import importlib.util
import json

import pytest


@pytest.fixture(scope="module")
def tool(repo_root):
    spec = importlib.util.spec_from_file_location("make_api_surface", repo_root / "tools" / "make_api_surface.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_public_names_are_those_on_record(tool, repo_root):
    recorded = json.loads(tool.FILE.read_text(encoding="utf-8"))
    changed = tool.changes(recorded, tool.surface(repo_root / "recon_lib"))
    assert not changed, "if this is meant, run python tools/make_api_surface.py"


def test_only_definitions_of_the_module_itself_are_public(tool):
    source = "from torch import Tensor\nimport json\nLIMIT = 3\ndef f(): pass\nasync def a(): pass\ndef _g(): pass\n"
    assert tool.public_names(source + "class C:\n    def method(self): pass\nclass _D: pass\n") == ["C", "a", "f"]


def test_packages_and_modules_without_public_names(tool, tmp_path):
    package = tmp_path / "lib"
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").write_text("def top(): pass\n", encoding="utf-8")
    (package / "room" / "__init__.py").write_text("", encoding="utf-8")
    (package / "room" / "b.py").write_text("class B: pass\n", encoding="utf-8")
    assert tool.surface(package) == {"lib": ["top"], "lib.room.b": ["B"]}


def test_changes_are_named(tool):
    assert tool.changes({"m": ["a", "b"]}, {"m": ["b"], "n": ["a"]}) == ["- m.a", "+ n.a"]
