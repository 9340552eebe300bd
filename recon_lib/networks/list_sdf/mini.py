"""LIST's embedded size: one small backbone, begun with ZeroShape-W's weights, for both of the paper's encoders.

Its objects stand in the upright frame of the view (`cameras.upright`), where training knows the camera, not in a
canonical one, which objects of any kind don't have; their box is centred and its longest side is 1.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

from ...check import check_shape
from ...errors import BadInput
from ..blocks import DenseFeatures
from ..contracts import InputSpec
from ..zeroshape_w.mini_backbone import MiniBackbone
from .config import MINI, ListConfig
from .decoder import PictureFeatures, SdfDecoder
from .grid_encoder import GridEncoder, GridFeatures
from .occupancy import splatted
from .sampling import project, sample_grids, sample_picture
from .spatial_transformer import SpatialTransformer, ViewEstimate
from .tree_gcn import PointFeatures, TreeDecoder

WHOLE = 128  # width of the vector of the whole picture
LAYOUT = 8  # cells a side of what that vector is told of where things are
LAYOUT_CHANNELS = 8
TREE_FEATURES = (WHOLE, 96, 96, 64, 64, 32, 3)
TREE_DEGREES = (2, 2, 2, 4, 4)  # and as many more as make up the points
POINT_WIDTHS = (32, 64, 128)
GRID_CHANNELS = (1, 2, 2, 1, 16, 32, 64)
WIDTH = 128  # of the decoder


@dataclass(frozen=True)
class EncodedPicture:
    """What one pass over B pictures leaves for queries: a `contracts.PointDecoder` of one of them."""

    module: "ListMini"
    whole: Tensor  # [B,C]
    points: Tensor  # [B,P,3] coarse, object frame
    view: ViewEstimate
    grid: GridFeatures | None
    picture: Tensor | None  # [B,W,S/2,S/2]
    surfaces: Tensor  # [B,3,S/2,S/2] relief of first and last surface times silhouette, silhouette

    @property
    def camera_to_decoder(self) -> Tensor:
        """[4,4] of the first picture's estimated camera, object sides."""
        return self.view.camera_to_upright()[0]

    @property
    def extent(self) -> float:
        return self.module.config.half

    def query(self, points: Tensor) -> Tensor:
        """points [1,N,3] object frame -> [1,N] minus the signed distance, object sides, from the calibrated level."""
        config = self.module.config
        return (config.level - self.module.distance(points, self)) / config.sdf_scale


class ListMini(nn.Module):
    """Picture of a masked object -> coarse points, view, signed distance."""

    def __init__(self, config: ListConfig = MINI) -> None:
        super().__init__()
        self.config = config
        fine, middle, coarse = (
            MiniBackbone.fine_channels, MiniBackbone.middle_channels, MiniBackbone.coarse_channels,
        )  # fmt: skip
        known = math.prod(TREE_DEGREES)
        if config.points % known:
            raise BadInput(f"A LIST model of size mini cannot have {config.points} points; use a multiple of {known}.")
        self.dpt_depth = MiniBackbone()  # named as in ZeroShape-W
        inputs = 2 * coarse + LAYOUT_CHANNELS * LAYOUT**2
        self.whole = nn.Sequential(Linear(inputs, 2 * WHOLE), nn.SiLU(), Linear(2 * WHOLE, WHOLE))
        self.point_decoder = TreeDecoder(TREE_FEATURES, (*TREE_DEGREES, config.points // known), support=4)
        self.point_mlp_coarse = PointFeatures(POINT_WIDTHS)
        self.spatial_transformer = SpatialTransformer(WHOLE + POINT_WIDTHS[-1])
        self.vox_encoder = GridEncoder(GRID_CHANNELS, pool_first=True) if config.coarse_branch else None
        self.picture = PictureFeatures(fine, middle, coarse, WIDTH) if config.spatial_transformer else None
        self.sdf_decoder = SdfDecoder(sum(GRID_CHANNELS[3:]) if config.coarse_branch else 0, WHOLE, WIDTH)

    @property
    def input_spec(self) -> InputSpec:
        return InputSpec(self.config.image_size, finds_masks=False)

    def encode(self, image: Tensor, masks: Tensor, points: Tensor | None = None) -> EncodedPicture:
        """image [B,3,S,S] sRGB 0-1 and masks [B,2,S,S] 0-1 of object and occluder, S a multiple of 32.

        points [B,P,3] in the object frame take the place of the coarse ones.
        """
        check_shape("image", image, "B", 3, "S", "S")
        check_shape("masks", masks, len(image), 2, *image.shape[-2:])
        dense = self.dpt_depth(image, masks)
        surfaces = _surfaces(dense, masks)
        layout = _layout(dense, masks, surfaces)
        whole = self.whole(torch.cat([dense.coarse.mean((2, 3)), dense.coarse.amax((2, 3)), layout], 1))
        points = self.point_decoder(F.silu(whole)) if points is None else points
        seen_points = points.detach()  # the cloud is taught by its own loss alone, as in the paper
        view = self.spatial_transformer(torch.cat([whole, self.point_mlp_coarse(seen_points)], 1))
        grid = None
        if self.vox_encoder is not None:
            grid = self.vox_encoder(self.occupancy(seen_points))
        picture = None if self.picture is None else self.picture(dense)
        return EncodedPicture(self, whole, points, view, grid, picture, surfaces)

    def occupancy(self, points: Tensor) -> Tensor:
        """Points [B,P,3] in the object frame -> the grid [B,1,R,R,R] that the encoder reads."""
        return splatted(points, self.config.grid, self.config.half)

    def distance(self, points: Tensor, encoded: EncodedPicture) -> Tensor:
        """points [B,N,3] object frame -> signed distances [B,N] times `config.sdf_scale`, negative inside."""
        check_shape("points", points, len(encoded.whole), "N", 3)
        grid = None if encoded.grid is None else sample_grids(encoded.grid.maps, points / self.config.half)
        if encoded.picture is None:
            return self.sdf_decoder(points, encoded.whole, grid, None, torch.zeros_like(points))
        at = project(points, encoded.view.matrix)
        picture, surfaces = sample_picture(encoded.picture, at), sample_picture(encoded.surfaces, at)
        first, last = (surfaces[..., :2] / surfaces[..., 2:].clamp_min(0.1)).unbind(-1)
        relief = encoded.view.relief(points) - encoded.view.front[:, None]
        behind = torch.stack([(relief - first) * 2, (last - relief) * 2, surfaces[..., 2]], -1)
        return self.sdf_decoder(points, encoded.whole, grid, picture, behind)


def _surfaces(dense: DenseFeatures, masks: Tensor) -> Tensor:
    """First and last surface's relief from the mean visible one, times silhouette; silhouette: [B,3,S/2,S/2]."""
    visible = (masks[:, :1] > 0.5).to(dense.depth)
    mean = (dense.depth * visible).sum((2, 3), keepdim=True) / visible.sum((2, 3), keepdim=True).clamp_min(1)
    first = dense.depth - mean
    silhouette = torch.maximum(dense.amodal.sigmoid(), visible)
    stacked = torch.cat([first * silhouette, (first + dense.thickness) * silhouette, silhouette], 1)
    return F.avg_pool2d(stacked, 2)


def _layout(dense: DenseFeatures, masks: Tensor, surfaces: Tensor) -> Tensor:
    """Both surfaces, silhouette, mask, occluder and normals on a coarse grid, [B,LAYOUT_CHANNELS LAYOUT^2].

    Extent, lean and ground are read off where things are, which averages over the whole picture no longer tell.
    """
    visible = (masks[:, :1] > 0.5).to(dense.depth)
    assert dense.normals is not None
    parts = (surfaces, masks, dense.normals * visible)
    return torch.cat([F.adaptive_avg_pool2d(part, LAYOUT) for part in parts], 1).flatten(1)
