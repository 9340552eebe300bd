"""Settings of the VolSDF fit."""

from dataclasses import dataclass, field, replace

from ....provenance import Provenance


@dataclass(frozen=True)
class FitWeights:
    """Factors of the losses. Those of the cues and of the eikonal loss are MonoSDF's for objects, but for scale."""

    color: float = 1.0
    mask: float = 0.5
    eikonal: float = 0.05
    smooth: float = 0.08
    keep: float = 1.5  # in place of `smooth`, of the change of a mesh that the fit began with
    depth: float = 0.1
    normal: float = 0.05


@dataclass(frozen=True)
class FitLevel:
    """A grid of `nodes`^3 for some rounds, while the density narrows."""

    nodes: int
    rounds: int
    betas: tuple[float, float]  # most that the density's width may be, at the first and the last round, in spacings

    def most_beta(self, index: int) -> float:
        """The limit in round `index` of the level, in spacings."""
        first, last = self.betas
        return first * (last / first) ** (index / max(self.rounds - 1, 1))


@dataclass(frozen=True)
class Rates:
    """Adam's rates."""

    distance: float = 0.15  # spacings a step
    features: float = 0.03
    decoder: float = 2e-3
    beta: float = 0.01  # of its logarithm


@dataclass(frozen=True)
class Trust:
    """Factors of the losses of pixels by where they come from."""

    observed: float = 1.0
    outpainted: float = 0.4
    inferred: float = 0.2

    def of(self, code: Provenance) -> float:
        """The factor of one code; pixels without surface have none."""
        return 0.0 if code is Provenance.NONE else getattr(self, code.name.lower())


@dataclass(frozen=True)
class FitSettings:
    """The defaults fit an object in a dozen views of 128 pixels within a minute on a small CPU."""

    levels: tuple[FitLevel, ...] = (
        FitLevel(32, 4, (1.2, 0.6)),  # so coarse that it finds hollows which no outline shows
        FitLevel(64, 5, (0.9, 0.4)),
        FitLevel(128, 14, (0.6, 0.25)),
    )
    decay: float = 0.1  # of all rates, over the last level
    refit_rounds: int = 6  # of the last level alone, when an earlier fit is fitted further
    shape_nodes: int = 64  # of the first level, at least, when a mesh is mended
    side: int = 192  # pixels: larger pictures are reduced to this longest side
    rays: int = 24576  # traced in a round
    batch: int = 4096  # rays a step, at most
    epochs: int = 3  # times that a round learns from each ray
    samples: int = 8  # on a ray
    colored: tuple[int, int] = (1, 7)  # the samples that are shaded, from and up to
    features: int = 6
    hidden: int = 16  # of the decoder
    least_beta: float = 0.12  # spacings
    weights: FitWeights = field(default_factory=FitWeights)
    rates: Rates = field(default_factory=Rates)
    trust: Trust = field(default_factory=Trust)

    def upto(self, nodes: int, rounds: int) -> "FitSettings":
        """The settings that end with a grid of `nodes`^3 fitted for `rounds` rounds; a refit takes half as many."""
        coarser = tuple(level for level in self.levels if level.nodes < nodes)
        levels = (*coarser, FitLevel(nodes, rounds, self.levels[-1].betas))
        return replace(self, levels=levels, refit_rounds=(rounds + 1) // 2)

    def with_cues(self, factor: float) -> "FitSettings":
        """The settings with the weights of the views' own depth and normals times `factor`; 0 leaves them out."""
        weights = replace(self.weights, depth=factor * self.weights.depth, normal=factor * self.weights.normal)
        return replace(self, weights=weights)

    def refit(self, nodes: int) -> "FitSettings":
        """The settings by which a field with so many nodes is fitted further."""
        narrow = self.levels[-1].betas[1]
        return replace(self, levels=(FitLevel(nodes, self.refit_rounds, (narrow, narrow)),))

    def from_shape(self) -> "FitSettings":
        """The settings by which a mesh is mended: the coarsest grids would move thin parts and what no view sees."""
        fine = tuple(level for level in self.levels if level.nodes >= self.shape_nodes)
        return replace(self, levels=fine or self.levels[-1:])

    def held(self) -> "FitSettings":
        """The settings by which the start's shape stays, on the finest grid at once, and colours alone are fitted."""
        return replace(self, levels=self.levels[-1:], rates=replace(self.rates, distance=0.0))

    def rate(self, index: int) -> float:
        """Factor of the rates in round `index` of the whole fit."""
        last = self.levels[-1].rounds
        return self.decay ** (max(index - self.rounds + last, 0) / max(last - 1, 1))

    @property
    def rounds(self) -> int:
        """Of all levels."""
        return sum(level.rounds for level in self.levels)

    def level(self, index: int) -> tuple[FitLevel, int]:
        """The level of round `index` of the whole fit, and the round's number within it."""
        for level in self.levels:
            if index < level.rounds:
                return level, index
            index -= level.rounds
        raise IndexError(f"round {index} after the last")
