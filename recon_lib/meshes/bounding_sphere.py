"""The smallest sphere around points: the unit of length for comparisons."""

from itertools import combinations

import torch
from torch import Tensor

from ..check import check_finite, check_shape
from ..errors import BadInput

SLACK = 1e-9  # relative: a point this little outside counts as inside


def bounding_sphere(points: Tensor) -> tuple[Tensor, float]:
    """Centre [3] and radius of the smallest sphere that holds points [N,3]; float64, exact to rounding.

    Keeps the up to four points that define the sphere and adds the farthest one outside until none is left. The
    radius grows with every step, so it ends (the active-set form of Welzl's problem, 1991).
    """
    check_shape("points", points, "N", 3)
    check_finite("points", points)
    if not len(points):
        raise BadInput("There is no point to put a sphere around; the mesh is empty.")
    points = points.detach().double().cpu()
    support = points[:1]
    centre, radius = support[0], 0.0
    while True:
        distance = (points - centre).norm(dim=-1)
        farthest = distance.argmax()
        if float(distance[farthest]) <= radius * (1 + SLACK) + torch.finfo(torch.float64).tiny:
            return centre, radius
        candidate = _smallest_on_subset(torch.cat([support, points[farthest][None]]))
        if candidate[1] <= radius:  # rounding: there is no larger one
            return centre, float(distance[farthest])
        centre, radius, support = candidate


def _smallest_on_subset(points: Tensor) -> tuple[Tensor, float, Tensor]:
    """Of at most five points: the smallest sphere that holds all and passes through some of them."""
    best = None
    for size in range(2, min(len(points), 4) + 1):
        for chosen in combinations(range(len(points)), size):
            corner = points[list(chosen)]
            centre = _circumcentre(corner)
            radius = float((corner - centre).norm(dim=-1).max())
            holds = float((points - centre).norm(dim=-1).max()) <= radius * (1 + SLACK)
            if holds and (best is None or radius < best[1]):
                best = (centre, radius, corner)
    return best if best is not None else (points[0], 0.0, points[:1])


def _circumcentre(corners: Tensor) -> Tensor:
    """The point of the corners' own plane or line [K,3] that is equally far from all: [3]."""
    edges = corners[1:] - corners[0]
    weights = torch.linalg.lstsq(edges @ edges.mT, edges.square().sum(-1) / 2, driver="gelsd").solution
    return corners[0] + weights @ edges
