"""ZeroShape-W (Huang et al., CVPR 2025): one raw image to masks, depth, camera, visible surface and occupancy.

One composition, two sizes: `mini` (the embedded model) and `base` (DPT-hybrid, the paper's scale). `base` without the
occluder's parts is ZeroShape (CVPR 2024), tensor for tensor.
"""

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from ...check import check_shape
from ...errors import BadInput
from ...parsing import number, shown, whole_number
from ..card_settings import from_card
from ..contracts import DensePrediction, InputSpec, similarity_matrix
from .dpt_hybrid import DPTHybrid
from .heads import MaskHead, OccluderHead
from .implicit import ImplicitDecoder, LatentCache
from .intrinsics import intrinsics_head, intrinsics_matrix, intrinsics_projection
from .mini_backbone import DenseHead, MiniBackbone, depth_from_relief
from .ray_decoder import RayCache, RayDecoder, SurfaceTokens
from .seen_surface import SeenSurfaceEncoder
from .visible_points import Normalization, normalize_visible, unproject

LIMITS = {  # least and most of what a card may say
    "image_size": (whole_number, 32, 4096),
    "text_width": (whole_number, 0, 4096),
    "pixel_offset": (number, 0, 1),
    "extent": (number, 0.1, 100),
    "threshold": (number, -1000, 1000),
}


@dataclass(frozen=True)
class ZeroShapeWConfig:
    """What distinguishes the sizes."""

    size: str = "mini"  # "mini" or "base"
    image_size: int = 128  # side of the square input, pixels
    occluders: bool = True  # mask heads; False: the object's mask must be given (ZeroShape)
    text_width: int = 0  # width of the category's CLIP text embedding, 0 = no category prior
    pixel_offset: float = 0.5  # 0.0 for ZeroShape's published weights
    extent: float = 1.5  # queries reach this far in the normalised frame
    threshold: float = 0.0  # logit that counts as the surface; calibrated on training objects

    @classmethod
    def of(cls, values: dict) -> "ZeroShapeWConfig":
        config = from_card(cls, values, "A ZeroShape-W model")
        for name, (parse, *limits) in LIMITS.items():
            parse(getattr(config, name), f"{name} of a ZeroShape-W model", *limits)
        if not isinstance(config.occluders, bool):
            raise BadInput(f"occluders of a ZeroShape-W model is {shown(config.occluders)}; use true or false.")
        return config

    def to_dict(self) -> dict:
        return asdict(self)


MINI = ZeroShapeWConfig(extent=3.5)
BASE = ZeroShapeWConfig("base", 224, text_width=512)
ZEROSHAPE = replace(BASE, occluders=False, text_width=0, pixel_offset=0.0)


@dataclass(frozen=True)
class EncodedSurface:
    """The visible surface in its normalised frame, and what queries need; a `ImplicitDecoder` of one image."""

    module: "ZeroShapeW"
    points: Tensor  # [B,3,S,S] normalised, 0 off the mask
    normalization: Normalization
    intrinsics: Tensor  # [B,3,3]
    cache: LatentCache | RayCache

    @property
    def camera_to_decoder(self) -> Tensor:
        """[4,4] of the first image."""
        return similarity_matrix(self.normalization.centre[0], self.normalization.scale[0])

    @property
    def extent(self) -> float:
        return self.module.config.extent

    def query(self, points: Tensor) -> Tensor:
        """points [1,N,3] normalised -> [1,N] logits above the calibrated threshold."""
        threshold = self.module.config.threshold
        return self.module.query(points, self, threshold) - threshold


class ZeroShapeW(nn.Module):
    """Honours `networks.contracts.ShapeNetwork`: `predict_dense` an image, `encode` its surface, `query` points."""

    def __init__(self, config: ZeroShapeWConfig = MINI) -> None:
        super().__init__()
        self.config = config
        if config.size == "mini":
            self._build_mini()
        elif config.size == "base":
            self._build_base()
        else:
            raise BadInput(f"ZeroShape-W has no size {shown(config.size)}; use mini or base.")

    @property
    def input_spec(self) -> InputSpec:
        config = self.config
        finds_lens = config.size != "mini"  # its head is no better than a constant on objects that it never met
        return InputSpec(config.image_size, config.occluders, config.pixel_offset, finds_lens)

    def _build_mini(self) -> None:
        self.dpt_depth = MiniBackbone()
        fine, coarse = MiniBackbone.fine_channels, MiniBackbone.coarse_channels
        self.intr_head, self.intr_proj = nn.Identity(), intrinsics_projection(coarse)
        self.mask_head, self.occluder_head = DenseHead(fine, 1), OccluderHead(fine, hidden=8)
        self.coord_encoder = SurfaceTokens(coarse)
        self.impl_network = RayDecoder(fine, MiniBackbone.middle_channels)

    def _build_base(self) -> None:
        config, coarse = self.config, DPTHybrid.coarse_channels
        self.intr_head, self.intr_proj = intrinsics_head(coarse), intrinsics_projection(coarse)
        self.dpt_depth = DPTHybrid()
        self.mask_head = MaskHead(256, config.text_width) if config.occluders else None
        self.occluder_head = OccluderHead(256) if config.occluders else None
        self.coord_encoder = SeenSurfaceEncoder(extra_channels=int(config.occluders))
        self.impl_network = ImplicitDecoder(text_width=config.text_width)

    def predict_dense(self, image: Tensor, text: Tensor | None = None, masks: Tensor | None = None) -> DensePrediction:
        """image [B,3,S,S] in 0-1 (ZeroShape's weights want white behind the object), text [B,text_width] or None.

        masks [B,2,S,S] 0-1: object and occluder where they are known already (the mini model looks closer then; all
        zeros or None: unknown). S is `config.image_size`; the mini model also takes other multiples of 32, as training
        starts on small pictures.
        """
        check_shape("image", image, "B", 3, "S", "S")
        if text is not None and not self.config.text_width:
            raise BadInput("This model was trained without a category prior; leave the text embedding unconnected.")
        dense = self.dpt_depth(image, masks) if self.config.size == "mini" else self.dpt_depth(image)
        intrinsics = intrinsics_matrix(self.intr_proj(self.intr_head(dense.coarse).mean((-2, -1))), *image.shape[-2:])
        if self.config.size == "mini":
            dense = replace(dense, depth=depth_from_relief(dense.depth, intrinsics[:, 0, 0] / image.shape[-1]))
        if self.mask_head is None:
            return DensePrediction(dense, intrinsics, None, None)
        mask = self.mask_head(dense.fine, text) if text is not None else self.mask_head(dense.fine)
        occluder = self.occluder_head(dense.fine, torch.sigmoid(mask).detach())
        return DensePrediction(dense, intrinsics, mask, occluder)

    def encode(
        self,
        prediction: DensePrediction,
        mask: Tensor,  # [B,1,S,S] 0-1, the object's visible pixels
        occluder: Tensor | None = None,  # [B,1,S,S] 0-1
        depth: Tensor | None = None,  # [B,1,S,S] z-depth in place of the predicted one
        text: Tensor | None = None,
        frame: tuple[Tensor, Normalization] | None = None,  # true intrinsics and normalisation, in training
    ) -> EncodedSurface:
        """Unproject, normalise, encode, and prepare for queries."""
        depth = prediction.dense.depth if depth is None else depth
        robust = self.config.size == "mini"
        camera_points = unproject(depth, prediction.intrinsics, self.config.pixel_offset)
        points, normalization = normalize_visible(camera_points, mask, robust=robust)
        intrinsics, frame_normalization = frame or (prediction.intrinsics, normalization)
        occluder = torch.zeros_like(mask) if occluder is None else occluder
        if robust:
            hard = (mask > 0.5).to(mask.dtype)
            tokens = self.coord_encoder(points, hard, occluder, prediction.dense.coarse)
            geometry = self._whole_geometry(prediction, depth, hard, occluder, normalization)
            cache = self.impl_network.prepare(tokens, prediction.dense, geometry, intrinsics, frame_normalization)
        else:
            inputs = torch.cat([points, occluder], 1) if self.config.occluders else points
            cache = self.impl_network.prepare(self.coord_encoder(inputs), text)
        return EncodedSurface(self, points, frame_normalization, intrinsics, cache)

    @torch.no_grad()
    def _whole_geometry(
        self, prediction: DensePrediction, depth: Tensor, mask: Tensor, occluder: Tensor, normalization: Normalization
    ) -> Tensor:
        """First and last surface, silhouette, masks [B,5,S,S]: `depth` where the object is seen, else the predicted."""
        known = mask * (depth > 0)
        shift = (depth.clamp_min(1e-6) / prediction.dense.depth).log() * known  # the predicted depth's scale is its own
        shift = shift.sum((1, 2, 3), keepdim=True) / known.sum((1, 2, 3), keepdim=True).clamp_min(1)
        first = torch.where(known > 0, depth, prediction.dense.depth * shift.exp())
        focal = prediction.intrinsics[:, 0, 0] / depth.shape[-1]
        last = first * depth_from_relief(prediction.dense.thickness, focal)
        centre, scale = normalization.centre[:, 2], normalization.scale
        surfaces = (torch.cat([first, last], 1) - centre[:, None, None, None]) / scale[:, None, None, None]
        silhouette = torch.maximum(prediction.dense.amodal.sigmoid(), mask)
        return torch.cat([surfaces, silhouette, mask, occluder], 1)

    def query(self, points: Tensor, surface: EncodedSurface, level: float | None = None) -> Tensor:
        """Points [B,N,3] in the normalised frame -> occupancy logits [B,N], > 0 inside.

        level: the logit that counts as the surface; the mini model's answers exceed it right behind what is seen.
        """
        if isinstance(surface.cache, LatentCache):
            return self.impl_network.query(points, surface.cache)
        return self.impl_network.query(points, surface.cache, level)


def build(config: dict) -> ZeroShapeW:
    """The untrained network of a card's `config`."""
    return ZeroShapeW(ZeroShapeWConfig.of(config))
