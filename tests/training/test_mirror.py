import torch

from recon_lib.training.mirror import QUEUE_LENGTH, with_mirror_images


def numbered(count: int) -> list[dict]:
    return [{"number": torch.tensor(i), "side": torch.tensor(1)} for i in range(count)]


def flip(batch: dict) -> dict:
    return {**batch, "side": -batch["side"]}


def test_each_batch_comes_once_and_once_mirrored():
    count = QUEUE_LENGTH + 9
    seen = [(int(b["number"]), int(b["side"])) for b in with_mirror_images(numbered(count), 3, flip)]
    assert sorted(seen) == sorted((i, side) for i in range(count) for side in (1, -1))
    delays = [seen.index((i, -1)) - seen.index((i, 1)) for i in range(count)]
    assert min(delays) >= 1
    assert sum(delays) / len(delays) > QUEUE_LENGTH / 3  # a batch and its mirror image are no neighbours


def test_the_same_seed_mixes_alike():
    orders = [
        [int(b["number"]) for b in with_mirror_images(numbered(2 * QUEUE_LENGTH), seed, flip)] for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]
