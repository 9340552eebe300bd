"""The VolSDF fits of this checkout against those of another: seconds, their ratio, and by how much results differ.

Run from the repository's root, where CHECKOUT is another working tree (`git worktree add CHECKOUT COMMIT`):

    python -m benchmarks.fit_against CHECKOUT [--repeats 5] [--threads 1] [--views 8] [--pixels 96] [--steps 4]

Both fit the same pictures of a bowl with the same seed, in processes of their own that take turns: the grid with its
default settings, and the published perceptron for a few steps. Seconds are of the processor, without imports.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
BOUNDS = torch.tensor([[-1.0] * 3, [1.0] * 3])
SEED = 3


class Bowl:
    """A ball with a round hollow, coloured by place."""

    bounds, has_color = BOUNDS, True

    def inside(self, points: Tensor) -> Tensor:
        hollow = (points - torch.tensor([0.0, 0.0, 0.55])).norm(dim=-1) - 0.45
        return torch.minimum(0.65 - points.norm(dim=-1), hollow)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return 0.5 + 0.4 * torch.sin(3 * points + torch.tensor([0.0, 1.0, 2.0]))


def write_scene(path: Path, views: int, pixels: int) -> None:
    """Pictures of the bowl as plain tensors, which every checkout can read."""
    from recon_lib.cameras.camera import Cameras
    from recon_lib.render.field import render_field

    at = (torch.arange(views) + 0.5) / views
    elevation = torch.rad2deg(torch.asin(0.8 * (1 - 2 * at)))
    cameras = Cameras.orbit((137.5 * views * at).tolist(), elevation.tolist(), 3.0, 40.0, pixels, pixels)
    pictures = render_field(Bowl(), cameras, shading="albedo", supersample=3)
    names = ("images", "masks", "depth", "normals")
    scene = {name: getattr(pictures, name) for name in names}
    torch.save({**scene, "pose": cameras.camera_to_world, "intrinsics": cameras.intrinsics}, path)


def fit(scene_path: Path, result_path: Path, steps: int) -> None:
    """Fit the scene by whatever `recon_lib` is on the path, and write seconds and results."""
    from recon_lib.cameras.camera import Cameras
    from recon_lib.progress import Progress
    from recon_lib.stages.fitting.sdf_grid.fit import GridFit
    from recon_lib.stages.fitting.sdf_grid.settings import FitSettings
    from recon_lib.stages.fitting.volsdf_mlp import MlpSettings, PerceptronRun
    from recon_lib.views.views import Views

    scene = torch.load(scene_path, weights_only=True)
    cameras = Cameras(scene["pose"], scene["intrinsics"], *scene["images"].shape[-2:])
    views = Views(scene["images"], cameras, scene["masks"], scene["depth"], scene["normals"])
    started = time.process_time()
    grid = GridFit(views, None, None, None, FitSettings(), SEED, Progress())
    losses = [grid.advance() for _ in range(grid.settings.rounds)]
    field = grid.grid.field()
    grid_seconds = time.process_time() - started
    started = time.process_time()
    run = PerceptronRun(views, BOUNDS, MlpSettings(rays=128), SEED, "cpu", Progress())
    perceptron_losses = [run.advance() for _ in range(steps)]
    perceptron_seconds = time.process_time() - started
    weights = torch.cat([value.flatten() for value in run.network.state_dict().values()])
    torch.save(
        {
            "seconds": {"grid": grid_seconds, "perceptron": perceptron_seconds},
            "grid": [torch.tensor(losses), field.distance, field.features, grid.preview()],
            "perceptron": [torch.tensor(perceptron_losses), weights],
        },
        result_path,
    )  # fmt: skip


def run_in(checkout: Path, scene: Path, result: Path, options: argparse.Namespace) -> dict:
    """The fits by the code of `checkout`, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": str(options.threads)}
    arguments = [str(checkout), "--child", str(scene), str(result), "--steps", str(options.steps)]
    subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), *arguments], cwd=checkout, env=environment, check=True
    )
    return torch.load(result, weights_only=True)


def largest_difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Over all values of two results; infinite where their shapes differ."""
    if any(a.shape != b.shape for a, b in zip(ours, theirs, strict=True)):
        return float("inf")
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def compare(options: argparse.Namespace) -> None:
    checkouts = {"this": ROOT, "other": options.checkout.resolve()}
    with tempfile.TemporaryDirectory() as folder:
        scene, results = Path(folder) / "scene.pt", {name: [] for name in checkouts}
        write_scene(scene, options.views, options.pixels)
        for repeat in range(options.repeats):
            order = list(checkouts.items())
            for name, checkout in order if repeat % 2 == 0 else reversed(order):
                results[name].append(run_in(checkout, scene, Path(folder) / "result.pt", options))
    for part in ("grid", "perceptron"):
        ours, theirs = ([result["seconds"][part] for result in results[name]] for name in checkouts)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        difference = largest_difference(results["this"][0][part], results["other"][0][part])
        print(
            f"{part:10s}  this {statistics.median(ours):.2f} s  other {statistics.median(theirs):.2f} s  ratio "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})  "
            f"fastest {min(ours) / min(theirs):.3f}  largest difference {difference:.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--steps", type=int, default=4, help="of the perceptron")
    parser.add_argument("--child", nargs=2, type=Path, metavar=("SCENE", "RESULT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        fit(*options.child, options.steps)
    else:
        compare(options)


if __name__ == "__main__":
    main()
