"""LIST at the paper's size, 105 M parameters: agrees with the published layout of weights, tensor for tensor.

Frame: ShapeNet's canonical one; the object's box is centred and its longest side is 1. No camera is known or told.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv1d

from ...check import check_shape
from ..contracts import InputSpec
from .config import BASE, ListConfig
from .grid_encoder import GridEncoder, GridFeatures
from .occupancy import nearest_nodes
from .picture_encoder import CHANNELS, WIDTH, PictureEncoder
from .sampling import project, sample_grids
from .spatial_transformer import FreeProjection
from .tree_gcn import PointFeatures, TreeDecoder

TREE_FEATURES, TREE_DEGREES = (128, 128, 256, 256, 256, 128, 128, 3), (2, 2, 2, 2, 2, 2, 64)
POINT_WIDTHS = (64, 256, 512)
GRID_CHANNELS = (1, 1, 1, 1, 16, 32, 64, 128, 128)
LOCAL_SIDE = 137  # pixels of the maps that queries read
DECODER = (512, 256, 256)
IN_GRID, IN_PICTURE = 7 * sum(GRID_CHANNELS[3:]), sum(CHANNELS)


class PaperDecoder(nn.Module):
    """Features at a query -> signed distance times a scale. Named as in LIST's weights.

    The first layer is linear, and so is sampling: its columns for the picture are multiplied into the maps beforehand.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (IN_GRID + IN_PICTURE + 3, *DECODER)
        layers = {f"fc_{i}": Conv1d(widths[i], widths[i + 1], 1) for i in range(len(DECODER))}
        self.fc = nn.ModuleDict({**layers, "fc_out": Conv1d(DECODER[-1], 1, 1)})

    def picture(self, maps: tuple[Tensor, ...]) -> Tensor:
        """The encoder's maps -> the first layer's share [B,512,137,137] of them."""
        weight = self.fc["fc_0"].weight[:, IN_GRID : IN_GRID + IN_PICTURE]
        columns = weight.split([m.shape[1] for m in maps], 1)
        side = (LOCAL_SIDE, LOCAL_SIDE)
        shares = (
            F.interpolate(F.conv2d(m, column[..., None]), side, mode="bilinear", align_corners=True)
            for m, column in zip(maps, columns, strict=True)
        )
        return torch.stack(list(shares)).sum(0)

    def forward(self, points: Tensor, grid: Tensor, picture: Tensor) -> Tensor:
        """points [B,N,3] as `grid_sample` takes them, grid [B,N,2583], picture [B,N,512] of `picture` -> [B,N]."""
        last = self.fc["fc_out"]
        return F.linear(self.hidden(points, grid, picture), last.weight[..., 0], last.bias)[..., 0]

    def hidden(self, points: Tensor, grid: Tensor, picture: Tensor) -> Tensor:
        """What the last layer reads, [B,N,256]."""
        first = self.fc["fc_0"]
        weight = first.weight[..., 0]
        x = F.linear(grid, weight[:, :IN_GRID], first.bias) + F.linear(points, weight[:, -3:]) + picture
        for name in ("fc_1", "fc_2"):
            layer = self.fc[name]
            x = F.linear(F.relu(x), layer.weight[..., 0], layer.bias)
        return F.relu(x)


@dataclass(frozen=True)
class EncodedPaper:
    """What one pass over B pictures leaves for queries: a `contracts.PointDecoder` of one of them."""

    module: "ListBase"
    points: Tensor  # [B,4096,3] coarse
    matrix: Tensor  # [B,4,3] from (z,y,x) in -1..1 to pixels of the 137 x 137 maps
    grid: GridFeatures
    picture: Tensor  # [B,512,137,137]

    @property
    def camera_to_decoder(self) -> Tensor:
        """The identity: the canonical frame is not that of any camera."""
        return torch.eye(4)

    @property
    def extent(self) -> float:
        return self.module.config.half

    def query(self, points: Tensor) -> Tensor:
        """points [1,N,3] object frame -> [1,N] minus the signed distance, object sides."""
        return -self.module.distance(points, self) / self.module.config.sdf_scale


class ListBase(nn.Module):
    """Picture of an object before a plain background -> coarse points, projection, signed distance."""

    def __init__(self, config: ListConfig = BASE) -> None:
        super().__init__()
        self.config = config
        self.vox_encoder, self.sdf_decoder = GridEncoder(GRID_CHANNELS), PaperDecoder()
        self.im_encoder, self.im_encoder2 = PictureEncoder(), PictureEncoder()
        self.point_decoder = TreeDecoder(TREE_FEATURES, TREE_DEGREES)
        self.point_mlp_coarse = PointFeatures(POINT_WIDTHS)
        self.spatial_transformer = FreeProjection(POINT_WIDTHS[-1] + WIDTH)

    @property
    def input_spec(self) -> InputSpec:
        return InputSpec(self.config.image_size, finds_masks=False)

    def encode(self, image: Tensor, masks: Tensor | None = None, points: Tensor | None = None) -> EncodedPaper:
        """image [B,3,S,S] sRGB 0-1; masks [B,2,S,S] of object and occluder put white behind the object.

        points [B,P,3] in the object frame take the place of the coarse ones.
        """
        check_shape("image", image, "B", 3, "S", "S")
        if masks is not None:
            image = image * masks[:, :1] + 1 - masks[:, :1]
        if points is None:
            points = self.point_decoder(self.im_encoder(image).whole)
        local = self.im_encoder2(image)
        matrix = self.spatial_transformer(torch.cat([self.point_mlp_coarse(points), local.whole], 1))
        grid = self.vox_encoder(self.occupancy(points))
        return EncodedPaper(self, points, matrix, grid, self.sdf_decoder.picture(local.maps))

    def occupancy(self, points: Tensor) -> Tensor:
        """Points [B,P,3] in the object frame -> the grid [B,1,R,R,R] that the encoder reads."""
        return nearest_nodes(points, self.config.grid, self.config.half)

    def distance(self, points: Tensor, encoded: EncodedPaper) -> Tensor:
        """points [B,N,3] object frame -> signed distances [B,N] times `config.sdf_scale`, negative inside."""
        return self.sdf_decoder(*self.features(points, encoded))

    def features(self, points: Tensor, encoded: EncodedPaper) -> tuple[Tensor, Tensor, Tensor]:
        """What the decoder reads at points [B,N,3], object frame: places, 3D features, the picture's share."""
        check_shape("points", points, len(encoded.points), "N", 3)
        place = points / self.config.half
        grid = sample_grids(encoded.grid.maps, place)
        at = project(place.flip(-1), encoded.matrix).clamp(0, LOCAL_SIDE - 1) * 2 / (LOCAL_SIDE - 1) - 1
        picture = F.grid_sample(encoded.picture, at[:, :, None], align_corners=True)[..., 0].mT
        return place.flip(-1), grid, picture
