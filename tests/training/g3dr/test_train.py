from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recon_lib.errors import BadInput
from recon_lib.networks.g3dr.mini import G3drMini
from recon_lib.training.weight_files import ZEROSHAPE_W_MINI
from recon_lib.weights.registry import load_model
from tests.helpers.tiny_shards import write_ellipsoids
from tests.helpers.training_runs import assert_each_weight_moves_once, resumed_run, whole_run

pytest.importorskip("accelerate")
from recon_lib.training.g3dr.settings import G3drSettings
from recon_lib.training.g3dr.train import (
    ENCODER_RATE_FACTOR,
    Trainer,
    add_arguments,
    optimizers,
    settings_from,
    train,
)

STEPS, SAVE_EVERY = 5, 2


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("shards"), size=48)


def settings(shards, out, **changed):
    defaults = {
        "steps": STEPS, "batch": 2, "render": 12, "coarse": 6, "fine": 4, "warmup": 1, "sides": ((0.0, 32),),
        "save_every": SAVE_EVERY, "workers": 0,
    }  # fmt: skip
    return G3drSettings(shards, out, **{**defaults, **changed})


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    return out, whole_run(Trainer, train, settings(shards, out))


def test_every_step_was_a_step(run):
    assert len(run[1]) == STEPS and all(0 < loss < 10 for loss in run[1])


def test_the_weights_are_a_model_with_a_card(run):
    loaded = load_model(run[0] / "g3dr_mini.safetensors")
    assert loaded.card.system == "g3dr" and isinstance(loaded.module, G3drMini)


def test_a_cut_run_goes_on_as_if_nothing_had_been(run, shards, tmp_path):
    losses = resumed_run(Trainer, train, settings(shards, tmp_path), 2)
    assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=2e-2)


def test_it_begins_with_the_packs_backbone(shards, tmp_path):
    trained = load_file(ZEROSHAPE_W_MINI)
    for name, value in Trainer(settings(shards, tmp_path)).network.dpt_depth.state_dict().items():
        torch.testing.assert_close(value.float(), trained[f"dpt_depth.{name}"].float())


def test_the_backbone_rests_first(shards, tmp_path):
    trainer = Trainer(settings(shards, tmp_path))
    for done, awake in ((0.0, False), (0.6, True)):
        trainer._let_backbone_rest(done)
        backbone = trainer.network.dpt_depth
        assert backbone.training is awake and all(p.requires_grad is awake for p in backbone.parameters())


def test_going_on_it_does_not_rest_and_sees_the_largest_pictures(shards, tmp_path):
    path = train(settings(shards, tmp_path / "first", steps=1)) / "g3dr_mini.safetensors"
    trainer = Trainer(settings(shards, tmp_path / "next", init=path))
    trainer._let_backbone_rest(0.0)
    assert trainer.network.dpt_depth.training
    assert (
        G3drSettings(Path("s"), Path("o"), init=path).side(0.0) == 128 != G3drSettings(Path("s"), Path("o")).side(0.0)
    )


def test_no_shards_are_told_at_once(tmp_path):
    with pytest.raises(BadInput, match="No rendered shard"):
        train(settings(tmp_path, tmp_path / "out"))


def test_every_weight_is_moved_once():
    model = G3drMini()
    adam, muon = optimizers(model, settings(Path("s"), Path("o")))
    assert_each_weight_moves_once(model, (adam, muon))
    backbone = {id(p) for p in model.dpt_depth.parameters()}
    for group in adam.param_groups:
        ids = {id(p) for p in group["params"]}
        assert not ids or (ids <= backbone) == (group.get("share") == ENCODER_RATE_FACTOR)


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    assert settings_from(parser.parse_args(["--shards", "s", "--out", "o"])) == G3drSettings(Path("s"), Path("o"))
    text = "--shards s --out o --minutes 2 --init w.safetensors --without-occupancy"
    text += " --without-gradient-scaling --without-novel-views"
    assert settings_from(parser.parse_args(text.split())) == G3drSettings(
        Path("s"),
        Path("o"),
        minutes=2,
        gradient_scaling=False,
        novel_views=False,
        occupancy=False,
        init=Path("w.safetensors"),
    )
