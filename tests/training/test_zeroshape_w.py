import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import default_collate

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.zeroshape_w import MINI, ZeroShapeW
from recon_lib.progress import Progress
from recon_lib.training.dataset import SceneDataset
from recon_lib.training.settings import TrainSettings
from tests.tiny_shards import write_ellipsoids

pytest.importorskip("accelerate")
from recon_lib.training import zeroshape_w
from recon_lib.training.zeroshape_w import Trainer, add_arguments, settings_from, train

STEPS, SAVE_EVERY = 8, 3


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("train"), size=48)


def settings(shards, out, **changed):
    given = {
        "steps": STEPS, "batch": 2, "queries": 48, "rate": 1e-3, "warmup": 1, "sides": ((0.0, 32),),
        "save_every": SAVE_EVERY, "workers": 0,
    }  # fmt: skip
    return TrainSettings(shards, out, **{**given, **changed})


def losses_of(monkeypatch):
    """The list that every step's loss will be written to."""
    losses, learn = [], Trainer._learn

    def remembered(self, batch):
        terms = learn(self, batch)
        losses.append(terms["loss"])
        return terms

    monkeypatch.setattr(Trainer, "_learn", remembered)
    return losses


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        losses = losses_of(patch)
        assert train(settings(shards, out)) == out
    return out, losses


class StopAfter(Progress):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def check(self):
        if self.done >= self.steps:
            raise Interrupted


class TestRun:
    def test_every_step_was_a_step(self, run):
        assert len(run[1]) == STEPS and all(0 < loss < 50 for loss in run[1])

    def test_the_loss_falls(self, shards, tmp_path):
        """On the same scenes over and over, that is: different ones are differently hard."""
        trainer = Trainer(settings(shards, tmp_path, steps=100, rate=2e-4))
        data = SceneDataset(shards, 3, size=32, queries=256)
        batch = default_collate([data[i] for i in range(3)])
        losses = [trainer._learn(dict(batch)) for _ in range(14)]
        assert losses[-1]["loss"] < 0.75 * losses[0]["loss"]
        assert [name for name in losses[0] if losses[-1][name] >= losses[0][name]] == []

    def test_the_weights_are_a_model(self, run):
        stored = load_file(run[0] / "zeroshape_w_mini.safetensors")
        model, fresh = ZeroShapeW(MINI), ZeroShapeW(MINI).state_dict()
        model.load_state_dict({name: value.float() for name, value in stored.items()})
        assert sum(p.numel() * 2 for p in stored.values()) <= 20_000_000
        logits = model.eval().glance(torch.rand(1, 3, 64, 64)).mask
        assert logits.isfinite().all()
        assert any((stored[name].float() - fresh[name]).abs().max() > 1e-3 for name in stored)

    def test_it_leaves_its_state_and_its_weights_alone(self, run):
        assert sorted(p.name for p in run[0].iterdir()) == ["state.pt", "zeroshape_w_mini.safetensors"]
        state = torch.load(run[0] / "state.pt", weights_only=True)
        assert state["step"] == STEPS and state["spent"] > 0

    def test_a_cut_run_goes_on_as_if_nothing_had_been(self, run, shards, tmp_path, monkeypatch):
        losses = losses_of(monkeypatch)
        with pytest.raises(Interrupted):
            train(settings(shards, tmp_path), StopAfter(4))
        assert len(losses) == 5
        assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == SAVE_EVERY
        losses.clear()
        progress = Progress()
        train(settings(shards, tmp_path), progress)
        assert (progress.done, progress.total) == (STEPS, STEPS)
        assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=1e-3)
        whole, resumed = (load_file(f / "zeroshape_w_mini.safetensors") for f in (run[0], tmp_path))
        for name in whole:
            torch.testing.assert_close(resumed[name].float(), whole[name].float(), rtol=1e-2, atol=1e-3)

    def test_a_finished_run_is_not_trained_again(self, run, shards, tmp_path, monkeypatch):
        (tmp_path / "state.pt").write_bytes((run[0] / "state.pt").read_bytes())
        losses = losses_of(monkeypatch)
        train(settings(shards, tmp_path))
        assert losses == [] and (tmp_path / "zeroshape_w_mini.safetensors").is_file()

    def test_it_can_begin_with_weights(self, run, shards, tmp_path):
        path = run[0] / "zeroshape_w_mini.safetensors"
        trainer = Trainer(settings(shards, tmp_path, init=path))
        assert trainer.step == 0
        for name, value in load_file(path).items():
            torch.testing.assert_close(trainer.network.state_dict()[name].float(), value.float())
            torch.testing.assert_close(trainer.average.module.state_dict()[name].float(), value.float())

    def test_without_shards_it_says_so_at_once(self, tmp_path):
        with pytest.raises(BadInput, match="No rendered shard"):
            train(settings(tmp_path / "none", tmp_path / "out"))
        assert not (tmp_path / "out").exists()


class Stub(Trainer):
    """The run's book-keeping without a network: every step costs as much as its number says."""

    def __init__(self, settings):
        self.settings, self.step, self.spent = settings, 0, 0.0
        self.saved = []
        self.accelerator = type(
            "One", (), {"num_processes": 1, "process_index": 0, "is_main_process": True, "device": "cpu"}
        )

    def _learn(self, batch):
        self.step += 1
        return {"loss": float(self.step)}

    def save(self, check=None):
        self.saved.append(self.step)


class TestBookKeeping:
    def test_means_over_fifty_steps_are_logged(self, tmp_path, monkeypatch):
        trainer = Stub(settings(tmp_path, tmp_path / "out", steps=120, save_every=50))
        monkeypatch.setattr(Stub, "_batches", lambda self: iter([{}] * 120))
        trainer.run(Progress())
        lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
        assert [(line["step"], line["loss"]) for line in lines] == [(50, 25.5), (100, 75.5)]
        assert trainer.saved == [50, 100, 120]

    def test_done_is_the_further_of_steps_and_time(self, tmp_path):
        trainer = Stub(settings(tmp_path, tmp_path, steps=100, minutes=2.0))
        trainer.step, trainer.spent = 30, 30.0
        assert trainer.done == 0.3
        trainer.spent = 90.0
        assert trainer.done == 0.75
        trainer.settings = replace(trainer.settings, minutes=None)
        assert trainer.done == 0.3

    @pytest.mark.parametrize("occluders", [True, False])
    def test_which_scenes_a_run_shows(self, tmp_path, monkeypatch, occluders):
        """Each step has scenes of its own, small ones first; the ablation never sees an occluder."""
        made = []

        class Recorded(torch.utils.data.Dataset):
            def __init__(self, shards, length, **options):
                made.append((length, options))
                self.length = length

            def __len__(self):
                return self.length

            def __getitem__(self, index):
                picture = torch.zeros(3, 4, 4)
                return {"image": picture, "normals": picture, "intrinsics": torch.eye(3), "points": torch.ones(1, 3),
                        "index": torch.tensor(index)}  # fmt: skip

        monkeypatch.setattr(zeroshape_w, "SceneDataset", Recorded)
        monkeypatch.setattr(zeroshape_w, "SPAN", 3)
        chosen = settings(tmp_path, tmp_path, steps=10, sides=((0.0, 32), (0.6, 128)), seed=2, occluders=occluders)
        trainer, seen = Stub(chosen), []
        for batch in trainer._batches():
            side = int(batch["points"][0, 0, 0])
            seen += [(int(made[-1][1]["first"] + index), side) for index in batch["index"]]
            trainer.step += 1
        assert len(seen) == len(set(seen)) == 20  # every scene once, and once mirrored
        assert {first for first, _ in seen} <= set(range(4_000_012, 4_000_012 + 20))
        assert {side for _, side in seen} == {1, -1}
        assert [options["size"] for _, options in made] == [32, 128]
        assert {length for length, _ in made} == {6}
        for mix in ("mix", "close_mix"):
            assert all((options[mix].occluded == 0) != occluders for _, options in made)

    def test_validation_figures_are_logged_when_saving(self, shards, tmp_path, monkeypatch):
        monkeypatch.setattr(zeroshape_w, "validate", lambda model, settings, check: {"clean_mask_iou": 0.5})
        trainer = Trainer(settings(shards, tmp_path, validation=shards))
        trainer.save()
        (line,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
        assert line == {"step": 0, "minutes": 0.0, "done": 0.0, "validation": {"clean_mask_iou": 0.5}}

    def test_a_step_with_a_broken_loss_changes_no_weight(self, shards, tmp_path):
        class Broken(torch.nn.Module):
            def __init__(self, network):
                super().__init__()
                self.network = network

            def forward(self, batch):
                return {"mask": next(self.parameters()).sum() * torch.nan}

        trainer = Trainer(settings(shards, tmp_path))
        before = [p.detach().clone() for p in trainer.network.parameters()]
        trainer.terms = Broken(trainer.network)
        with pytest.raises(BadInput, match="not finite at step 0"):
            trainer._learn({"image": torch.zeros(1, 3, 32, 32)})
        assert trainer.step == 0
        assert all(torch.equal(*pair) for pair in zip(before, trainer.network.parameters(), strict=True))


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    plain = settings_from(parser.parse_args(["--shards", "s", "--out", "o"]))
    assert plain == TrainSettings(Path("s"), Path("o"))
    text = "--shards s --out o --validation v --backgrounds b.npy --steps 9 --minutes 1.5 --batch 3 --rate 0.1 --seed 4"
    more = parser.parse_args([*text.split(), "--workers", "0", "--init", "w.safetensors", "--without-occluders"])
    assert settings_from(more) == TrainSettings(
        Path("s"), Path("o"), validation=Path("v"), backgrounds=Path("b.npy"), steps=9, minutes=1.5, batch=3, rate=0.1,
        seed=4, workers=0, init=Path("w.safetensors"), occluders=False,
    )  # fmt: skip


def test_a_loss_that_is_not_finite_ends_the_run_before_anything_is_kept(shards, tmp_path):
    trainer = Trainer(settings(shards, tmp_path))
    with torch.no_grad():
        trainer.network.dpt_depth.stem[0].weight.fill_(float("nan"))
    with pytest.raises(BadInput, match="not finite at step 0"):
        trainer.run(Progress())
    assert not (tmp_path / "state.pt").exists()
