"""Coarse-to-fine sampling of a field on a regular lattice, dense only near the surface.

Multiresolution surface extraction after MISE (Mescheder et al. 2019, Occupancy Networks, section 3.3), with two
additions so that it can start coarse without losing parts:

* A cell whose corners agree in sign is refined too if the field bends so much there that it could cross zero
  between the nodes (`can_cross`): a thin plate or rod between two nodes, a gap, a small ball. The test compares
  values only with one another, so it works for distances and logits alike.
* If the surface leaves the refined cells through a face, the neighbour is refined as well, until it is closed
  (`_follow`): a component that is found is found completely.
"""

from collections.abc import Callable, Iterator

import numpy as np

from ..progress import unchecked

BEND_SAFETY_FACTOR = 1.5  # 1 suffices for exact distances to plates, rods and balls of any size
CELLS_AT_ONCE = 65536  # cells that are tested together
SLABS_AT_ONCE = 64  # layers of nodes


class SparseLattice:
    """Values of a field on nodes 0..cells of each axis; NaN where it was not evaluated.

    `evaluate` takes node positions [N,3] int64 and returns values [N] float32, > 0 inside. `on_level` is called after
    each of the `levels` levels, `check` several times a second. No part of the field is thinner than
    `min_feature_cells` finest cells: in cells of that size and smaller ones the signs at the corners are sufficient.
    """

    def __init__(
        self,
        evaluate: Callable[[np.ndarray], np.ndarray],
        cells: np.ndarray,  # [3] int, cells per axis at the finest level
        coarse: int = 32,
        margin: float = BEND_SAFETY_FACTOR,
        min_feature_cells: int = 0,
        check: Callable[[], None] = unchecked,
    ) -> None:
        self.check = check
        self.evaluate, self.cells = evaluate, np.asarray(cells, np.int64)
        self.margin, self.min_feature_cells = margin, min_feature_cells
        self.shape = tuple(self.cells + 1)
        self.values = np.empty(self.shape, np.float32)
        for slab in np.array_split(self.values, len(self.values) // SLABS_AT_ONCE + 1):
            check()  # 4 GB at 1024 cells a side
            slab.fill(np.nan)
        self.evaluations = 0
        self.coarsest = 1
        while self.cells.max() // (2 * self.coarsest) >= coarse:
            self.coarsest *= 2
        self.levels = self.coarsest.bit_length()

    def sample(self, on_level: Callable[[], None] = lambda: None) -> np.ndarray:
        """Fill `values` near the surface. -> lower corners [C,3] of the finest cells that were refined."""
        step = self.coarsest
        cells = np.stack(np.meshgrid(*map(np.arange, self._count(step)), indexing="ij"), -1).reshape(-1, 3)
        every = np.tile(np.arange(self._count(step).max() + 1), (1, 3, 1))  # beyond a shorter axis: its last node
        self._evaluate_at(self._flat(every, step).reshape(-1))
        on_level()
        while step > 1:
            chosen = cells[self.can_cross(cells, step)]
            cells = self._split(self._follow(chosen, step), step // 2)
            step //= 2
            on_level()
        return cells

    def sample_beside_surface(self, reach: int) -> None:
        """After `sample`: evaluate all nodes that lie at most `reach` nodes along each axis from a change of sign."""
        from scipy.ndimage import maximum_filter, minimum_filter

        inside = self.read_all() > 0
        beside = maximum_filter(inside, 2 * reach + 1) != minimum_filter(inside, 2 * reach + 1)
        self._evaluate_at(np.flatnonzero(beside))

    def read_all(self) -> np.ndarray:
        """Values at all nodes, with signs everywhere; see `read_blocks`."""
        size = -(-max(self.shape) // self.coarsest) * self.coarsest
        return self.read_blocks(np.zeros((1, 3), np.int64), size)[0][tuple(map(slice, self.shape))]

    def read_blocks(self, blocks: np.ndarray, size: int) -> np.ndarray:
        """Values [B,size+1,size+1,size+1] of the blocks [B,3] (counted in `size` cells), with signs everywhere.

        An unknown node has the value of the next known node below it, which has the same sign, since the unknown node
        is in a cell whose corners agree in sign. `size` must be a multiple of the coarsest step. Blocks at the
        lattice's end repeat its last nodes.
        """
        numbers = blocks[:, :, None] * size + np.arange(size + 1)
        values = self._gather(numbers, 1)
        step, unknown = 1, np.isnan(values)
        while step < self.coarsest and unknown.any():
            step *= 2
            below = np.arange(size + 1) // step * step
            values = np.where(unknown, values[:, below[:, None, None], below[:, None], below], values)
            unknown = np.isnan(values)
        return values

    def can_cross(self, cells: np.ndarray, step: int) -> np.ndarray:
        """Mask [C] bool of the cells [C,3] of size `step` that the zero level set may cross."""
        pieces = [self._crosses(part, step) for part in self._few_at_once(cells)]
        return np.concatenate(pieces) if pieces else np.zeros(0, bool)

    def _few_at_once(self, cells: np.ndarray) -> Iterator[np.ndarray]:
        """The cells in pieces that take some tenths of a second, with a look at the Stop button before each."""
        for start in range(0, len(cells), CELLS_AT_ONCE):
            self.check()
            yield cells[start : start + CELLS_AT_ONCE]

    def _crosses(self, cells: np.ndarray, step: int) -> np.ndarray:
        inside = self._gather(cells[:, :, None] + np.arange(2), step).reshape(len(cells), 8) > 0
        crosses: np.ndarray = inside.any(1) & ~inside.all(1)
        if step <= self.min_feature_cells:
            return crosses
        alike = np.flatnonzero(~crosses)
        crosses[alike] = self._bends_across(cells[alike], step)
        return crosses

    def _bends_across(self, cells: np.ndarray, step: int) -> np.ndarray:
        """Mask [C] bool of cells [C,3] with corners of one sign within which the field may change sign."""
        numbers = cells[:, :, None] + np.arange(-1, 3)
        values = self._gather(numbers, step)
        outside = (numbers < 0) | (numbers > self._count(step)[:, None])
        if outside.any():
            x, y, z = outside.transpose(1, 0, 2)
            values[x[:, :, None, None] | y[:, None, :, None] | z[:, None, None, :]] = np.nan
        values[values[:, 1, 1, 1] > 0] *= -1  # solids are tested from inside too: the corners are negative now
        bend = sum(_rise(np.moveaxis(values, axis, 1)) for axis in (1, 2, 3))
        return values[:, 1:3, 1:3, 1:3].max((1, 2, 3)) + self.margin * bend > 0

    def _follow(self, cells: np.ndarray, step: int) -> np.ndarray:
        """Evaluate the nodes at half spacing in `cells` and, recursively, in neighbours that the surface enters."""
        visited = np.zeros(self._count(step), bool)
        parts = []
        while len(cells):
            visited[tuple(cells.T)] = True
            parts.append(cells)
            cells = np.concatenate([self._entered(part, step) for part in self._few_at_once(cells)])
            cells = cells[((cells >= 0) & (cells < visited.shape)).all(1)]
            new = np.unique(np.ravel_multi_index(cells[~visited[tuple(cells.T)]].T, visited.shape))
            cells = np.stack(np.unravel_index(new, visited.shape), -1)
        return np.concatenate(parts) if parts else cells.reshape(0, 3)

    def _entered(self, cells: np.ndarray, step: int) -> np.ndarray:
        """Evaluate the nodes at half spacing in cells [C,3]. -> neighbours [K,3] that the surface enters from them."""
        numbers = 2 * cells[:, :, None] + np.arange(3)
        self._evaluate_at(self._flat(numbers, step // 2))
        inside = self._gather(numbers, step // 2) > 0
        entered = []
        for axis in range(3):
            for side in (0, 2):
                face = inside.take(side, axis + 1).reshape(len(cells), 9)
                neighbours = cells[face.any(1) & ~face.all(1)]
                neighbours[:, axis] += side - 1
                entered.append(neighbours)
        return np.concatenate(entered)

    def _split(self, cells: np.ndarray, step: int) -> np.ndarray:
        """The up to eight cells of size `step` in each cell of twice the size."""
        corners, count, kept = np.indices((2, 2, 2)).reshape(3, 8).T, self._count(step), [cells[:0]]
        for part in self._few_at_once(cells):
            children = (2 * part[:, None] + corners).reshape(-1, 3)
            kept.append(children[(children < count).all(1)])
        return np.concatenate(kept)

    def _count(self, step: int) -> np.ndarray:
        return -(-self.cells // step)

    def _flat(self, numbers: np.ndarray, step: int) -> np.ndarray:
        """Flat positions [C,K,K,K] of the product of the node numbers [C,3,K] counted in steps.

        The last cell of an axis may be cut by the lattice's end, so a position is never beyond it.
        """
        x, y, z = np.clip(numbers * step, 0, self.cells[:, None]).transpose(1, 0, 2)
        _, ny, nz = self.shape
        return (x[:, :, None, None] * ny + y[:, None, :, None]) * nz + z[:, None, None, :]

    def _gather(self, numbers: np.ndarray, step: int) -> np.ndarray:
        """Values [C,K,K,K] at those nodes; NaN where unknown."""
        return self.values.reshape(-1)[self._flat(numbers, step)]

    def _evaluate_at(self, flat: np.ndarray) -> None:
        """Evaluate the field at those flat positions whose value is not known yet."""
        values_flat = self.values.reshape(-1)
        flat = flat[np.isnan(values_flat[flat])]
        # unique positions without sorting: the last number written to a position remains
        numbers, last_writer = np.arange(len(flat), dtype=np.int32), values_flat.view(np.int32)
        last_writer[flat] = numbers
        flat = flat[last_writer[flat] == numbers]
        if not len(flat):
            return
        values = self.evaluate(np.stack(np.unravel_index(flat, self.shape), -1))
        values_flat[flat] = values
        self.evaluations += len(flat)


def _rise(line: np.ndarray) -> np.ndarray:
    """Bound [C] of how far the field may rise above its corner values inside a cell, along one axis.

    line [C,4,K,K]: four nodes in a row around the cell, corners in the middle of the four; NaN where unknown.
    The field is extrapolated linearly into the cell from both sides; where these lines meet, it is p q / (p + q)
    above the chord, with p and q the amounts by which the slope falls at the two corners.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = np.diff(line[:, :, 1:3, 1:3], axis=1)
        falls = np.maximum(slopes[:, :2] - slopes[:, 1:], 0)  # NaN stays NaN
        p, q = falls[:, 0], falls[:, 1]
        both = np.where(p + q > 0, p * q / (p + q), 0)
        rise = np.where(np.isnan(p), np.where(np.isnan(q), np.inf, q), np.where(np.isnan(q), p, both))
    return rise.max((1, 2))
