"""The archive that the registry serves holds all that the pack needs, and nothing else."""

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = None

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "__init__.py", "nodes", "recon_lib", "web", "locales", "workflows", "subgraphs", "assets", "requirements.txt",
    "pyproject.toml", "README.md", "LICENSE", "NOTICE", "requirements/train.txt", "requirements/ray.txt",
)  # fmt: skip
RAW = re.compile(r"https://raw\.githubusercontent\.com/[\w-]+/ComfyUI-Recon3D/main/(.+)")


def toml(name: str) -> dict:
    if tomllib is None:
        pytest.skip("Python 3.10 reads no TOML")
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def left_out() -> list[str]:
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_what_is_left_out_exists_and_nothing_needed_is_among_it():
    """Patterns begin at the root: without their slash they would take web/docs, the help pages, as well."""
    for pattern in left_out():
        assert pattern.startswith("/") and not set("*?![") & set(pattern), pattern
        path = pattern.removeprefix("/")
        assert (ROOT / path).exists(), pattern
        assert not any(f"{name}/".startswith(path) or name == path for name in NEEDED), pattern


def test_the_pack_imports_nothing_that_is_left_out():
    folders = [pattern.strip("/") for pattern in left_out() if pattern.endswith("/")]
    for path in [*(ROOT / "nodes").glob("*.py"), *(ROOT / "recon_lib").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not any(f"from {name}" in text or f"import {name}" in text for name in folders), path


def test_the_registry_is_told_all_but_the_publisher():
    told = toml("pyproject.toml")
    project, comfy = told["project"], told["tool"]["comfy"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert "comfyui" not in project["name"].lower() and len(project["name"]) < 100
    account = comfy["PublisherId"]
    assert project["urls"]["Repository"] == f"https://github.com/{account}/ComfyUI-Recon3D"
    assert comfy["DisplayName"] and comfy["requires-comfyui"] == ">=0.3.64"


@pytest.mark.parametrize(("name", "widest", "highest"), [("Icon", 800, 400), ("Banner", 21, 9)])
def test_the_registry_s_pictures_are_there(name, widest, highest):
    """Icons are square and at most 800 x 400, banners 21:9."""
    path = ROOT / RAW.fullmatch(toml("pyproject.toml")["tool"]["comfy"][name])[1]
    width, height = Image.open(path).size
    assert width == height <= highest <= widest if name == "Icon" else width * highest == height * widest


def test_nothing_is_published_before_the_publisher_is_named():
    workflow = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
    assert "! grep -n PUBLISHER pyproject.toml" in workflow and "secrets.REGISTRY_ACCESS_TOKEN" in workflow
    assert workflow.index("grep -n PUBLISHER") < workflow.index("publish-node-action")


def test_comfy_test_leaves_out_workflows_that_exist():
    told = toml("comfy-test.toml")["test"]["workflows"]["cpu"]
    for name in told:
        assert (ROOT / "workflows" / f"{name.removeprefix('!')}.json").is_file() and name.startswith("!")
