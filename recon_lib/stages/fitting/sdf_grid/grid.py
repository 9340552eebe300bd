"""Signed-distance grid under fit: parameters at the nodes that rays touch, and their optimiser."""

import copy
import math
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....check import check_shape
from ....errors import BadInput
from ....fields.cells import Cells
from ....fields.distance_grid import DistanceGrid
from ....fields.sdf_grid import SdfGrid, shared_rows
from ....networks.volsdf.density import laplace_density
from ....networks.volsdf.grid_color import GridColor
from ....parsing import whole_number
from ..checkpoint import check_moments
from .settings import Rates

MAX_NODES = 1024  # a side
BETAS, EPSILON = (0.9, 0.99), 1e-15


class Base(Protocol):
    """Where new nodes take their features from; an `SdfGrid` is one."""

    def features_at(self, points: Tensor) -> Tensor:
        """points [N,3] world -> features [N,C]."""


class FittedGrid:
    """Distances are known at all nodes and fitted at those with a row; only these have features.

    The nodes that rays touch and those around them get a row, and keep it. A new row starts with the features that the
    field before it, `base`, has there.
    """

    has_color = True

    def __init__(
        self,
        cells: Cells,
        distance: Tensor,
        base: Base | None,
        module: GridColor,
        beta: float,
        shape: DistanceGrid | None = None,
    ) -> None:
        self.module = module
        self.log_beta = nn.Parameter(torch.tensor(math.log(beta)))
        self.width = module.inner.in_features - 6
        self.optimizer: torch.optim.Optimizer | None = None
        self.refined = False  # whether `base` is a coarser grid of this fit
        self.shape = shape  # distances that the fit began with, whose details it keeps
        self._set_cells(cells, distance, base)

    def _set_cells(self, cells: Cells, distance: Tensor, base: Base | None) -> None:
        self.cells, self.base = cells, base
        self.whole = distance.reshape(-1).clone()  # [G^3] distances at all nodes, up to date after `write_back`
        self.rows = torch.full((cells.nodes**3,), -1, dtype=torch.int32)
        self.numbers = torch.zeros(0, dtype=torch.int64)  # [K] node of each row
        self.distance = nn.Parameter(torch.zeros(0))  # [K]
        self.features = nn.Parameter(torch.zeros(0, self.width))  # [K,C]
        self.first = None if self.shape is None else read_distance(self.shape, cells).view(-1)  # [G^3]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def beta(self) -> float:
        """The density's width, world units."""
        return math.exp(float(self.log_beta.detach()))

    def limit_beta(self, least: float, most: float) -> None:
        """Keep the density's width between two lengths, world units."""
        with torch.no_grad():
            self.log_beta.clamp_(math.log(least), math.log(most))

    # -- a `DistanceField`, up to date after `write_back` -----------------------------------------------

    @property
    def bounds(self) -> Tensor:
        """[2,3] world."""
        return self.cells.bounds

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> minus the signed distance [N], world units."""
        return -self.cells.read(self.whole.view((self.cells.nodes,) * 3), points)

    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> VolSDF's density [N] per world unit."""
        return laplace_density(-self.inside(points), self.beta)

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor) -> Tensor:
        """Colours [N,3] at points near the surface [N,3] seen along directions [N,3]; grey before any row."""
        if not len(self):
            return torch.full_like(points, 0.5)
        nodes, fraction = self.cells.locate(points)
        weights = self.cells.weights_and_slopes(fraction)
        gradient = torch.bmm(weights, self.whole[nodes.view(-1)].view(-1, 8, 1))[:, 1:, 0]
        rows = self.rows[nodes.view(-1)].clamp_min(0).view(-1, 8)
        features = F.embedding_bag(rows, self.features, mode="sum", per_sample_weights=weights[:, 0].contiguous())
        return self.module(features, F.normalize(gradient, dim=-1), directions)

    # -- nodes --------------------------------------------------------------------------------------------

    def touch(self, nodes: Tensor, rates: Rates) -> None:
        """Give rows to these nodes [N] (numbers, repeated or not) and to those around them."""
        side = self.cells.nodes
        touched = torch.zeros(side**3, dtype=torch.bool)
        touched[nodes.long()] = True
        new = (touched & (self.rows < 0)).nonzero().flatten()
        if not len(new):
            return
        around = torch.arange(-1, 2)
        steps = (around[:, None, None] * side**2 + around[:, None] * side + around).reshape(-1)
        touched[(new[:, None] + steps).clamp_(0, side**3 - 1).view(-1)] = True
        new = (touched & (self.rows < 0)).nonzero().flatten()
        self.rows[new] = torch.arange(len(self), len(self) + len(new), dtype=torch.int32)
        self.numbers = torch.cat([self.numbers, new])
        features = torch.zeros(len(new), self.width)
        if self.base is not None:
            features = self.base.features_at(self.cells.positions(new))
        self._grow(self.whole[new], features, rates)
        self.neighbours = self._neighbours()
        self.inner = (self.neighbours >= 0).all(1).nonzero().flatten()

    def _grow(self, distance: Tensor, features: Tensor, rates: Rates) -> None:
        """Lengthen the parameters, and the optimiser's moments with them."""
        old, before = (self.distance, self.features), self.optimizer
        self.distance = nn.Parameter(torch.cat([self.distance.detach(), distance]))
        self.features = nn.Parameter(torch.cat([self.features.detach(), features]))
        self.optimizer = self._adam(rates)
        if before is None:
            return
        for parameter, was in zip((self.distance, self.features), old, strict=True):
            if was in before.state:
                self.optimizer.state[parameter] = _lengthened(before.state[was], len(self))
        for parameter in (*self.module.parameters(), self.log_beta):
            if parameter in before.state:
                self.optimizer.state[parameter] = before.state[parameter]

    def _adam(self, rates: Rates) -> torch.optim.Adam:
        parameters = ([self.distance], [self.features], list(self.module.parameters()), [self.log_beta])
        groups = [{"params": part, "lr": rate} for part, rate in zip(parameters, self._rates(rates), strict=True)]
        return torch.optim.Adam(groups, betas=BETAS, eps=EPSILON, fused=True)

    def _rates(self, rates: Rates) -> tuple[float, float, float, float]:
        return rates.distance * self.cells.spacing, rates.features, rates.decoder, rates.beta

    def set_rates(self, rates: Rates, factor: float) -> None:
        """Go on with `rates` times `factor`."""
        for group, rate in zip(self.optimizer.param_groups, self._rates(rates), strict=True):
            group["lr"] = rate * factor

    def _neighbours(self) -> Tensor:
        """Rows of the 6 nodes beside each row's [K,6] int64; -1 where there is none."""
        side, n = self.cells.nodes, self.numbers
        index = torch.stack([n // side**2, n // side % side, n % side], -1)
        steps = torch.tensor([side**2, side, 1])
        up = torch.where(index < side - 1, self.rows[(n[:, None] + steps).clamp_max(side**3 - 1)], -1)
        down = torch.where(index > 0, self.rows[(n[:, None] - steps).clamp_min(0)], -1)
        return torch.cat([up, down], -1).long()

    # -- the result --------------------------------------------------------------------------------------

    @torch.no_grad()
    def write_back(self) -> None:
        """Bring `whole` up to date."""
        self.whole[self.numbers] = self.distance.detach()

    def field(self, bumps: float = 0.0) -> SdfGrid:
        """The grid as a field of its own, with bumps of so many spacings."""
        self.write_back()
        side = self.cells.nodes
        module = copy.deepcopy(self.module).requires_grad_(False)  # a new one would draw random numbers
        rows, features = self._all_features()
        whole = self.whole.view(side, side, side).clone()
        shaped = self.cells, whole, rows.view(side, side, side), features, module, self.beta
        return SdfGrid(*shaped, bumps=bumps * self.cells.spacing)

    def _all_features(self) -> tuple[Tensor, Tensor]:
        """The row [G^3] of every node, and the features [K,C]: a field that is fitted further keeps what it knew."""
        own = self.features.detach().clone()
        if not (isinstance(self.base, SdfGrid) and self.base.cells.nodes == self.cells.nodes):
            return shared_rows(self.rows.view((self.cells.nodes,) * 3)).view(-1), own
        without = self.rows < 0
        used, position = self.base.rows.view(-1)[without].unique(return_inverse=True)
        rows = self.rows.clone()
        rows[without] = position.int() + len(own)
        return rows, torch.cat([own, self.base.features[used.long()]])

    @torch.no_grad()
    def raise_to(self, least: Tensor | None) -> None:
        """Make every distance at least `least` [G^3], world units; None: nothing to keep to."""
        if least is None:
            return
        self.whole = torch.maximum(self.whole, least)
        self.distance.clamp_min_(least[self.numbers])

    def refine(self, nodes: int) -> None:
        """Go on with a finer grid of the same cube; its distances are read from this one.

        Where the fit began with a shape, only what it has changed since is read from here: the rest is known finer.
        """
        base, finer = self.field(), self.cells.finer(nodes)
        change = base.distance if self.first is None else base.distance - self.first.view_as(base.distance)
        change = F.interpolate(change[None, None], size=(nodes,) * 3, mode="trilinear", align_corners=True)[0, 0]
        self.refined = True
        self._set_cells(finer, change, base)
        if self.first is not None:
            self.whole = self.whole + self.first

    def bending(self) -> Tensor:
        """What must not bend [K]: the distances, or their difference from the shape's that the fit began with."""
        return self.distance if self.first is None else self.distance - self.first[self.numbers]

    # -- going on after a crash ---------------------------------------------------------------------------

    def state(self) -> dict:
        """Everything by which the fit goes on exactly as it would have, but for a base from outside."""
        base: Any = self.base  # where the grid is refined, the coarser SdfGrid
        return {
            "nodes": self.cells.nodes, "whole": self.whole, "numbers": self.numbers,
            "distance": self.distance.detach(), "features": self.features.detach(),
            "module": self.module.state_dict(), "log_beta": self.log_beta.detach(),
            "optimizer": None if self.optimizer is None else self.optimizer.state_dict()["state"],
            "base": (base.cells.nodes, base.rows, base.features) if self.refined else None,
        }  # fmt: skip

    def loaded(self, state: dict, rates: Rates) -> "FittedGrid":
        """A grid that stands where `state` was taken. Raises `BadInput` and Python's usual errors for other states."""
        _check_state(state, self.width)
        grid = copy.copy(self)
        grid.module, grid.log_beta = copy.deepcopy(self.module), nn.Parameter(self.log_beta.detach().clone())
        grid._load(state, rates)
        return grid

    def _load(self, state: dict, rates: Rates) -> None:
        base, self.refined = self.base, state["base"] is not None
        if self.refined:
            side, rows, features = state["base"]
            empty = torch.zeros(side, side, side)
            base = SdfGrid(self.cells.finer(side), empty, rows, features, self.module, self.beta)
        self._set_cells(self.cells.finer(state["nodes"]), state["whole"], base)
        self.numbers = state["numbers"]
        self.rows[self.numbers] = torch.arange(len(self), dtype=torch.int32)
        self.distance, self.features = nn.Parameter(state["distance"]), nn.Parameter(state["features"])
        self.module.load_state_dict(state["module"])
        with torch.no_grad():
            self.log_beta.copy_(state["log_beta"])
        if len(self):
            self.neighbours = self._neighbours()
            self.inner = (self.neighbours >= 0).all(1).nonzero().flatten()
            self.optimizer = self._adam(rates)
            groups = self.optimizer.state_dict()["param_groups"]
            check_moments(state["optimizer"], [p for group in self.optimizer.param_groups for p in group["params"]])
            self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})


def read_distance(start: DistanceGrid, cells: Cells) -> Tensor:
    """Signed distances [G,G,G] of a grid at the nodes of another one."""
    return -start.inside(cells.positions()).view((cells.nodes,) * 3)


def _check_state(state: dict, width: int) -> None:
    """Raise `BadInput` for a state whose tensors do not fit each other."""
    nodes = whole_number(state["nodes"], "nodes", 2, MAX_NODES)
    check_shape("whole", state["whole"], nodes**3)
    count = len(state["numbers"])
    check_shape("numbers", state["numbers"], count)
    check_shape("distance", state["distance"], count)
    check_shape("features", state["features"], count, width)
    check_shape("log_beta", state["log_beta"])
    _check_index("numbers", state["numbers"], nodes**3)
    if state["base"] is not None:
        side, rows, features = state["base"]
        check_shape("rows", rows, *[whole_number(side, "nodes", 2, MAX_NODES)] * 3)
        check_shape("features", features, "rows", width)
        if len(features):
            _check_index("rows", rows, len(features))


def _check_index(name: str, index: Tensor, count: int) -> None:
    if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < count:
        raise BadInput(f"{name} of a checkpoint lie outside 0 to {count - 1}; remove it.")


def _lengthened(state: dict, count: int) -> dict:
    """An optimiser's state for a parameter that has got more rows, with zeros for the new ones."""
    longer = {"step": state["step"].clone()}
    for name in ("exp_avg", "exp_avg_sq"):
        old = state[name]
        longer[name] = torch.cat([old, old.new_zeros(count - len(old), *old.shape[1:])])
    return longer
