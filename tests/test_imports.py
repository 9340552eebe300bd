"""The house's arrows point down, and importing the library costs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "recon_lib"

# floors from the ground up; a file imports from its own room and from lower floors only
FLOORS = [
    {"check", "color_space", "errors", "files", "memory", "parsing", "progress", "provenance", "registry"},
    {"cameras"},
    {"meshes"},
    {"views"},
    {"networks"},
    {"fields"},
    {"render"},
    {"weights", "preview"},
    {"stages"},
    {"data"},
    {"training"},
    {"systems"},
    {"console", "commands"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {
    "cv2", "diffusers", "embreex", "fast_simplification", "kornia", "matplotlib", "mcubes", "PIL", "scipy", "skimage",
    "torchvision", "transformers", "trimesh", "xatlas", "accelerate", "igl", "peft", "pycolmap",
}  # fmt: skip
HOST = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "folder_paths", "nodes", "server", "execution"}
FILES = sorted(LIBRARY.rglob("*.py"))
DOOR = [ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py"))]


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]


def outside_packages(nodes) -> set[str]:
    """Top-level names of absolute imports."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def rooms_imported(path: Path, tree: ast.AST) -> set[str]:
    """Rooms of recon_lib that a file's relative imports reach."""
    package = path.relative_to(LIBRARY).parts[:-1]
    rooms = set()
    for node in imports(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module or "").split(".")) if node.module else base
            rooms |= {target[0]} if target else {alias.name for alias in node.names}
    return rooms


def at_import_time(tree: ast.Module) -> list:
    """Imports that run when the module is imported: not those in functions or under TYPE_CHECKING."""
    found, todo = [], list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
        else:
            todo += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_library_file(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = outside_packages(imports(tree))
    assert not used & HOST, "recon_lib knows nothing of ComfyUI"
    assert "recon_lib" not in used, "inside ComfyUI the pack has another name: import relatively"
    if path.name == "__init__.py" and path.parent == LIBRARY:
        return
    height = FLOOR[room_of(path)]
    upward = {room for room in rooms_imported(path, tree) if FLOOR[room] > height}
    assert not upward, f"{room_of(path)} reaches up to {upward}"


@pytest.mark.parametrize("path", FILES + DOOR, ids=relative)
def test_heavy_packages_are_imported_late(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not outside_packages(at_import_time(tree)) & HEAVY


@pytest.mark.parametrize("path", DOOR, ids=relative)
def test_the_door_imports_relatively(path):
    used = outside_packages(imports(ast.parse(path.read_text(encoding="utf-8"))))
    assert not used & {"nodes", "recon_lib"}


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    ).stdout


TOP_LEVEL = "print(*{name.split('.')[0] for name in sys.modules})"


def test_importing_the_library_pulls_in_nothing():
    assert not set(run_python(f"import sys, recon_lib\n{TOP_LEVEL}").split()) & (HEAVY | {"torch", "numpy"})


IMPORT_ALL = """
import importlib, pkgutil, sys, recon_lib
for module in pkgutil.walk_packages(recon_lib.__path__, "recon_lib."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_importing_all_of_it_pulls_in_no_heavy_package():
    assert not set(run_python(IMPORT_ALL + TOP_LEVEL).split()) & HEAVY


def test_help_is_quick_because_it_imports_no_torch():
    code = f"import sys\nfrom recon_lib.cli import build_parser\nbuild_parser().format_help()\n{TOP_LEVEL}"
    assert not set(run_python(code).split()) & (HEAVY | {"torch", "numpy"})


def test_the_checks_can_fail():
    """The functions above see what they are meant to see."""
    tree = ast.parse("import comfy.utils\nfrom ..nodes import x\nfrom . import views\ndef f():\n    import trimesh")
    assert outside_packages(imports(tree)) == {"comfy", "trimesh"}
    assert outside_packages(at_import_time(tree)) == {"comfy"}
    assert rooms_imported(LIBRARY / "cameras" / "x.py", tree) == {"nodes", "cameras"}
