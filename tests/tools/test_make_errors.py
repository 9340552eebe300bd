"""docs/errors.md tells the sentences that the code tells, and each is one sentence."""

import ast
import importlib.util

import pytest


@pytest.fixture(scope="module")
def tool(repo_root):
    spec = importlib.util.spec_from_file_location("make_errors", repo_root / "tools" / "make_errors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_true(tool):
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "run python tools/make_errors.py"


def test_each_is_one_sentence_that_says_what_is_wrong(tool):
    lines = [line for lines in tool.sentences().values() for line in lines]
    assert len(lines) > 30
    for line in lines:
        assert line.endswith(".") and "\n" not in line, line
        assert ". " not in line.replace("...", ""), f"two sentences: {line}"


def test_every_topic_has_some(tool):
    assert all(tool.sentences().values())


def test_a_folder_is_a_topic(tool, repo_root):
    library = repo_root / "recon_lib"
    assert tool.topic(library / "stages" / "carving" / "carve.py") == "Space carving"
    assert tool.topic(library / "meshes" / "files" / "glb.py") == "Meshes"
    assert tool.topic(library / "memory.py") == tool.SHARED


def test_a_room_without_words_is_told(tool, tmp_path, monkeypatch):
    (tmp_path / "recon_lib" / "attic").mkdir(parents=True)
    (tmp_path / "recon_lib" / "attic" / "__init__.py").touch()
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="attic"):
        tool.topic(tmp_path / "recon_lib" / "attic" / "box.py")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise BadInput('It is empty.')", "It is empty."),
        ("raise BadInput(f'{path.name} has {len(x)} at {error}.')", "*path* has *…* at *reason*."),
        ("raise BadInput(f'Under {LIMIT} of {file_name}.')", "Under 16 of *file name*."),
        ("raise BadInput(f'One of {\", \".join(KINDS)}.')", "One of glb, obj."),
        ("told = f'{path} is odd'; raise BadInput(f'{told}; mend it.')", "*path* is odd; mend it."),
        ("raise BadInput(_why(x))", "The *type* is why."),
        ("explain_oom('dancing', 'sit down')", "Memory ran out while dancing; sit down, or close other programs."),
    ],
)
def test_reads_sentences(tool, source, sentence):
    text = "LIMIT = 16\nKINDS = ('glb', 'obj')\n\ndef _why(x):\n    return f'The {type(x).__name__} is why.'\n\n"
    text += f"def stage(path, x, error, file_name):\n    {source}\n"
    assert [found for _, found in tool._of_file(ast.parse(text))] == [sentence]
