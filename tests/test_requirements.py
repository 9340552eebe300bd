"""requirements.txt names what the code imports: nothing less, nothing more, and no version that ComfyUI owns."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMPORT_NAMES = {
    "fast-simplification": "fast_simplification",
    "libigl": "igl",
    "pillow": "PIL",
    "pymcubes": "mcubes",
    "scikit-image": "skimage",
}
INDIRECT = {"rtree"}  # trimesh's rays import it
HOSTS = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "folder_paths", "nodes", "server", "torch"}


def names(path: Path) -> dict[str, str]:
    """Requirement name -> the rest of its line."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {m[1].lower(): m[2].strip() for m in (re.match(r"([\w.-]+)(.*)", line) for line in lines) if m}


def imported(*folders: str) -> set[str]:
    """Top-level packages that the files in `folders` import, outside the standard library."""
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names


REQUIRED = {IMPORT_NAMES.get(name, name) for name in names(ROOT / "requirements.txt")}
TRAINING = {IMPORT_NAMES.get(name, name) for name in names(ROOT / "requirements" / "train.txt")}


def test_every_import_is_required():
    assert imported("recon_lib", "nodes") - HOSTS - REQUIRED - TRAINING == set()


def test_every_requirement_is_imported():
    assert REQUIRED - imported("recon_lib", "nodes") == INDIRECT


@pytest.mark.parametrize("name", ["torch", "torchvision", "torchaudio", "xformers"])
def test_what_comfyui_owns_is_not_named(name):
    assert name not in names(ROOT / "requirements.txt")


@pytest.mark.parametrize("name", ["numpy", "transformers", "pillow", "scipy", "safetensors", "einops", "kornia"])
def test_what_comfyui_shares_has_no_version(name):
    assert names(ROOT / "requirements.txt").get(name, "") == ""


@pytest.mark.parametrize("name", ["pymcubes", "embreex", "rtree"])
def test_packages_without_all_wheels_have_a_marker(name):
    assert names(ROOT / "requirements.txt")[name].startswith(";")
