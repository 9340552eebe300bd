"""requirements.txt names what the code imports: nothing less, nothing more, and no version that ComfyUI owns."""

import ast
import re
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent
IMPORT_NAMES = {
    "fast-simplification": "fast_simplification",
    "libigl": "igl",
    "pillow": "PIL",
    "pymcubes": "mcubes",
    "scikit-image": "skimage",
}
TRAINING_ROOMS = {"data", "training"}
HOSTS = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "folder_paths", "nodes", "server", "torch"}


def names(path: Path) -> dict[str, str]:
    """Requirement name -> the rest of its line."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {m[1].lower(): m[2].strip() for m in (re.match(r"([\w.-]+)(.*)", line) for line in lines) if m}


def imported(files: list[Path]) -> set[str]:
    """Top-level packages that `files` import, outside the standard library and the host."""
    packages: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                packages |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                packages.add(node.module.split(".")[0])
    return packages - sys.stdlib_module_names - HOSTS


REQUIRED = {IMPORT_NAMES.get(name, name) for name in names(ROOT / "requirements.txt")}
EXTRA = {name for extra in ("pose", "ray") for name in names(ROOT / "requirements" / f"{extra}.txt")}  # asked for first
TRAINING = {IMPORT_NAMES.get(name, name) for name in names(ROOT / "requirements" / "train.txt")}
FILES = sorted((ROOT / "recon_lib").rglob("*.py")) + sorted((ROOT / "nodes").rglob("*.py"))
TRAINING_FILES = [path for path in FILES if TRAINING_ROOMS & set(path.relative_to(ROOT).parts)]


def test_inference_imports_what_is_required():
    assert imported([path for path in FILES if path not in TRAINING_FILES]) - REQUIRED == EXTRA


def test_training_and_the_data_engine_import_what_is_required_for_them():
    assert imported(TRAINING_FILES) - REQUIRED - TRAINING == set()


def test_every_requirement_is_imported():
    assert REQUIRED - imported(FILES) == set()


@pytest.mark.parametrize("name", ["torch", "torchvision", "torchaudio", "xformers"])
def test_what_comfyui_owns_is_not_named(name):
    assert name not in names(ROOT / "requirements.txt")


@pytest.mark.parametrize("name", ["numpy", "transformers", "pillow", "scipy", "safetensors", "einops", "kornia"])
def test_what_comfyui_shares_has_no_version(name):
    assert names(ROOT / "requirements.txt").get(name, "") == ""


PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64"),
    "Linux ARM": ("linux", "aarch64"),
    "Windows": ("win32", "AMD64"),
    "Mac ARM": ("darwin", "arm64"),
    "Mac x86-64": ("darwin", "x86_64"),
}


@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("file", "pair"),
    [("requirements.txt", ("pymcubes", "scikit-image")), ("requirements/train.txt", ("embreex", "rtree"))],
)
def test_a_package_without_all_wheels_or_its_stand_in_is_installed_and_never_both(file, pair, platform, python):
    system, machine = PLATFORMS[platform]
    target = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    markers = [Marker(names(ROOT / file)[name].removeprefix(";")) for name in pair]
    assert sum(marker.evaluate(target) for marker in markers) == 1
