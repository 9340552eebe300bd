"""LIST's base network against its published code, with the same random weights, in the same run.

Clone github.com/robotic-vision-lab/Learning-Implicitly-From-Spatial-Transformers-Network (commit c17bdb0 was measured)
into an environment that has torchvision and PyMCubes, then, from this repository's root:

    python -m benchmarks.speed_list CLONE [--chunks 2] [--threads 1] [--json FILE]

Nothing is downloaded: the published ResNet-18 begins with random weights. Random weights describe no object, so the
last layer is fitted (least squares) to the distance to a rounded box. Figures, in seconds of the processor:

* a query: chunks of 65,536 points as the published test asks them, against the same points here, and the largest
  difference of the distances;
* the whole job at 128^3: encoders, the published dense grid (extrapolated from the chunks that ran) and its marching
  cubes, against ours with sparse extraction.
"""

import argparse
import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.speed_single_view import rounded_box
from recon_lib.networks.list_sdf.base import GRID_CHANNELS, TREE_DEGREES, TREE_FEATURES, EncodedPaper, ListBase
from recon_lib.stages.meshing.extract import extract_mesh

NODES, CHUNK = 128, 65_536
HALF = 0.5
BOX = 0.38  # size of the rounded box, in units of the one of `speed_single_view`
LOUDER = 30.0  # else random features drown the place, and no surface is smooth


def published(clone: Path) -> nn.Module:
    """The clone's network in its released configuration, randomly initialised, on the processor."""
    import torchvision

    untrained = torchvision.models.resnet18
    torchvision.models.resnet18 = lambda pretrained=False: untrained()
    torch.Tensor.cuda = lambda tensor, *_, **__: tensor  # the decoder asks for it whatever the device
    sys.modules.setdefault("cv2", ModuleType("cv2"))  # imported, not used here
    sys.path.insert(0, str(clone))
    from network.models import LIST  # the clone's

    config = Namespace(
        vox_res=NODES, im_enc_layers=list(GRID_CHANNELS), train_batch_size=1, point_feat=list(TREE_FEATURES),
        point_degree=list(TREE_DEGREES), bb_min=-HALF, bb_max=HALF,
    )  # fmt: skip
    return LIST(config).eval().requires_grad_(False)


class Theirs:
    """One picture, as the published test code goes through it."""

    def __init__(self, network: Any, image: Tensor) -> None:
        self.network, self.image = network, image

    def encode(self) -> None:
        net, image = self.network, self.image
        vector, _ = net.im_encoder(image)
        second, self.maps = net.im_encoder2(image)
        points = net.point_decoder([vector.unsqueeze(1)])
        coarse = net.point_mlp_coarse(points).max(-1)[0].reshape(1, -1)
        self.matrix = net.spatial_transformer(torch.cat([coarse, second.reshape(1, -1)], 1)).reshape(-1, 4, 3)
        self.grid = net.vox_encoder(net.create_occ(points))

    def query(self, points: Tensor) -> Tensor:
        """points [1,N,3] -> [1,N] distances times the published scale."""
        asked = points[:, :, [2, 1, 0]] * 2
        picture = self.network.percep_pooling(self.maps, asked, self.matrix).reshape(1, -1, points.shape[1])
        return self.network.sdf_decoder(asked, self.grid, picture)


class Ours:
    """The same picture as a field, from the same weights."""

    has_color = False
    bounds = torch.tensor([[-HALF] * 3, [HALF] * 3])

    def __init__(self, network: ListBase, image: Tensor) -> None:
        self.network, self.image = network, image
        self.encoded: EncodedPaper | None = None

    def encode(self) -> None:
        self.encoded = self.network.encode(self.image)

    def query(self, points: Tensor) -> Tensor:
        assert self.encoded is not None
        return self.network.distance(points, self.encoded)

    @torch.inference_mode()
    def inside(self, points: Tensor) -> Tensor:
        return -self.query(points[None])[0]


def make_box(network: ListBase, encoded: EncodedPaper) -> None:
    """Make the surface a rounded box: a louder place in the first layer, and the last layer solved for."""
    decoder = network.sdf_decoder
    decoder.fc["fc_0"].weight[:, -3:] *= LOUDER
    points = (torch.rand(1, 20_000, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1) * HALF
    features = decoder.hidden(*network.features(points, encoded))[0].double()
    features = torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], 1)
    square = features.mT @ features
    ridge = 1e-6 * square.diagonal().mean() * torch.eye(len(square))
    solution = torch.linalg.solve(square + ridge, features.mT @ -rounded_box(points[0] / BOX).double())
    last = decoder.fc["fc_out"]
    last.weight.copy_(solution[None, :-1, None])
    last.bias.copy_(solution[-1:])


def timed(job: Callable[[], Any]) -> tuple[Any, float]:
    """A job's result, and its seconds of all cores together."""
    start = time.process_time()
    result = job()
    return result, time.process_time() - start


@torch.no_grad()
def compare(clone: Path, chunks: int) -> dict[str, float]:
    """Both comparisons."""
    torch.manual_seed(0)
    image = torch.rand(1, 3, 224, 224)
    theirs, ours = Theirs(published(clone), image), Ours(ListBase().eval().requires_grad_(False), image)
    ours.network.load_state_dict(theirs.network.state_dict(), strict=True)
    _, our_encoding = timed(ours.encode)
    assert ours.encoded is not None
    make_box(ours.network, ours.encoded)
    theirs.network.load_state_dict(ours.network.state_dict(), strict=True)
    _, their_encoding = timed(theirs.encode)
    axis = torch.linspace(-HALF, HALF, NODES)
    grid = torch.cartesian_prod(axis, axis, axis)[None]
    rows, total = [], grid.shape[1] // CHUNK
    for index in torch.linspace(0, total - 1, chunks + 2).round().long()[1:-1].tolist():
        points = grid[:, index * CHUNK : (index + 1) * CHUNK]
        (wanted, theirs_took), (found, ours_took) = (
            timed(lambda p=points: theirs.query(p)),
            timed(lambda p=points: ours.query(p)),
        )
        rows.append((theirs_took, ours_took, float((wanted - found).abs().max())))
    their_query, our_query = (sum(row[i] for row in rows) / chunks for i in (0, 1))
    extraction, our_extraction = timed(lambda: extract_mesh(ours, NODES, coarse=16))
    their_job = their_encoding + their_query * total + marching_cubes_seconds()
    return {
        "their_query_us": their_query / CHUNK * 1e6, "our_query_us": our_query / CHUNK * 1e6,
        "query_ratio": their_query / our_query, "largest_difference": max(row[2] for row in rows),
        "their_job_s": their_job, "our_job_s": our_encoding + our_extraction,
        "job_ratio": their_job / (our_encoding + our_extraction),
        "share_of_dense": extraction.evaluations / extraction.dense, "faces": len(extraction.mesh.faces),
    }  # fmt: skip


def marching_cubes_seconds() -> float:
    """Seconds of marching cubes over a grid of that size, as the published code runs it."""
    import mcubes

    axis = torch.linspace(-HALF, HALF, NODES)
    values = -rounded_box(torch.cartesian_prod(axis, axis, axis) / BOX).reshape(NODES, NODES, NODES).numpy()
    return timed(lambda: mcubes.marching_cubes(-values, 0))[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path)
    parser.add_argument("--chunks", type=int, default=2, help="of 32, that the published decoder really runs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = {name: round(value, 6) for name, value in compare(args.clone, args.chunks).items()}
    print(json.dumps(table, indent=2))
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
