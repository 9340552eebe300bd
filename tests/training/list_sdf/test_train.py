from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import default_collate

from recon_lib.errors import BadInput
from recon_lib.networks.list_sdf.mini import ListMini
from recon_lib.progress import Progress
from recon_lib.training.weight_files import ZEROSHAPE_W_MINI
from recon_lib.weights.registry import load_model
from tests.helpers.tiny_shards import write_ellipsoids
from tests.helpers.training_runs import assert_each_weight_moves_once, resumed_run, whole_run

pytest.importorskip("accelerate")
pytest.importorskip("igl")
from recon_lib.training.list_sdf.dataset import UprightDataset
from recon_lib.training.list_sdf.settings import ListSettings
from recon_lib.training.list_sdf.train import (
    ENCODER_RATE_FACTOR,
    Trainer,
    add_arguments,
    optimizers,
    settings_from,
    train,
)
from recon_lib.training.list_sdf.validation import validate
from tests.helpers.upright_shards import write_upright

STEPS, SAVE_EVERY = 6, 2


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_upright(tmp_path_factory.mktemp("train"), size=48)


def settings(shards, out, **changed):
    defaults = {
        "steps": STEPS, "batch": 2, "queries": 32, "surface": 64, "warmup": 1, "sides": ((0.0, 32),),
        "save_every": SAVE_EVERY, "workers": 0, "coarse_stage": 0.5,
    }  # fmt: skip
    return ListSettings(shards, out, **{**defaults, **changed})


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    return out, whole_run(Trainer, train, settings(shards, out))


def test_every_step_was_a_step(run):
    assert len(run[1]) == STEPS and all(0 < loss < 50 for loss in run[1])


def test_the_weights_are_a_model_with_a_card(run):
    loaded = load_model(run[0] / "list_mini.safetensors")
    assert loaded.card.system == "list" and isinstance(loaded.module, ListMini)


def test_a_cut_run_goes_on_as_if_nothing_had_been(run, shards, tmp_path):
    losses = resumed_run(Trainer, train, settings(shards, tmp_path), 2)
    assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=2e-2)


def test_it_begins_with_the_packs_backbone(shards, tmp_path):
    backbone = Trainer(settings(shards, tmp_path)).network.dpt_depth.state_dict()
    trained = load_file(ZEROSHAPE_W_MINI)
    for name, value in backbone.items():
        torch.testing.assert_close(value.float(), trained[f"dpt_depth.{name}"].float())


def test_the_loss_falls(shards, tmp_path):
    trainer = Trainer(settings(shards, tmp_path, steps=100, coarse_stage=0.0))
    data = UprightDataset(shards, 3, size=32, queries=128, surface=128)
    batch = default_collate([data[i] for i in range(3)])
    losses = [trainer._train_step(dict(batch)) for _ in range(12)]
    assert losses[-1]["loss"] < 0.8 * losses[0]["loss"]


def test_the_stages_follow_each_other(shards, tmp_path):
    trainer = Trainer(settings(shards, tmp_path))
    assert trainer.coarse_only
    trainer.step = STEPS // 2
    assert not trainer.coarse_only


def test_shards_without_distances_are_told_at_once(tmp_path):
    with pytest.raises(BadInput, match="has distances; add them"):
        train(settings(write_ellipsoids(tmp_path / "s", size=32), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_validation_figures(shards):
    figures = validate(ListMini().eval(), shards, samples=2)
    assert set(figures) == {
        "chamfer", "position", "distance", "iou", "up_median", "elevation_median", "roll_median", "lens_median",
    }  # fmt: skip
    assert 0 <= figures["iou"] <= 1 and figures["up_median"] < 90


def test_every_weight_is_moved_once():
    model = ListMini()
    adam, muon = optimizers(model, settings(Path("s"), Path("o")))
    assert_each_weight_moves_once(model, (adam, muon))
    backbone = {id(p) for p in model.dpt_depth.parameters()}
    for group in adam.param_groups:
        assert ({id(p) for p in group["params"]} <= backbone) == (group.get("share") == ENCODER_RATE_FACTOR)
    assert all(p.ndim != 3 for group in muon.param_groups for p in group["params"])


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    plain = settings_from(parser.parse_args(["--shards", "s", "--out", "o"]))
    assert plain == ListSettings(Path("s"), Path("o"))
    text = "--shards s --out o --minutes 2 --batch 4 --muon-rate 0.1 --without-coarse-branch --init w.safetensors"
    assert settings_from(parser.parse_args(text.split())) == ListSettings(
        Path("s"), Path("o"), minutes=2, batch=4, muon_rate=0.1, coarse_branch=False, init=Path("w.safetensors")
    )


@pytest.mark.parametrize("train_encoder", [False, True])
def test_the_encoder_stays_as_it_comes_unless_it_is_to_be_trained(shards, tmp_path, train_encoder):
    trainer = Trainer(settings(shards, tmp_path, steps=1, coarse_stage=0.0, train_encoder=train_encoder))
    before = {name: value.clone() for name, value in trainer.network.dpt_depth.state_dict().items()}
    trainer.run(Progress())
    after = trainer.network.dpt_depth.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before) != train_encoder
