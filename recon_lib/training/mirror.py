"""Mirror images: a second training sample from every rendered one."""

import random
from collections.abc import Callable, Iterable, Iterator

from torch import Tensor

QUEUE_LENGTH = 24  # batches that wait for their mirror images


def with_mirror_images(
    batches: Iterable[dict[str, Tensor]], seed: int, flip: Callable[[dict[str, Tensor]], dict[str, Tensor]]
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
