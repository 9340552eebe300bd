import json

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.focal import FocalNetwork
from recon_lib.training.focal.dataset import DepthCrops
from recon_lib.training.focal.validation import validate
from recon_lib.weights.registry import load_model
from tests.helpers.tiny_shards import write_ellipsoids
from tests.helpers.training_runs import assert_each_weight_moves_once, resumed_run, whole_run

pytest.importorskip("accelerate")
from recon_lib.training.focal.train import FocalSettings, FocalTrainer, Likelihood, train

STEPS, SAVE_EVERY = 6, 3


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("shards"))


def settings(shards, out, **changed):
    defaults = {"steps": STEPS, "batch": 4, "warmup": 1, "save_every": SAVE_EVERY, "validation": shards}
    return FocalSettings(shards, out, **{**defaults, **changed})


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    return out, whole_run(FocalTrainer, train, settings(shards, out))


def test_the_weights_are_a_model_with_a_card(run):
    loaded = load_model(run[0] / "focal_mini.safetensors")
    assert loaded.card.system == "focal" and isinstance(loaded.module, FocalNetwork)


def test_a_cut_run_goes_on_as_if_nothing_had_been(run, shards, tmp_path):
    losses = resumed_run(FocalTrainer, train, settings(shards, tmp_path), SAVE_EVERY + 1)
    assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=2e-2)


def test_it_says_how_wrong_it_is_and_was(run):
    rows = [json.loads(line) for line in (run[0] / "log.jsonl").read_text().splitlines()]
    figures = next(row["validation"] for row in rows if "validation" in row)
    assert figures["rms"] > 0 and 0 < figures["median_before"] < 0.9


def test_each_weight_moves_once(shards, tmp_path):
    trainer = FocalTrainer(settings(shards, tmp_path))
    assert_each_weight_moves_once(trainer.network, trainer.optimizers)


def test_it_learns_the_lens_of_ellipsoids(shards, tmp_path):
    """Six pictures, learnt by heart."""
    train(settings(shards, tmp_path, steps=80, batch=12, save_every=1000))
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    last = rows[-1]["validation"]
    assert last["rms"] < 0.6 * last["rms_before"]


def test_validation_of_a_network_that_knows_has_no_error(shards, monkeypatch):
    data = DepthCrops(shards, 32)

    def knows(self, depth, mask, focal):
        return data.focal

    monkeypatch.setattr(FocalNetwork, "find", knows)
    assert validate(FocalNetwork(), data)["rms"] == 0


def test_the_likelihood_is_that_of_a_normal_error():
    class Says(FocalNetwork):
        def forward(self, depth, mask, focal):
            return torch.tensor([0.5, -0.1]), torch.tensor([0.0, -2.0])

    terms = Likelihood(Says())(None, None, torch.tensor([2.0, 1.0]), torch.tensor([1.0, 1.0]))
    errors = torch.tensor([0.5 - 0.6931472, -0.1])
    expected = (errors.square() * torch.tensor([1.0, 2.718281828**2]) + torch.tensor([0.0, -2.0])).mean() / 2
    torch.testing.assert_close(terms["likelihood"], expected)
    torch.testing.assert_close(terms["squared"], errors.square().mean())


def test_no_shards_are_told_at_once(tmp_path):
    with pytest.raises(BadInput, match="No rendered shard"):
        train(settings(tmp_path / "none", tmp_path / "out"))
