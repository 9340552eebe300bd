from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import Dataset

from recon_lib.training import shard_batches as module
from recon_lib.training.schedule import side_after
from recon_lib.training.shard_batches import shard_batches


class Numbers(Dataset):
    """Sample i is the number first + i."""

    def __init__(self, first: int, length: int) -> None:
        self.first, self.length = first, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        return {"number": torch.tensor(self.first + index), "side": torch.tensor(1)}


def run_of(steps: int, processes: int = 1, rank: int = 0) -> SimpleNamespace:
    accelerator = SimpleNamespace(num_processes=processes, process_index=rank, device="cpu")
    run = SimpleNamespace(step=0, accelerator=accelerator)
    type_ = type("Run", (SimpleNamespace,), {"done": property(lambda self: self.step / steps)})
    return type_(**vars(run))


def seen(run, settings) -> list[tuple[int, int]]:
    found = []
    for batch in shard_batches(run, settings, Numbers, lambda b: {**b, "side": -b["side"]}):
        found += [(int(n), int(s)) for n, s in zip(batch["number"], batch["side"], strict=True)]
        run.step += 1
    return found


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.setattr(module, "STEPS_PER_LISTING", 3)
    return SimpleNamespace(seed=2, batch=2, workers=0)


def test_every_sample_comes_once_and_once_mirrored(settings):
    found = seen(run_of(10), settings)
    assert len(found) == len(set(found)) == 20
    assert {side for _, side in found} == {1, -1}
    assert min(number for number, _ in found) == 2 * 1_000_003 * 2


def test_it_ends_with_the_run_and_processes_share_no_sample(settings):
    first, second = (seen(run_of(6, processes=2, rank=rank), settings) for rank in (0, 1))
    assert len(first) == len(second) == 12
    assert not {number for number, _ in first} & {number for number, _ in second}


@pytest.mark.parametrize(("done", "side"), [(0.0, 64), (0.49, 64), (0.5, 96), (1.0, 96)])
def test_pictures_grow_with_the_run(done, side):
    assert side_after(((0.0, 64), (0.5, 96)), done) == side
