"""What the README says of systems and nodes is what there is."""

import json

import pytest


@pytest.fixture(scope="module")
def readme(repo_root) -> str:
    return (repo_root / "README.md").read_text(encoding="utf-8")


def test_every_node_has_its_line(readme, repo_root):
    nodes = json.loads((repo_root / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    for name, node in nodes.items():
        assert f"| {node['display_name']} | {node['description']} |" in readme, name


def test_its_pictures_and_pages_are_there(readme, repo_root):
    import re

    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (repo_root / target).exists(), target
