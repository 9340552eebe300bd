import json
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import default_collate

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.outpainter import MINI, Outpainter, OutpainterConfig
from recon_lib.progress import Progress
from recon_lib.training.outpainter.dataset import OutpaintSamples, make_samples
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits
from tests.helpers.watching import StopAfter, losses_of

pytest.importorskip("accelerate")
pytest.importorskip("diffusers")
from recon_lib.training.outpainter import train as outpainter
from recon_lib.training.outpainter.train import (
    WEIGHTS,
    OutpainterSettings,
    OutpainterTrainer,
    add_arguments,
    settings_from,
    train,
)

STEPS, SAVE_EVERY = 6, 2
TINY = OutpainterConfig(channels=(16, 16, 32), groups=8, head_width=8)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(outpainter, "MINI", TINY)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outpainter")
    make_samples(write_ellipsoid_orbits(folder / "orbits"), folder / "samples", count=4)
    return folder / "samples"


def settings(samples, out, **changed):
    return OutpainterSettings(
        samples, out, **{"steps": STEPS, "batch": 2, "warmup": 1, "save_every": SAVE_EVERY, **changed}
    )


@pytest.fixture(scope="module")
def run(samples, tmp_path_factory):
    """A run from its beginning to its end: its folder and its losses."""
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outpainter, "MINI", TINY)
        losses = losses_of(patch, OutpainterTrainer)
        assert train(settings(samples, out)) == out
    return out, losses


@pytest.mark.parametrize("muon_rate", [0.0, 0.01])
def test_the_loss_falls_on_a_toy_set(samples, tmp_path, muon_rate):
    trainer = OutpainterTrainer(settings(samples, tmp_path, steps=1000, rate=3e-3, muon_rate=muon_rate))
    data = OutpaintSamples(samples)
    batch = default_collate([data[i] for i in range(3)])
    losses = [trainer._train_step(batch) for _ in range(24)]
    early, late = ([sum(x[k] for x in part) for k in ("color", "alpha")] for part in (losses[:4], losses[-4:]))
    assert all(b < 0.7 * a for a, b in zip(early, late, strict=True)), (early, late)


def test_a_cut_run_goes_on_as_if_nothing_had_been(run, samples, tmp_path, monkeypatch):
    losses = losses_of(monkeypatch, OutpainterTrainer)
    with pytest.raises(Interrupted):
        train(settings(samples, tmp_path), StopAfter(2))
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == SAVE_EVERY
    losses.clear()
    progress = Progress()
    train(settings(samples, tmp_path), progress)
    assert (progress.done, progress.total) == (STEPS, STEPS)
    assert losses == pytest.approx(run[1][SAVE_EVERY:], rel=1e-4)
    whole, resumed = (load_file(folder / WEIGHTS) for folder in (run[0], tmp_path))
    for name in whole:
        torch.testing.assert_close(resumed[name].float(), whole[name].float(), rtol=1e-2, atol=1e-3)


def test_the_weights_are_an_outpainter_and_can_be_begun_with(run, samples, tmp_path):
    model = Outpainter(TINY)
    fresh, stored = model.state_dict(), load_file(run[0] / WEIGHTS)
    assert stored.keys() == fresh.keys()
    trainer = OutpainterTrainer(settings(samples, tmp_path, init=run[0] / WEIGHTS))
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(value.cpu(), stored[name].float())
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="truncated or no safetensors"):
        OutpainterTrainer(settings(samples, tmp_path, init=other))


def test_the_embedded_model_is_small():
    count = sum(p.numel() for p in Outpainter(MINI).parameters())
    assert count <= 15_000_000


class Stub(OutpainterTrainer):
    """State of a run without its network."""

    def __init__(self, settings, samples, rank=0, world=1):
        self.settings, self.data, self.step, self.spent = settings, samples, 0, 0.0
        self.accelerator = type("One", (), {"num_processes": world, "process_index": rank})


def test_every_sample_once_an_epoch_whatever_the_processes(tmp_path):
    run_settings = settings(tmp_path, tmp_path, batch=3, seed=5)
    alone, pair = Stub(run_settings, range(12)), [Stub(run_settings, range(12), rank, 2) for rank in (0, 1)]
    rows = []
    for step in range(8):
        alone.step = step
        rows += alone.rows()
    assert sorted(rows[:12]) == sorted(rows[12:]) == list(range(12)) and rows[:12] != rows[12:]
    both = []
    for step in range(4):
        for trainer in pair:
            trainer.step = step
            both += trainer.rows()
    assert both == rows


def test_processes_and_steps_have_samples_of_their_own(tmp_path):
    run_settings = settings(tmp_path, tmp_path)
    draws = set()
    for rank in (0, 1):
        trainer = Stub(run_settings, range(4), rank, 2)
        for trainer.step in range(5):
            draws |= {float(torch.rand((), generator=trainer._dice(purpose))) for purpose in (1, 2)}
    assert len(draws) == 20


def test_about_half_of_the_batches_are_mirrored(tmp_path):
    picture = {"images": torch.zeros(3, 2, 2), "normals": torch.ones(3, 2, 2), "focal": torch.tensor(1.0)}
    trainer, turned = Stub(settings(tmp_path, tmp_path, steps=60), [picture] * 5), 0
    for batch in trainer._batches():
        turned += int(batch["normals"][0, 0, 0, 0] < 0)
        trainer.step += 1
    assert trainer.step == 60 and 18 < turned < 42


def test_figures_are_logged_and_a_sheet_is_drawn(samples, tmp_path, monkeypatch):
    figures = {"model_psnr": 20.0}
    monkeypatch.setattr(outpainter, "validate", lambda model, folder, check: (figures, torch.full((3, 4, 6), 0.5)))
    OutpainterTrainer(settings(samples, tmp_path, validation=samples)).save()
    (line,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert line["validation"] == figures and (tmp_path / "sheet.png").is_file()


def test_without_samples_it_says_so_at_once(tmp_path):
    with pytest.raises(BadInput, match="There is nothing in"):
        train(settings(tmp_path / "none", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_options_become_settings():
    parser = ArgumentParser()
    add_arguments(parser)
    defaults = settings_from(parser.parse_args(["--samples", "s", "--out", "o"]))
    assert defaults == OutpainterSettings(Path("s"), Path("o"))
    text = "--samples s --out o --validation v --steps 9 --minutes 1.5 --batch 3 --rate 0.1 --muon-rate 0.2 --seed 4"
    more = parser.parse_args([*text.split(), "--init", "w.safetensors", "--save-every", "7"])
    assert settings_from(more) == OutpainterSettings(
        Path("s"), Path("o"), validation=Path("v"), steps=9, minutes=1.5, batch=3, rate=0.1, muon_rate=0.2, seed=4,
        init=Path("w.safetensors"), save_every=7,
    )  # fmt: skip
