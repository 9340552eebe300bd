"""Mirror images: a second training sample from every rendered one."""

import random
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

QUEUE_LENGTH = 24  # batches that wait for their mirror images


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Horizontal flip of a batch of `SceneDataset` samples: pictures, camera, normals and points."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=batch["image"].device)
    pictures = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    pictures["normals"] = pictures["normals"] * flip[:, None, None]
    intrinsics = batch["intrinsics"].clone()
    intrinsics[:, 0, 2] = batch["image"].shape[-1] - intrinsics[:, 0, 2]
    return {**batch, **pictures, "intrinsics": intrinsics, "points": batch["points"] * flip}


def with_mirror_images(
    batches: Iterable[dict[str, Tensor]],
    seed: int,
    flip: Callable[[dict[str, Tensor]], dict[str, Tensor]] = mirrored,
) -> Iterator[dict[str, Tensor]]:
    """Every batch, and some batches later its mirror image by `flip`."""
    rng, queue = random.Random(seed), []
    for batch in batches:
        yield batch
        queue.append(batch)
        if len(queue) >= QUEUE_LENGTH:
            yield flip(queue.pop(rng.randrange(len(queue))))
    for batch in queue:
        yield flip(batch)
