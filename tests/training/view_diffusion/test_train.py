import json
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recon_lib.errors import BadInput
from recon_lib.networks.view_diffusion.encoder import from_zeroshape_w
from recon_lib.networks.view_diffusion.model import ViewDiffusion
from recon_lib.training.weight_files import ZEROSHAPE_W_MINI
from recon_lib.weights.registry import read_state
from tests.helpers.training_runs import assert_each_weight_moves_once, resumed_run, whole_run
from tests.helpers.view_prior import TINY, write_scattered_ellipsoids

pytest.importorskip("accelerate")
pytest.importorskip("diffusers")
from recon_lib.training.view_diffusion import train as training
from recon_lib.training.view_diffusion.train import (
    WEIGHTS,
    ViewDiffusionSettings,
    ViewDiffusionTrainer,
    add_arguments,
    settings_from,
    train,
)

STEPS, SAVE_EVERY = 4, 2


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(training, "MINI", TINY)


@pytest.fixture(scope="module")
def orbits(tmp_path_factory):
    return write_scattered_ellipsoids(tmp_path_factory.mktemp("orbits"))


def settings(orbits, out, **changed):
    few = {"steps": STEPS, "batch": 2, "warmup": 1, "save_every": SAVE_EVERY, "denoise_from": 0.5}
    return ViewDiffusionSettings(orbits, out, **{**few, **changed})


@pytest.fixture(scope="module")
def run(orbits, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "MINI", TINY)
        return out, whole_run(ViewDiffusionTrainer, train, settings(orbits, out))


def test_the_loss_falls_on_one_batch(orbits, tmp_path):
    trainer = ViewDiffusionTrainer(settings(orbits, tmp_path, steps=1000, denoise_from=0.0, warmup=5))
    batch = next(iter(trainer._batches()))
    losses = [trainer._train_step(batch) for _ in range(12)]
    for name, most in (("pixel_nerf", 1.0), ("denoise", 0.9)):
        early, late = (sum(x[name] for x in part) for part in (losses[:3], losses[-3:]))
        assert late < most * early, (name, early, late)


def test_a_cut_run_goes_on_as_if_nothing_had_been(run, orbits, tmp_path):
    losses = resumed_run(ViewDiffusionTrainer, train, settings(orbits, tmp_path), 2)
    assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=1e-3)


def test_the_weights_are_a_prior_and_can_be_begun_with(run, orbits, tmp_path):
    stored = load_file(run[0] / WEIGHTS)
    assert stored.keys() == ViewDiffusion(TINY).state_dict().keys()
    trainer = ViewDiffusionTrainer(settings(orbits, tmp_path, init=run[0] / WEIGHTS))
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(value.cpu().float(), stored[name].float())
    card = json.loads((run[0] / WEIGHTS).with_suffix(".json").read_text())
    assert card["system"] == "view-diffusion" and card["config"] == TINY.to_dict()


def test_the_encoder_begins_with_zeroshape_ws(orbits, tmp_path):
    trainer = ViewDiffusionTrainer(settings(orbits, tmp_path))
    own = trainer.network.encoder.state_dict()
    for name, value in from_zeroshape_w(read_state(ZEROSHAPE_W_MINI)).items():
        torch.testing.assert_close(own[name].cpu(), value)


def test_every_weight_is_trained_once(orbits, tmp_path):
    trainer = ViewDiffusionTrainer(settings(orbits, tmp_path))
    assert_each_weight_moves_once(trainer.network, trainer.optimizers)
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    assert {group["share"] for group in groups} == {training.ENCODER_SHARE, 1.0}


def test_figures_are_logged_and_a_sheet_is_drawn(orbits, tmp_path, monkeypatch):
    from recon_lib.training.view_diffusion import validation

    figures = {"repair": 20.0}
    monkeypatch.setattr(validation, "validate", lambda model, folder, check: (figures, torch.full((3, 4, 6), 0.5)))
    ViewDiffusionTrainer(settings(orbits, tmp_path, validation=orbits)).save()
    (line,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert line["validation"] == figures and (tmp_path / "sheet.png").is_file()


def test_without_orbits_it_says_so_at_once(orbits, tmp_path):
    for changed in ({}, {"validation": tmp_path / "none"}):
        with pytest.raises(BadInput, match="There is nothing in"):
            train(settings(tmp_path / "none" if not changed else orbits, tmp_path / "out", **changed))
    assert not (tmp_path / "out").exists()


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    defaults = settings_from(parser.parse_args(["--orbits", "s", "--out", "o"]))
    assert defaults == ViewDiffusionSettings(Path("s"), Path("o"))
    text = "--orbits s --out o --validation v --steps 9 --minutes 1.5 --batch 3 --rate 0.1 --muon-rate 0.2 --seed 4"
    more = parser.parse_args([*text.split(), "--init", "w", "--save-every", "7", "--denoise-from", "0.6"])
    assert settings_from(more) == ViewDiffusionSettings(
        Path("s"), Path("o"), validation=Path("v"), steps=9, minutes=1.5, batch=3, rate=0.1, muon_rate=0.2, seed=4,
        init=Path("w"), save_every=7, denoise_from=0.6,
    )  # fmt: skip
