"""A network in LIST's place that knows one ellipsoid and the camera before it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.upright import up_from_angles
from recon_lib.networks.contracts import InputSpec
from recon_lib.networks.list_sdf.config import MINI
from recon_lib.networks.list_sdf.grid_encoder import GridEncoder
from recon_lib.networks.list_sdf.occupancy import splatted
from recon_lib.networks.list_sdf.spatial_transformer import ViewEstimate
from recon_lib.stages.single_view.upright_shape import WORLD_SIDE
from recon_lib.views.square_crop import OBJECT_SHARE
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import LoadedModel

HALF_AXES = torch.tensor([0.5, 0.3, 0.4])  # of the object, whose longest side is 1
ELEVATION, ROLL, DISTANCE = 30.0, 12.0, 3.0
RED, BLUE = (0.8, 0.15, 0.1), (0.1, 0.15, 0.8)


@dataclass(frozen=True)
class KnownEllipsoid:
    """The oracle's point decoder."""

    module: nn.Module
    points: Tensor
    view: ViewEstimate
    extent: float = MINI.half

    @property
    def camera_to_decoder(self) -> Tensor:
        return self.view.camera_to_upright()[0]

    def query(self, points: Tensor) -> Tensor:
        return 0.3 * (1 - (points / HALF_AXES).norm(dim=-1))


class ListOracle(nn.Module):
    """Answers the ellipsoid's surface, and the view with its outline wrong by `error`."""

    config, input_spec = MINI, InputSpec(64, finds_masks=False)

    def __init__(self, error: float = 0.0) -> None:
        super().__init__()
        self.error, self.point_decoder = error, nn.Identity()
        self.vox_encoder = GridEncoder((1, 2, 2, 1, 4)).eval()
        self.weight = nn.Parameter(torch.zeros(1))

    def occupancy(self, points: Tensor) -> Tensor:
        return splatted(points, MINI.grid, MINI.half)

    def encode(self, image: Tensor, masks: Tensor, points: Tensor | None = None) -> KnownEllipsoid:
        if points is None:
            direction = torch.randn(1, 200, 3, generator=torch.Generator().manual_seed(0))
            points = direction / direction.norm(dim=-1, keepdim=True) * HALF_AXES
        up = up_from_angles(torch.tensor([ELEVATION]), torch.tensor([ROLL]))
        one = torch.ones(1)
        scale = OBJECT_SHARE * (1 + self.error) * one / _widest(_camera(128))
        return KnownEllipsoid(self, points, ViewEstimate(up, one / DISTANCE, scale, torch.full((1, 2), 0.5), 0 * one))


def list_model(error: float = 0.0) -> LoadedModel:
    return LoadedModel(ListOracle(error), ModelCard("list_oracle", "list", Path("list_oracle.safetensors")))


def photo(side: int = 96) -> tuple[Tensor, Tensor]:
    """The ellipsoid, red on its left and blue on its right: image [1,3,side,side], mask [1,1,side,side]."""
    camera = _camera(side)
    origins, directions = camera.rays()
    o, d = origins[0] / WORLD_SIDE / HALF_AXES, directions[0] / HALF_AXES
    b, a, c = (o * d).sum(-1), (d * d).sum(-1), (o * o).sum(-1) - 1
    hit = b * b > a * c
    reach = (-b - (b * b - a * c).clamp_min(0).sqrt()) / a
    x = (o + reach[..., None] * d)[..., 0]
    colors = torch.where(x[..., None] < 0, torch.tensor(RED), torch.tensor(BLUE))
    image = torch.where(hit[..., None], colors, torch.tensor(1.0)).permute(2, 0, 1)[None]
    return image, hit[None, None].float()


def _camera(side: int) -> Cameras:
    """The true camera in the world: its picture is about filled."""
    up = up_from_angles(torch.tensor([ELEVATION]), torch.tensor([ROLL]))
    half, one = torch.full((1, 2), 0.5), torch.ones(1)
    view = ViewEstimate(up, one / DISTANCE, 0.7 * one, half, one)
    pose = view.camera_to_upright()
    pose[:, :3, 3] *= WORLD_SIDE
    return Cameras(pose, view.intrinsics(side), side, side)


def _widest(camera: Cameras) -> float:
    """Longer side of the ellipsoid's outline, picture sides, for a scale of 1."""
    direction = torch.randn(20000, 3, generator=torch.Generator().manual_seed(1))
    pixels, _ = camera.project(direction / direction.norm(dim=-1, keepdim=True) * HALF_AXES * WORLD_SIDE)
    return float((pixels[0].amax(0) - pixels[0].amin(0)).max()) / camera.width / 0.7
