"""Left and right exchanged: a second sample from every rendered one."""

import random
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

KEPT = 24  # batches between a sample and its mirror image


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The batch of `SceneDataset` samples as a mirror shows it: pictures, camera, normals and points."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=batch["image"].device)
    pictures = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    pictures["normals"] = pictures["normals"] * flip[:, None, None]
    intrinsics = batch["intrinsics"].clone()
    intrinsics[:, 0, 2] = batch["image"].shape[-1] - intrinsics[:, 0, 2]
    return {**batch, **pictures, "intrinsics": intrinsics, "points": batch["points"] * flip}


def with_mirror_images(batches: Iterable[dict[str, Tensor]], seed: int) -> Iterator[dict[str, Tensor]]:
    """Every batch, and later, once, its mirror image."""
    rng, kept = random.Random(seed), []
    for batch in batches:
        yield batch
        kept.append(batch)
        if len(kept) >= KEPT:
            yield mirrored(kept.pop(rng.randrange(len(kept))))
    for batch in kept:
        yield mirrored(batch)
