import pytest
import torch
from torch import nn

from recon_lib.training.ema import WeightAverage


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.register_buffer("steps", torch.tensor(0))


def test_closed_form_from_a_short_memory_to_a_long_one():
    module = Counter()
    average, expected = WeightAverage(module, decay=0.5), 1.0
    for step in range(1, 30):
        with torch.no_grad():
            module.weight.fill_(float(step % 7))
        average.update(module)
        decay = min(0.5, step / (step + 10))
        expected = decay * expected + (1 - decay) * (step % 7)
        assert float(average.module.weight) == pytest.approx(expected, rel=1e-5)


def test_after_resuming_the_memory_is_long():
    average = WeightAverage(Counter(), decay=0.9)
    average.steps = 1000
    module = Counter()
    nn.init.constant_(module.weight, 11.0)
    average.update(module)
    assert float(average.module.weight) == pytest.approx(2.0)


def test_whole_numbers_are_copied():
    module = Counter()
    average = WeightAverage(module)
    module.steps.fill_(5)
    average.update(module)
    assert int(average.module.steps) == 5


def test_it_stands_apart_from_the_module():
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    average = WeightAverage(module)
    assert not average.module.training and not any(p.requires_grad for p in average.module.parameters())
    assert module.training and all(p.requires_grad for p in module.parameters())
    before = average.module[0].weight.clone()
    nn.init.zeros_(module[0].weight)
    assert torch.equal(average.module[0].weight, before)
