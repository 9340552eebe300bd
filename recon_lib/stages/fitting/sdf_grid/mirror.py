"""The vertical plane in which an object is its own mirror image, as far as the masks of a few views tell."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ....fields.cells import Cells
from ....meshes.symmetry import Symmetry
from ....progress import unchecked

FILLED = 0.985  # of the masks' rays: a hull cut by its mirror image fills so much of them where there is a symmetry
RAYS, FEW_RAYS = 14, 3  # tried for each plane, a node of the grid's side: of those refined, of the first guesses
AZIMUTHS, OFFSETS, APART = 36, 3, 0.02  # first guesses: over the half turn, to either side, of the box's side
KEPT, ROUNDS = 5, (0.5, 0.25, 0.12)  # guesses that are refined, and by which part of the first steps
HOPELESS = 0.1  # below `FILLED`: no refinement brings a first guess from there
TOLERANCE = 0.5  # cells
APART_COSINE = 0.87  # of the angle between the normals of two planes of one object, at most: 30 degrees apart


def find_mirror(
    points: Tensor,
    ray: Tensor,
    cells: Cells,
    values: Tensor,
    up: Tensor,
    check: Callable[[], None] = unchecked,
    *,
    other: Symmetry | None = None,
) -> Symmetry | None:
    """The reflection in a plane along `up` [3] after which the hull still fills the masks best; None: none does.

    points [N,3] of the hull on rays [N] through the masks, every ray with a point; values [G,G,G] > 0 inside the hull.
    A ray stays filled if one of its points has its mirror image in the hull. A figure of revolution has many planes,
    of which any one will do. other: a plane that is known, to which the one that is sought is not nearly parallel.
    """
    planes, few = (
        _Planes(*_some(points, ray, rays * cells.nodes), cells, values, up, other) for rays in (RAYS, FEW_RAYS)
    )
    turn, shift = math.pi / AZIMUTHS, APART * cells.side
    guesses = {}
    for step in filter(lambda step: planes.apart(step * turn), range(AZIMUTHS)):
        check()
        for offset in range(-OFFSETS, OFFSETS + 1):
            guesses[step * turn, offset * shift] = few.filled(step * turn, offset * shift)
    first = sorted(guesses, key=guesses.__getitem__, reverse=True)[: 2 * KEPT]
    if guesses[first[0]] < FILLED - HOPELESS:
        return None
    tried = {plane: planes.filled(*plane) for plane in first}
    for part in ROUNDS:
        check()
        for azimuth, offset in sorted(tried, key=tried.__getitem__, reverse=True)[:KEPT]:
            for i, j in ((i, j) for i in (-part, 0, part) for j in (-part, 0, part)):
                plane = azimuth + i * turn, offset + j * shift
                if plane not in tried and planes.apart(plane[0]):
                    tried[plane] = planes.filled(*plane)
    best = max(tried, key=tried.__getitem__)
    return planes.mirror(*best) if tried[best] > FILLED else None


def _some(points: Tensor, ray: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The points [M,3] on about `count` of the rays, and their rays [M], numbered anew."""
    total = int(ray[-1]) + 1
    chosen = torch.zeros(total, dtype=torch.bool)
    chosen[:: max(1, total // count)] = True
    return points[chosen[ray]], chosen.cumsum(0)[ray][chosen[ray]] - 1


class _Planes:
    """Planes along a vertical axis through the middle of a hull, by azimuth (radians) and offset (world units)."""

    def __init__(
        self, points: Tensor, ray: Tensor, cells: Cells, values: Tensor, up: Tensor, other: Symmetry | None
    ) -> None:
        self.points, self.ray, self.cells, self.values = points, ray, cells, values
        self.count = int(ray[-1]) + 1
        self.middle = cells.positions()[values.view(-1) > 0].mean(0)
        self.x = F.normalize(torch.linalg.cross(up, torch.eye(3)[up.abs().argmin()]), dim=0)
        self.z = torch.linalg.cross(up, self.x)
        self.other = other

    def normal(self, azimuth: float) -> Tensor:
        """The unit normal [3] of planes at an azimuth."""
        return math.cos(azimuth) * self.x + math.sin(azimuth) * self.z

    def apart(self, azimuth: float) -> bool:
        """Whether planes at an azimuth are far from parallel to the known one."""
        if self.other is None:
            return True
        normal = self.normal(azimuth)  # a mirror turns its own normal around: n . M n = 1 - 2 cos^2
        cosine_squared = (1 - float(normal @ self.other.turn(normal[None])[0])) / 2
        return cosine_squared < APART_COSINE**2

    def mirror(self, azimuth: float, offset: float) -> Symmetry:
        """The reflection in a plane."""
        normal = self.normal(azimuth)
        return Symmetry.mirror(normal, offset + float(normal @ self.middle))

    def filled(self, azimuth: float, offset: float) -> float:
        """Fraction of the rays with a point whose mirror image lies in the hull."""
        image = self.mirror(azimuth, offset).apply(self.points)
        kept = self.cells.read(self.values, image) > -TOLERANCE * self.cells.spacing
        hit = torch.zeros(self.count, dtype=torch.bool)
        hit[self.ray[kept]] = True
        return float(hit.float().mean())
