"""Signed-distance decoder of the mini model: 3D features, picture features and place of a query, joined."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

from ..blocks import DenseFeatures
from ..encodings import axis_frequency_encoding
from ..zeroshape_w.mini_backbone import conv

BANDS = 4  # of the encoding of how far a query lies behind the visible surface


class PictureFeatures(nn.Module):
    """The backbone's maps at three sizes -> one map [B,width,S/2,S/2].

    These are the columns of the decoder's first layer that belong to the picture: it is linear, as sampling is, so that
    multiplying before sampling gives the same as after, for all queries at once.
    """

    def __init__(self, fine: int, middle: int, coarse: int, width: int) -> None:
        super().__init__()
        self.fine, self.middle, self.coarse = (conv(channels, width, 1) for channels in (fine, middle, coarse))

    def forward(self, dense: DenseFeatures) -> Tensor:
        fine = self.fine(dense.fine)
        for part, maps in ((self.middle, dense.middle), (self.coarse, dense.coarse)):
            fine = fine + F.interpolate(part(maps), fine.shape[-2:], mode="bilinear", align_corners=False)
        return fine


class ResidualMlp(nn.Module):
    """Two linear layers around a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = Linear(width, width), Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class SdfDecoder(nn.Module):
    """Sum of what the first layer makes of grid, picture, place and whole -> signed distance times a scale."""

    def __init__(self, grid_channels: int, whole: int, width: int = 128, blocks: int = 2) -> None:
        super().__init__()
        self.grid = Linear(7 * grid_channels, width) if grid_channels else None
        self.place = Linear(3 * (1 + 2 * BANDS) + 3 * (1 + 2 * BANDS), width)
        self.whole = Linear(whole, width)
        self.blocks = nn.Sequential(*(ResidualMlp(width) for _ in range(blocks)))
        self.answer = Linear(width, 1)

    def forward(
        self,
        points: Tensor,  # [B,N,3] object frame
        whole: Tensor,  # [B,C] of the picture as a whole
        grid: Tensor | None,  # [B,N,7 K] 3D features at the taps
        picture: Tensor | None,  # [B,N,width] of `PictureFeatures`
        behind: Tensor,  # [B,N,3]: how far behind the first surface and before the last one; silhouette 0-1
    ) -> Tensor:
        """-> [B,N], negative inside."""
        place = torch.cat([axis_frequency_encoding(points * 2, BANDS), axis_frequency_encoding(behind, BANDS)], -1)
        x = self.place(place) + self.whole(whole)[:, None]
        for part in (None if grid is None or self.grid is None else self.grid(grid), picture):
            x = x if part is None else x + part
        return self.answer(F.silu(self.blocks(x)))[..., 0]
