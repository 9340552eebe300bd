"""Settings of the radiance fit."""

from dataclasses import dataclass, field, replace

from ..sdf_grid.settings import Trust
from .novel_views import NovelViewSettings


@dataclass(frozen=True)
class RadianceWeights:
    """Factors of the losses; 0 leaves one out."""

    mask: float = 0.3  # squared difference of opacity and mask
    distortion: float = 0.003  # mip-NeRF 360's
    interlevel: float = 1.0  # mip-NeRF 360's, of contracted scenes
    occlusion: float = 0.0  # FreeNeRF's; 0.01 there
    ranking: float = 0.0  # SparseNeRF's, on the views' depth
    prior: float = 0.2  # of the sample loss, where a prior is given


@dataclass(frozen=True)
class RadianceSettings:
    """The defaults fit an object in two dozen views of 128 pixels within minutes on a small CPU.

    Regularisers for few views: `hull_start`, `opening` and `weights.occlusion` (FreeNeRF's two), `weights.ranking`,
    `gradient_scaling`.
    """

    levels: tuple[int, ...] = (24, 48, 96, 144)  # nodes along a side
    steps: int = 400
    rays: int = 4096  # a step
    side: int = 192  # pixels: larger pictures are reduced to this longest side
    rate: float = 0.05  # Adam's, of the grids
    decoder_rate: float = 1e-2
    exposure_rate: float = 0.01
    decay: float = 0.05  # of the rates, over the fit
    shrink: float = 0.02  # AdamW's, of the grids
    stride: float = 1.0  # spacings of the finest level between the samples of a ray
    refresh: int = 32  # steps between two looks at which parts are empty
    hull_start: bool = True  # begin with what the masks call for; nothing lies outside their visual hull
    random_background: bool = True  # pixels of an object before another colour each time
    opening: float = 0.0  # part of the steps over which finer levels are opened, coarse first
    gradient_scaling: bool = False  # G3DR's, by the views' depth, which must be the world's
    exposure: bool = False  # each view has a gain of its own for each channel
    directions: bool = True  # colours may depend on the direction they are seen from
    multisamples: int = 1  # points a sample is read at: 1, or Zip-NeRF's 6
    table: int = 1 << 19  # rows of a level, at most, where no hull says which nodes are needed
    prior_every: int = 4  # steps between two calls of the sample loss
    novel_views: NovelViewSettings = field(default_factory=NovelViewSettings)
    weights: RadianceWeights = field(default_factory=RadianceWeights)
    trust: Trust = field(default_factory=Trust)

    def upto(self, nodes: int) -> "RadianceSettings":
        """The settings whose finest level has `nodes` along a side; coarser ones stay."""
        return replace(self, levels=(*(level for level in self.levels if level < nodes), nodes))
