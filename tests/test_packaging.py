"""The archive that the registry serves holds all that the pack needs, and nothing else."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "__init__.py", "nodes", "recon_lib", "web", "locales", "workflows", "assets", "requirements.txt", "pyproject.toml",
    "README.md", "LICENSE", "NOTICE", "requirements/train.txt",
)  # fmt: skip


def left_out() -> list[str]:
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_what_is_left_out_exists_and_nothing_needed_is_among_it():
    for pattern in left_out():
        assert (ROOT / pattern).exists(), pattern
        assert not any(f"{name}/".startswith(pattern) or name == pattern for name in NEEDED), pattern


def test_the_pack_imports_nothing_that_is_left_out():
    folders = [pattern.rstrip("/") for pattern in left_out() if pattern.endswith("/")]
    for path in [*(ROOT / "nodes").glob("*.py"), *(ROOT / "recon_lib").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not any(f"from {name}" in text or f"import {name}" in text for name in folders), path
