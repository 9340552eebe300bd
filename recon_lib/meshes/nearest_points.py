"""Nearest neighbours in a cloud of points, in pieces that leave room for the Stop button."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..progress import unchecked

PIECE = 50_000  # queries between two looks: some tenths of a second in a cloud of a million points


class NearestPoints:
    """A k-d tree of a cloud [M,3]."""

    def __init__(self, cloud: Tensor, check: Callable[[], None] = unchecked) -> None:
        """check: called before each piece of the work; it raises where the user wants to stop."""
        from scipy.spatial import KDTree

        self.check = check
        check()
        self.tree = KDTree(cloud.numpy())

    def query(self, points: Tensor, count: int = 1) -> tuple[Tensor, Tensor]:
        """Of points [N,3]: distances [N] float64 and rows [N] of the nearest, [N,count] each for a count above 1."""
        found = []
        for piece in points.split(PIECE):  # an empty one of no points
            self.check()
            found.append(self.tree.query(piece.numpy(), count))
        distances, rows = (torch.from_numpy(np.concatenate(part)) for part in zip(*found, strict=True))
        return distances, rows
