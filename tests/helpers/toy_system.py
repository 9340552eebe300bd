"""A whole system in one file: a ball of fixed radius behind whatever it is shown. Its one weight is the radius."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction, InputSpec, similarity_matrix
from recon_lib.registry import System
from recon_lib.systems import zeroshape_w
from recon_lib.systems.options import Options, option
from recon_lib.training.run import Run

HERE = "tests.helpers.toy_system"
ROW = System(
    "toy-ball", "a ball of fixed radius", network=f"{HERE}:Ball", trainer=HERE, reconstruct=f"{HERE}:reconstruct",
    options=f"{HERE}:ToyOptions", model="toy-ball",
)  # fmt: skip


@dataclass(frozen=True)
class BallConfig:
    size: str = "mini"
    radius: float = 1.0

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class BallDecoder:
    module: nn.Module
    camera_to_decoder: torch.Tensor
    extent: float = 2.0

    def query(self, points: torch.Tensor) -> torch.Tensor:
        return self.module.radius - points.norm(dim=-1)


class Ball(nn.Module):
    input_spec = InputSpec(32)

    def __init__(self, config: dict) -> None:
        super().__init__()
        self.config = BallConfig(**config)
        self.radius = nn.Parameter(torch.tensor(self.config.radius))

    def predict_dense(self, image, *, masks=None):
        at = (torch.arange(32) + 0.5 - 16) / 32
        disk = (torch.hypot(at, at[:, None]) < 0.3).float()[None, None]
        intrinsics = torch.tensor([[[32.0, 0, 16], [0, 32, 16], [0, 0, 1]]])
        return DensePrediction(DenseFeatures(3 - disk, image, image), intrinsics, 9 * disk - 4, disk * 0 - 4)

    def encode(self, prediction, mask, occluder=None, depth=None):
        return BallDecoder(self, similarity_matrix(torch.tensor([0.0, 0.0, 1.3]), 0.3))


@dataclass(frozen=True)
class ToyOptions(Options):
    bounces: int = option(3, "nothing; but it reaches the system")


def reconstruct(image, model, *, options=None, **arguments):
    result = zeroshape_w.reconstruct(image, model, options=options, **arguments)
    result.report["bounces"] = options.bounces
    return result


@dataclass(frozen=True)
class ToySettings:
    out: Path
    steps: int = 3
    minutes: float | None = None
    rate: float = 0.1
    muon_rate: float = 0.0
    seed: int = 0
    save_every: int = 100
    init: Path | None = None
    warmup: int = 1
    fall: float = 0.9


class Terms(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class Trainer(Run):
    clip, system, weights_name = 10.0, ROW.name, "toy_ball_mini.safetensors"

    def _model(self):
        return Ball(BallConfig().to_dict())

    def _terms(self, model):
        return Terms(model)

    def _optimizers(self, model):
        return [torch.optim.SGD(model.parameters(), self.settings.rate)]

    def _batches(self):
        while self.done < 1:
            yield {"radius": torch.tensor(2.0)}

    def _loss(self, batch):
        loss = (self.network.radius - batch["radius"]).square()
        return loss, {"radius": loss}

    def _validate(self, check):
        pass


def add_arguments(parser):
    parser.add_argument("--out", type=Path, required=True)


def settings_from(args):
    return ToySettings(args.out)


def train(settings, progress=None):
    return Trainer(settings).run(progress)
