"""A network that knows one thing, red balls before anything blue, by geometry in the place of weights.

It honours the contract of a `ShapeNetwork` (predict_dense, encode, query), so stages and systems that are handed it
must give back the ball exactly: what differs is their own doing.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction, InputSpec
from recon_lib.networks.zeroshape_w.model import EncodedSurface, ZeroShapeWConfig
from recon_lib.networks.zeroshape_w.visible_points import normalize_visible, unproject
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import LoadedModel

FOCAL = 1.4  # of every window, in window sides
RED, BLUE, GREY = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9), (0.5, 0.5, 0.5)
PURE = 0.8  # how much redder than its other channels RED is
SIDE = 96


class OracleNetwork(nn.Module):
    def __init__(self, config: ZeroShapeWConfig | None = None, normals: bool = True) -> None:
        super().__init__()
        self.config = config or ZeroShapeWConfig(image_size=SIDE, extent=3.5)
        self.normals = normals
        self.seen: list[Tensor] = []  # every image it was shown
        self.told: list[Tensor | None] = []  # the masks that came with each

    def predict_dense(self, image: Tensor, text: Tensor | None = None, masks: Tensor | None = None) -> DensePrediction:
        assert image.shape[-2:] == (self.config.image_size,) * 2
        assert masks is None or masks.shape == (len(image), 2, *image.shape[-2:])
        self.seen.append(image)
        self.told.append(masks)
        red = image[:, :1] - image[:, 1:].amax(1, keepdim=True)
        blue = image[:, 2:] - image[:, :2].amax(1, keepdim=True)
        intrinsics, distance = self.camera((red / PURE).clamp(0, 1))
        depth = ball_depth(intrinsics, distance, image.shape[-1])
        normals = (
            unproject(depth, intrinsics) - torch.stack([distance * 0, distance * 0, distance], -1)[..., None, None]
        )
        dense = DenseFeatures(depth, image, image, None, F.normalize(normals, dim=1) if self.normals else None)
        if not self.config.occluders:
            return DensePrediction(dense, intrinsics, None, None)
        return DensePrediction(dense, intrinsics, 30 * (red - PURE / 2), 30 * (blue - PURE / 2))

    def camera(self, share: Tensor) -> tuple[Tensor, Tensor]:
        """Intrinsics [B,3,3] that look straight at the disk of coverage [B,1,S,S]; distance [B] of its unit ball."""
        size = share.shape[-1]
        area = share.sum((1, 2, 3)).clamp_min(1e-3)
        at = torch.arange(size) + 0.5
        x, y = ((share[:, 0] * grid).sum((1, 2)) / area for grid in (at[None], at[:, None]))
        intrinsics = torch.eye(3).repeat(len(share), 1, 1)
        intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = FOCAL * size
        intrinsics[:, 0, 2], intrinsics[:, 1, 2] = x, y
        return intrinsics, ball_distance((area / math.pi).sqrt() / (FOCAL * size))

    @property
    def input_spec(self) -> InputSpec:
        return InputSpec(self.config.image_size, finds_masks=self.config.occluders)

    def encode(self, prediction, mask, occluder=None, depth=None) -> EncodedSurface:
        depth = prediction.dense.depth if depth is None else depth
        points, normalization = normalize_visible(unproject(depth, prediction.intrinsics), mask, robust=True)
        balls = [fit_ball(p[:, m[0] > 0.5].T) for p, m in zip(points, mask, strict=True)]
        cache = tuple(torch.stack(part) for part in zip(*balls, strict=True))
        return EncodedSurface(self, points, normalization, prediction.intrinsics, cache)

    def query(self, points: Tensor, surface: EncodedSurface, level: float | None = None) -> Tensor:
        centre, radius = surface.cache
        return 10 * (radius[:, None] - (points - centre[:, None]).norm(dim=-1))


def ball_distance(slope: Tensor | float) -> Tensor | float:
    """Of the unit ball whose outline's rays rise by `slope` over depth 1."""
    return (1 + 1 / slope**2) ** 0.5


def ball_depth(intrinsics: Tensor, distance: Tensor, size: int) -> Tensor:
    """z-depth [B,1,S,S] of unit balls straight ahead at `distance` [B]; behind them something smooth."""
    rays = unproject(torch.ones(len(intrinsics), 1, size, size), intrinsics)
    squared, d = rays.square().sum(1, keepdim=True), distance[:, None, None, None]
    return (d - (d**2 - squared * (d**2 - 1)).clamp_min(0).sqrt()) / squared


def fit_ball(points: Tensor) -> tuple[Tensor, Tensor]:
    """Centre [3] and radius of the ball nearest to points [N,3], algebraically."""
    p = points.double()
    rows = torch.cat([2 * p, torch.ones(len(p), 1)], 1)
    *centre, rest = torch.linalg.lstsq(rows, p.square().sum(1, keepdim=True)).solution[:, 0]
    centre = torch.stack(centre)
    return centre.float(), (rest + centre.square().sum()).clamp_min(1e-9).sqrt().float()


def disk_picture(
    height: int, width: int, centre: tuple[float, float], radius: float, color=RED, behind=GREY
) -> tuple[Tensor, Tensor]:
    """A disk around pixel (x,y), its edge one pixel soft. -> image [1,3,H,W], mask [1,1,H,W] of coverage > 1/2."""
    x, y = torch.arange(width) + 0.5 - centre[0], torch.arange(height)[:, None] + 0.5 - centre[1]
    share = (radius - torch.hypot(x, y) + 0.5).clamp(0, 1)[None, None]
    color, behind = (torch.tensor(c).reshape(1, 3, 1, 1) for c in (color, behind))
    return color * share + behind * (1 - share), (share > 0.5).float()


def with_bar(image: Tensor, left: int, right: int) -> Tensor:
    """The image with a blue bar from column `left` to `right` in front."""
    image = image.clone()
    image[..., left:right] = torch.tensor(BLUE).reshape(1, 3, 1, 1)
    return image


def oracle_model(network: OracleNetwork | None = None) -> LoadedModel:
    return LoadedModel(network or OracleNetwork(), ModelCard("oracle", "zeroshape-w", Path("oracle.safetensors")))


def overlap(predicted: Tensor, true: Tensor) -> float:
    """Intersection over union of two masks, cut at 1/2."""
    predicted, true = predicted > 0.5, true > 0.5
    return float((predicted & true).sum() / (predicted | true).sum())
