import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.training.schedule import rate_factor
from tests.helpers.watching import StopAfter, losses_of

pytest.importorskip("accelerate")
from recon_lib.training.run import Run


@dataclass(frozen=True)
class LineSettings:
    out: Path
    steps: int = 120
    minutes: float | None = None
    rate: float = 0.1
    muon_rate: float = 0.5
    warmup: int = 1
    fall: float = 0.4
    seed: int = 0
    save_every: int = 50
    init: Path | None = None


class SquaredError(nn.Module):
    """Squared error of the line against 3 x."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return {"error": (self.network(x) - 3 * x).square().mean()}


class LineConfig:
    def to_dict(self):
        return {"size": "tiny", "color": "red"}


class LineRun(Run):
    """The smallest network that can be trained: one weight, which should become 3."""

    clip = 1.0
    system = "line"
    weights_name = "line.safetensors"

    def _model(self):
        line = nn.Conv2d(1, 1, 1, bias=False)
        line.config = LineConfig()
        return line

    def _terms(self, model):
        return SquaredError(model)

    def _optimizers(self, model):
        (weight,) = model.parameters()
        return [torch.optim.SGD([{"params": [weight], "share": 0.5}], lr=self.settings.rate)]

    def _batches(self):
        while self.done < 1:
            yield {"x": torch.full((1, 1, 1, 1), 1.0 + self.step % 3)}

    def _loss(self, batch):
        terms = self.terms(batch["x"])
        return sum(terms.values()), terms

    def _validate(self, check):
        check()
        self._log({"validation": "done"})


def lines(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_weight_is_learnt_and_kept(tmp_path):
    run = LineRun(LineSettings(tmp_path))
    assert run.run(Progress()) == tmp_path
    assert run.network.weight.item() == pytest.approx(3, abs=0.02)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["line.json", "line.safetensors", "log.jsonl", "state.pt"]
    card = json.loads((tmp_path / "line.json").read_text())
    assert card["system"] == "line" and card["parameters"] == 1
    assert card["size"] == "tiny" and card["config"] == {"size": "tiny", "color": "red"}


def test_means_over_fifty_steps_are_logged_and_every_save_validates(tmp_path, monkeypatch):
    losses = losses_of(monkeypatch, LineRun)
    LineRun(LineSettings(tmp_path)).run(Progress())
    written = lines(tmp_path)
    means = [(line["step"], line["loss"]) for line in written if "loss" in line]
    assert means == [(step, pytest.approx(sum(losses[step - 50 : step]) / 50, abs=1e-4)) for step in (50, 100)]
    assert [line["step"] for line in written if "validation" in line] == [50, 100, 120]


def test_done_is_the_further_of_steps_and_time(tmp_path):
    run = LineRun(LineSettings(tmp_path, steps=100, minutes=2.0))
    run.step, run.spent = 30, 30.0
    assert run.done == 0.3
    run.spent = 90.0
    assert run.done == 0.75
    run.settings = replace(run.settings, minutes=None)
    assert run.done == 0.3


def test_time_ends_a_run_too(tmp_path, monkeypatch):
    losses = losses_of(monkeypatch, LineRun)
    run = LineRun(LineSettings(tmp_path, minutes=1.0))
    run.spent = 61.0
    run.run(Progress())
    assert losses == [] and (tmp_path / "state.pt").is_file()


def test_rates_follow_the_schedule_and_a_group_may_be_slower(tmp_path):
    run = LineRun(LineSettings(tmp_path, warmup=10))
    for run.step in (0, 5, 60, 119):
        run._set_rates()
        factor = rate_factor(run.settings, run.done, run.step)
        assert run.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 * 0.5 * factor)


def test_a_cut_run_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    losses = losses_of(monkeypatch, LineRun)
    whole = LineRun(LineSettings(tmp_path / "whole"))
    whole.run(Progress())
    expected = losses[50:]
    with pytest.raises(Interrupted):
        LineRun(LineSettings(tmp_path / "cut")).run(StopAfter(70))
    losses.clear()
    progress = Progress()
    resumed = LineRun(LineSettings(tmp_path / "cut"))
    resumed.run(progress)
    assert losses == expected and (progress.done, progress.total) == (120, 120)
    assert resumed.spent > 0
    for one, other in ((resumed.network, whole.network), (resumed.average.module, whole.average.module)):
        assert torch.equal(one.weight, other.weight)


def test_a_run_can_begin_with_weights(tmp_path):
    LineRun(LineSettings(tmp_path)).run(Progress())
    run = LineRun(LineSettings(tmp_path / "next", init=tmp_path / "line.safetensors"))
    assert run.step == 0 and run.network.weight.item() == pytest.approx(3, abs=0.02)
    assert torch.equal(run.average.module.weight, run.network.weight)


def test_a_loss_that_is_not_finite_changes_no_weight_and_ends_the_run(tmp_path, monkeypatch):
    run = LineRun(LineSettings(tmp_path))
    before = run.network.weight.detach().clone()
    monkeypatch.setattr(LineRun, "_loss", lambda self, batch: (run.network.weight.sum() * torch.nan, {}))
    with pytest.raises(BadInput, match="not finite at step 0"):
        run.run(Progress())
    assert torch.equal(run.network.weight, before) and not (tmp_path / "state.pt").exists()


def test_other_processes_than_the_first_write_nothing(tmp_path):
    run = LineRun(LineSettings(tmp_path))
    run.accelerator = type("Second", (), {"is_main_process": False})
    run.save()
    run._log({})
    assert list(tmp_path.iterdir()) == []
