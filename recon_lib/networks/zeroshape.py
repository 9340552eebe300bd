"""ZeroShape (Huang et al., CVPR 2024): one image and its mask to an occupancy field. Loads the published checkpoint."""

from dataclasses import dataclass

from torch import Tensor, nn

from ..check import check_shape
from .blocks import DenseFeatures
from .dpt_hybrid import DPTHybrid
from .implicit import LatentCache, PointDecoder
from .intrinsics import intrinsics_head, intrinsics_matrix, intrinsics_projection
from .seen_surface import SeenSurfaceEncoder
from .visible_points import Normalization, normalize_visible, unproject


@dataclass(frozen=True)
class SeenShape:
    """Everything that ZeroShape reads off the image before it is asked about points."""

    dense: DenseFeatures
    intrinsics: Tensor  # [B,3,3] pixels
    surface: Tensor  # [B,3,H,W] normalised visible points, 0 off the mask
    normalization: Normalization
    latents: Tensor  # [B,197,256]
    cache: LatentCache


class ZeroShape(nn.Module):
    """The 813 tensors of the published network, under their names."""

    def __init__(self) -> None:
        super().__init__()
        channels = DPTHybrid.coarse_channels
        self.intr_head = intrinsics_head(channels)
        self.intr_proj = intrinsics_projection(channels)
        self.dpt_depth = DPTHybrid()
        self.coord_encoder = SeenSurfaceEncoder()
        self.impl_network = PointDecoder()

    def see(self, image: Tensor, mask: Tensor) -> SeenShape:
        """image [B,3,224,224] in 0-1, white behind the object; mask [B,1,224,224], > 0.5 on the object."""
        check_shape("image", image, "B", 3, 224, 224)
        check_shape("mask", mask, len(image), 1, 224, 224)
        dense = self.dpt_depth(image)
        pooled = self.intr_head(dense.coarse).mean(dim=(-2, -1))
        intrinsics = intrinsics_matrix(self.intr_proj(pooled), *image.shape[-2:])
        # The published weights were trained with pixels at integer coordinates.
        surface, normalization = normalize_visible(unproject(dense.depth, intrinsics, pixel_offset=0.0), mask)
        latents = self.coord_encoder(surface)
        return SeenShape(dense, intrinsics, surface, normalization, latents, self.impl_network.prepare(latents))

    def query(self, points: Tensor, seen: SeenShape) -> Tensor:
        """Points [B,N,3] in the normalised frame of the visible surface -> occupancy logits [B,N]."""
        return self.impl_network.query(points, seen.cache)
