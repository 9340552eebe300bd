from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.training.weight_files import decay_groups, load_weights, save_card, save_weights
from recon_lib.weights.registry import load_model


def module():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_only_matrices_and_kernels_decay():
    model = module()
    model[3].weight.requires_grad_(False)
    wide, narrow = decay_groups(model.parameters(), 0.05)
    assert (wide["weight_decay"], narrow["weight_decay"]) == (0.05, 0.0)
    assert [p.shape for p in wide["params"]] == [(4, 3, 3, 3)]
    assert [tuple(p.shape) for p in narrow["params"]] == [(4,), (4,), (4,), (2,)]
    assert len(decay_groups(module().parameters(), 0.1)[0]["params"]) == 2


def test_weights_are_halved_whole_numbers_kept_and_all_come_back(tmp_path):
    model = module()
    model[0] = model[0].to(memory_format=torch.channels_last)
    model[1].num_batches_tracked.fill_(70_001)  # beyond what half precision holds
    save_weights(model, tmp_path / "w.safetensors")
    stored = load_file(tmp_path / "w.safetensors")
    assert {v.dtype for k, v in stored.items() if "tracked" not in k} == {torch.float16}
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    load_weights(other, tmp_path / "w.safetensors")
    for name, value in model.state_dict().items():
        wanted = value.half().float() if value.is_floating_point() else value
        assert torch.equal(other.state_dict()[name].to(wanted), wanted), name
    assert other[0].weight.dtype == torch.float32
    assert int(other[1].num_batches_tracked) == 70_001


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "There is no weights file"),
        (lambda path: path.write_bytes(path.read_bytes()[:50]), "truncated or no safetensors file"),
        (lambda path: save_weights(nn.Linear(2, 2), path), "weights of another model"),
    ],
    ids=["missing", "cut", "foreign"],
)
def test_what_cannot_be_loaded_is_reported(tmp_path, damage, message):
    path = tmp_path / "w.safetensors"
    save_weights(module(), path)
    damage(path)
    with pytest.raises(BadInput, match=message):
        load_weights(module(), path)


def test_a_runs_weights_can_be_loaded_by_their_path(tmp_path):
    model = ZeroShapeW(replace(MINI, threshold=0.25))
    path = tmp_path / "mine.safetensors"
    save_weights(model, path)
    save_card(model, "zeroshape-w", path)
    loaded = load_model(path)
    assert loaded.module.config == model.config and loaded.card.name == "mine"
    assert loaded.card.parameters == sum(p.numel() for p in model.parameters())


def test_a_card_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "mine.json").write_text("mine")
    save_card(ZeroShapeW(MINI), "zeroshape-w", tmp_path / "mine.safetensors")
    assert (tmp_path / "mine.json").read_text() == "mine"
