import pytest
import torch
from safetensors.torch import load_file, save_file

from recon_lib.errors import BadInput
from recon_lib.weights.lora_files import find_loras, read_subject, write_lora


def test_a_file_tells_what_it_taught(tmp_path):
    path, rows = tmp_path / "a.safetensors", torch.rand(4, 6, dtype=torch.float64).T
    write_lora({"x": rows}, path, "sks cup")
    assert read_subject(path) == "sks cup"
    assert torch.equal(load_file(str(path))["x"], rows.float())


def test_another_programs_file_taught_no_words_that_we_know(tmp_path):
    save_file({"x": torch.ones(1)}, str(tmp_path / "a.safetensors"))
    assert read_subject(tmp_path / "a.safetensors") == ""


def test_missing_and_broken_files_are_told(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(BadInput, match="no LoRA file"):
        read_subject(path)
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{")
    with pytest.raises(BadInput, match="truncated"):
        read_subject(path)


def test_files_are_listed_with_their_folders(tmp_path):
    for name in ("one/b.safetensors", "one/deep/a.safetensors", "two/b.safetensors", "two/c.ckpt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_loras([tmp_path / "one", tmp_path / "two", tmp_path / "none"])
    assert found == {
        "b.safetensors": tmp_path / "one/b.safetensors",
        "deep/a.safetensors": tmp_path / "one/deep/a.safetensors",
    }
