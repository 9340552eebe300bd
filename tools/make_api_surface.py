"""Writes recon_lib's public names to tests/api_surface.json: python tools/make_api_surface.py [--check]

Public is a function or class at the top level of a module whose name has no leading underscore. Read from the source;
nothing is imported. --check only says what has changed.
"""

import ast
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "api_surface.json"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def public_names(source: str) -> list[str]:
    """Public functions and classes that a module defines, sorted."""
    names = {node.name for node in ast.parse(source).body if isinstance(node, DEFINITIONS)}
    return sorted(name for name in names if not name.startswith("_"))


def surface(package: Path) -> dict[str, list[str]]:
    """Dotted module -> its public names, of all modules of a package that have some."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names = public_names(path.read_text(encoding="utf-8"))
        if names:
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = names
    return modules


def changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Lines "+ module.name" and "- module.name", sorted by name."""
    old, new = ({f"{module}.{name}" for module, names in s.items() for name in names} for s in (before, after))
    return [f"{'+' if name in new else '-'} {name}" for name in sorted(old ^ new)]


def main(arguments: list[str]) -> int:
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    after = surface(ROOT / "recon_lib")
    lines = changes(before, after)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if "--check" in arguments:
        return int(bool(lines))
    FILE.write_text(json.dumps(after, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
