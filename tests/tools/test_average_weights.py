import importlib.util

import pytest
import torch
from safetensors.torch import load_file, save_file


@pytest.fixture(scope="module")
def tool(repo_root):
    spec = importlib.util.spec_from_file_location("average_weights", repo_root / "tools" / "average_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path, value):
    save_file({"w": torch.full((2, 3), value).half(), "steps": torch.tensor(int(value))}, path)
    return path


def test_it_lies_between_both_and_counts_are_the_first_ones(tool, tmp_path):
    a, b = write(tmp_path / "a.safetensors", 1.0), write(tmp_path / "b.safetensors", 3.0)
    tool.average(a, b, tmp_path / "out.safetensors")
    mean = load_file(tmp_path / "out.safetensors")
    assert torch.equal(mean["w"], torch.full((2, 3), 2.0).half()) and int(mean["steps"]) == 1
    tool.average(a, b, tmp_path / "out.safetensors", 0.25)
    assert torch.equal(load_file(tmp_path / "out.safetensors")["w"], torch.full((2, 3), 1.5).half())


def test_models_of_other_shapes_are_refused(tool, tmp_path):
    a = write(tmp_path / "a.safetensors", 1.0)
    save_file({"w": torch.zeros(2)}, tmp_path / "b.safetensors")
    with pytest.raises(SystemExit, match="do not hold the same tensors"):
        tool.average(a, tmp_path / "b.safetensors", tmp_path / "out.safetensors")
