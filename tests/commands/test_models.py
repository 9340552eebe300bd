import json

import torch
from safetensors.torch import save_file

from recon_lib.cli import main


def folder_with_model(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    save_file({"w": torch.zeros(10)}, str(folder / "mine.safetensors"))
    card = {"system": "zeroshape-w", "size": "base", "licence": "MIT", "config": {}, "parameters": 2_500_000}
    (folder / "mine.json").write_text(json.dumps(card))
    return folder


def test_table(tmp_path, capsys):
    assert main(["models", "--folder", str(folder_with_model(tmp_path))]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[:5] == ["mine", "zeroshape-w", "base", "2.5", "M"]
    assert row[-1] == "MIT"


def test_json(tmp_path, capsys):
    assert main(["models", "--json", "--folder", str(folder_with_model(tmp_path))]) == 0
    card = json.loads(capsys.readouterr().out)[-1]
    assert (card["name"], card["path"], len(card["sha256"])) == ("mine", "mine.safetensors", 64)


def test_pages(tmp_path, capsys):
    assert main(["models", "--folder", str(folder_with_model(tmp_path)), "--pages", str(tmp_path / "pages")]) == 0
    assert (tmp_path / "pages" / "mine.md").read_text(encoding="utf-8").startswith("# mine")
    assert not capsys.readouterr().out
