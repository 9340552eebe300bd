"""Writes docs/errors.md, the list of all error messages: python tools/make_errors.py [--check]

The messages are read from the source, so the page always agrees with the code. Needs only Python.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
HEAD = """# Error messages

<!-- written by tools/make_errors.py from the sources: change the messages there -->

An error by an input, a file or a setting has a message of one sentence: what is wrong, where, and what to do.
In ComfyUI the node turns red and shows it; on the command line it is the last line on stderr.

* **Atomic files.** Files and folders are written under a temporary name and renamed when they are complete. Former
  files stay until then, also when the disk fills up.
* **Interruption.** Every long stage checks the stop button between its chunks of work, leaves no files and changes none
  of its inputs. Training and rendering of shards resume from what was finished.
* **Out of memory.** A stage continues in smaller chunks; there is an error only if the smallest chunk does not fit.
* **Exit codes** of `python -m recon_lib`: 0 done, 1 out of memory, 2 one of the messages below, 130 interrupted.

Words in *italics* are placeholders. Tests of these cases: `tests/test_bad_input.py`,
`tests/test_interrupts.py`, `tests/test_out_of_memory.py`, `tests/test_outputs.py`, `tests/nodes/test_bad_input.py`.
"""
SHARED = "Files, values and memory"  # of modules that lie in no room
MEMORY = "Memory ran out while {}; {}, or close other programs."
REASON = "reason"  # what an exception says
Strings = dict[str, ast.expr]


@functools.cache
def sentences() -> dict[str, list[str]]:
    """All sentences by topic, both sorted."""
    by_topic: dict[str, set[str]] = {}
    for folder in ("recon_lib", "nodes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for kind, sentence in _of_file(ast.parse(path.read_text(encoding="utf-8"))):
                if re.sub(r"\*[^*]*\*|\W", "", sentence):  # not those that only pass another sentence on
                    by_topic.setdefault(SHARED if kind == "explain_oom" else topic(path), set()).add(sentence)
    return {title: sorted(by_topic[title]) for title in sorted(by_topic)}


def topic(path: Path) -> str:
    """The room of a source: the first sentence of the docstring of its folder below recon_lib (below stages: of its
    own); one topic for all nodes, and one for what lies in no room."""
    room = path.relative_to(ROOT).parts[:-1]
    room = room[:3] if room[:2] == ("recon_lib", "stages") else room[:2]
    if room == ("recon_lib",):
        return SHARED
    words = ast.get_docstring(ast.parse((ROOT.joinpath(*room) / "__init__.py").read_text(encoding="utf-8")))
    if not words:
        raise SystemExit(f"{'/'.join(room)}/__init__.py does not say what the room is; write its docstring.")
    return re.split(r"[:.,](?:\s|$)", words, maxsplit=1)[0]


def page() -> str:
    parts = [f"## {title}\n\n" + "".join(f"- {line}\n" for line in lines) for title, lines in sentences().items()]
    return "\n".join([HEAD, *parts])


def _of_file(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(name of the call, sentence) of every error that is raised with one."""
    constants = _strings(tree.body)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    inner: dict[ast.Call, Strings] = {}
    for function in ast.walk(tree):  # outer functions come first, so the innermost one's names stay
        if isinstance(function, ast.FunctionDef):
            local = constants | _strings(list(ast.walk(function)))
            inner |= {node: local for node in ast.walk(function) if isinstance(node, ast.Call)}
    for call, local in inner.items():
        kind = call.func.id if isinstance(call.func, ast.Name) else ""
        if kind == "explain_oom" and len(call.args) == 2:
            yield kind, MEMORY.format(*(_text(part, local) for part in call.args))
        elif kind == "BadInput" and call.args:
            for message in _messages(call.args[0], functions):
                yield kind, _text(message, local)


def _messages(message: ast.expr, functions: dict[str, ast.FunctionDef]) -> list[ast.expr]:
    """The message, or all that the function returns which makes it."""
    if isinstance(message, ast.Call) and isinstance(message.func, ast.Name) and message.func.id in functions:
        returns = [n.value for n in ast.walk(functions[message.func.id]) if isinstance(n, ast.Return) and n.value]
        return [part for value in returns for part in _messages(value, functions)]
    return [message]


def _strings(body: list) -> Strings:
    """Names that are given a value in these statements."""
    return {
        statement.targets[0].id: statement.value
        for statement in body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def _text(node: ast.expr, names: Strings) -> str:
    """A string expression as its reader sees it, with the names of what it fills in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, names) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _filled(node.value, names)
    return _filled(node, names)


def _filled(node: ast.expr, names: Strings) -> str:
    if isinstance(node, ast.Name):
        value = names.get(node.id)
        if isinstance(value, (ast.JoinedStr, ast.Constant)) and value is not node:
            return _text(value, names)
        return f"*{REASON if node.id == 'error' else node.id.lower().strip('_').replace('_', ' ')}*"
    if isinstance(node, ast.Attribute):
        if node.attr == "__name__":
            return "*type*"
        return _filled(node.value, names) if node.attr in ("name", "strerror", "card", "shape") else f"*{node.attr}*"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        listed = node.args[0]
        value = names.get(listed.id) if isinstance(listed, ast.Name) else None
        if isinstance(value, (ast.Tuple, ast.List, ast.Dict)):
            parts = value.keys if isinstance(value, ast.Dict) else value.elts
            return ", ".join(_text(part, names) for part in parts)
    return "*…*"


def main() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
    sys.stdout.write("" if fresh else "docs/errors.md is out of date; run python tools/make_errors.py\n")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main())
