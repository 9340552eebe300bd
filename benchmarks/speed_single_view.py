"""How long a photo takes, and how our base decoder compares with ZeroShape's published code.

From the repository's root:

    python -m benchmarks.speed_single_view --photo assets/photos/NAME.jpg
    python -m benchmarks.speed_single_view --published CLONE [--timm FOLDER] [--slices 129]

The first runs `python -m recon_lib reconstruct` in a cold process and prints its stage times. The second gives both
decoders the same weights and latents (see `published_zeroshape` for what must be fetched) and prints

* the time of a query: slices of 129 x 129 points as the published code asks them, against the same points here;
* the whole job at 129^3 nodes: its dense grid, extrapolated from the measured slices unless all 129 are run,
  against our sparse extraction with mesh.

No weights are published under a licence that lets us ship them. Random ones describe no object, so the last layer is
fitted (least squares) to the inside of a rounded box: an ordinary surface for both to find.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.published_zeroshape import published_decoder
from recon_lib.networks.zeroshape_w.implicit import ImplicitDecoder, LatentCache
from recon_lib.stages.meshing.extract import Extraction, extract_mesh

NODES = 129
REACH = 1.5  # the published grid spans -1.5 ... 1.5 in the visible surface's frame


@dataclass
class Queried:
    """Our decoder as a field in the visible surface's frame."""

    decoder: ImplicitDecoder
    cache: LatentCache
    bounds: Tensor = field(default_factory=lambda: torch.tensor([[-REACH] * 3, [REACH] * 3]))
    has_color: bool = False

    def inside(self, points: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.decoder.query(points[None], self.cache)[0]


def rounded_box(points: Tensor) -> Tensor:
    """Logit-like values [N], > 0 within a rounded box of about the size that objects have in this frame."""
    beyond = points.abs() - torch.tensor([0.7, 0.5, 0.6])
    distance = beyond.clamp_min(0).norm(dim=-1) + beyond.amax(-1).clamp_max(0) - 0.2
    return -10 * distance


@torch.inference_mode()
def fit_last_layer(decoder: ImplicitDecoder, latents: Tensor) -> None:
    """Make the decoder's zero level a rounded box by solving for its last layer."""
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(1, 20000, 3, generator=generator) * 2 - 1) * REACH
    last = decoder.impl_mlp.layers[-1]
    seen: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].double()))
    decoder.query(points, decoder.prepare(latents))
    hook.remove()
    features = torch.cat([torch.cat(seen), torch.ones(points.shape[1], 1, dtype=torch.float64)], dim=1)
    square = features.mT @ features
    ridge = 1e-6 * square.diagonal().mean() * torch.eye(len(square))  # small weights: rounding is not blown up
    solution = torch.linalg.solve(square + ridge, features.mT @ rounded_box(points[0]).double())
    last.weight.copy_(solution[:-1])
    last.bias.copy_(solution[-1:])


def same_decoders(clone: Path, timm: Path | None) -> tuple[nn.Module, ImplicitDecoder, Tensor]:
    """The published decoder and ours with the same weights, and latents [1,197,256]."""
    torch.manual_seed(0)
    theirs, ours = published_decoder(clone, timm), ImplicitDecoder().eval().requires_grad_(False)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    latents = torch.randn(1, 197, 256)
    fit_last_layer(ours, latents)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    return theirs, ours, latents


def grid_slices(count: int) -> list[Tensor]:
    """`count` slices [1,129*129,3] spread over the published grid."""
    axis = torch.linspace(-REACH, REACH, NODES)
    planes = axis[torch.linspace(0, NODES - 1, count).round().long()]
    return [torch.cartesian_prod(plane[None], axis, axis)[None] for plane in planes]


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and seconds of all cores together: the second hardly minds what else the machine does."""

    wall: float
    cores: float


def timed(job: Callable[[], object]) -> tuple[object, Spent]:
    wall, cores = time.perf_counter(), time.process_time()
    result = job()
    return result, Spent(time.perf_counter() - wall, time.process_time() - cores)


def median(times: list[Spent]) -> Spent:
    return Spent(*(statistics.median(getattr(t, name) for t in times) for name in ("wall", "cores")))


@torch.inference_mode()
def compare(clone: Path, timm: Path | None, slices: int, threads: int) -> None:
    """Print both comparisons."""
    torch.set_num_threads(threads)
    theirs, ours, latents = same_decoders(clone, timm)
    planes = grid_slices(slices)
    cache = ours.prepare(latents)
    theirs(latents, None, planes[0]), ours.query(planes[0], cache)  # warm up
    attention_maps, differences, their_times, our_times = [], [], [], []
    for plane in planes:  # in turns, so that what else the machine does hits both
        (answer, attention), spent = timed(lambda p=plane: theirs(latents, None, p))
        attention_maps.append(attention)  # the published loop keeps every slice's attention map until the end
        their_times.append(spent)
        mine, spent = timed(lambda p=plane: ours.query(p, cache))
        our_times.append(spent)
        differences.append((answer - mine).abs().max().item())
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{threads} threads, torch {torch.__version__}{load}")
    print(f"largest difference of the logits on {slices} slices of 129 x 129 points: {max(differences):.1e}")
    one, two = median(their_times), median(our_times)
    each = 1e6 / NODES**2
    print(
        f"a query (median of {slices} slices): published {one.wall * each:.1f} us, ours {two.wall * each:.1f} us, "
        f"{one.wall / two.wall:.1f} times faster; time of all cores {one.cores * each:.1f} and "
        f"{two.cores * each:.1f} us, {one.cores / two.cores:.1f} times less"
    )
    dense = NODES * statistics.mean(spent.wall for spent in their_times)
    how = "measured" if slices == NODES else f"extrapolated from {slices} slices"
    (extraction, prepared), spent = timed(lambda: whole_job(ours, latents))
    print(
        f"129^3 nodes: published dense grid {dense:.1f} s ({how}); ours with the mesh {spent.wall:.2f} s, "
        f"{dense / spent.wall:.1f} times faster ({extraction.evaluations} of {extraction.dense} values, "
        f"{100 * extraction.evaluated_fraction:.1f} %, {len(extraction.mesh.faces)} triangles; "
        f"keys and values {1e3 * prepared.wall:.0f} ms)"
    )


def whole_job(decoder: ImplicitDecoder, latents: Tensor) -> tuple[Extraction, Spent]:
    """Latents to mesh with 128 cells along a side, and what `prepare` took of it."""
    cache, spent = timed(lambda: decoder.prepare(latents))
    return extract_mesh(Queried(decoder, cache), NODES - 1), spent


def cold_run(photo: Path, threads: int) -> None:
    """Reconstruct a photo in a new process and print where the time went."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "recon_lib", "reconstruct", str(photo), "--system", "zeroshape-w"]
        command += ["-o", str(Path(folder) / "out.glb"), "--report", str(report), "--device", "cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done, spent = timed(lambda: subprocess.run(command, env=environment, check=False))
        if done.returncode:
            raise SystemExit(done.returncode)
        results = json.loads(report.read_text())
    print(f"{photo.name}: {spent.wall:.2f} s from a cold process on {threads} threads "
          f"({results['model']['name']}, {results['resolution']}^3)")  # fmt: skip
    for stage, seconds in results["seconds"].items():
        print(f"  {stage:24s} {seconds:6.2f} s")
    for name, value in results["details"].items():
        print(f"  {name:24s} {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, nargs="*", default=[], help="photos for the whole pipeline")
    parser.add_argument("--published", type=Path, metavar="CLONE", help="a clone of ZeroShape's repository")
    parser.add_argument("--timm", type=Path, metavar="FOLDER", help="where timm 0.6.13 is, if not installed")
    parser.add_argument("--slices", type=int, default=4, help="of 129: how many the published code is asked for")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not options.photo and options.published is None:
        parser.error("nothing to measure: give --photo, --published or both")
    for photo in options.photo:
        cold_run(photo, options.threads)
    if options.published is not None:
        compare(options.published, options.timm, options.slices, options.threads)


if __name__ == "__main__":
    main()
