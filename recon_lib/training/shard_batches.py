"""Batches of samples drawn from render shards, whose folder may still be growing."""

from collections.abc import Callable, Iterator
from typing import Protocol

from torch.utils.data import DataLoader, Dataset

from .mirror import with_mirror_images
from .run import Batch, Run, RunSettings

STEPS_PER_LISTING = 100  # after which the folder is listed again


class ShardRunSettings(RunSettings, Protocol):
    """Settings of a run that learns from shards."""

    workers: int  # processes that make samples; 0: this one does


def shard_batches(
    run: Run, settings: ShardRunSettings, samples: Callable[[int, int], Dataset[Batch]], flip: Callable[[Batch], Batch]
) -> Iterator[Batch]:
    """Batches of this process and their mirror images by `flip`, on its device, until the run is done.

    samples: (first, length) -> the samples of those seeds; the same seed gives the same sample.
    """
    accelerator = run.accelerator
    while run.done < 1:
        rank = accelerator.process_index * STEPS_PER_LISTING
        first = (settings.seed * 1_000_003 + run.step * accelerator.num_processes + rank) * settings.batch
        loader = DataLoader(
            samples(first, STEPS_PER_LISTING * settings.batch), settings.batch, num_workers=settings.workers,
            prefetch_factor=4 if settings.workers else None,
        )  # fmt: skip
        for batch in with_mirror_images(loader, run.step, flip):
            if run.done >= 1:
                return
            yield {name: value.to(accelerator.device) for name, value in batch.items()}
