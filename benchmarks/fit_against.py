"""The VolSDF fits of this checkout against those of another: seconds, their ratio, and by how much results differ.

Run from the repository's root, where CHECKOUT is another working tree (`git worktree add CHECKOUT COMMIT`):

    python -m benchmarks.fit_against CHECKOUT [--repeats 5] [--threads 1] [--views 6] [--pixels 64] [--steps 6]

Both fit the same pictures of a bowl with the same seed in one process, taking turns round by round: the grid with its
default settings, and the published perceptron for a few steps. Seconds are of the processor, the fastest of all repeats
for each round, so that other work on the machine does not count.
"""

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.render.field import render_field

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


def scene(views: int, pixels: int) -> dict[str, Tensor]:
    """Pictures of the bowl and their cameras as plain tensors, which every checkout can read."""
    at = (torch.arange(views) + 0.5) / views
    elevation = torch.rad2deg(torch.asin(0.8 * (1 - 2 * at)))
    cameras = Cameras.orbit((137.5 * views * at).tolist(), elevation.tolist(), 3.0, 40.0, pixels, pixels)
    pictures = render_field(Bowl(), cameras, shading="albedo", supersample=3)
    layers = {name: getattr(pictures, name) for name in ("images", "masks", "depth", "normals")}
    return {**layers, "pose": cameras.camera_to_world, "intrinsics": cameras.intrinsics}


class Library:
    """A checkout's `recon_lib`, imported under a name of its own."""

    def __init__(self, checkout: Path, name: str) -> None:
        folder = checkout.resolve() / "recon_lib"
        init, folders = folder / "__init__.py", [str(folder)]
        spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=folders)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        self.name = name

    def get(self, module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.name}.{module}"), name)

    def views(self, scene: dict[str, Tensor]) -> Any:
        images, masks, depth, normals = (scene[name] for name in ("images", "masks", "depth", "normals"))
        cameras = self.get("cameras.camera", "Cameras")(scene["pose"], scene["intrinsics"], *images.shape[-2:])
        return self.get("views.views", "Views")(images, cameras, masks, depth, normals)

    def grid_fit(self, scene: dict[str, Tensor]) -> Any:
        settings = self.get("stages.fitting.sdf_grid.settings", "FitSettings")()
        progress = self.get("progress", "Progress")()
        fit = self.get("stages.fitting.sdf_grid.fit", "GridFit")
        return fit(self.views(scene), None, None, None, settings, SEED, progress)

    def perceptron_fit(self, scene: dict[str, Tensor]) -> Any:
        settings = self.get("stages.fitting.volsdf_mlp", "MlpSettings")(rays=128)
        progress = self.get("progress", "Progress")()
        run = self.get("stages.fitting.volsdf_mlp", "PerceptronRun")
        return run(self.views(scene), BOUNDS, settings, SEED, "cpu", progress)


def take_turns(fits: list[Any], steps: int, first: int) -> tuple[Tensor, list[list[float]]]:
    """Advance two fits by turns. -> processor seconds [2,steps] and losses of each"""
    seconds, losses = torch.zeros(2, steps, dtype=torch.float64), [[], []]
    for step in range(steps):
        for index in (0, 1) if (step + first) % 2 == 0 else (1, 0):
            started = time.process_time()
            losses[index].append(fits[index].advance())
            seconds[index, step] = time.process_time() - started
    return seconds, losses


def grid_results(fit: Any) -> list[Tensor]:
    field = fit.grid.field()
    return [field.distance, field.features, fit.preview()]


def perceptron_results(run: Any) -> list[Tensor]:
    return list(run.network.state_dict().values())


def largest_difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Over all values of two results; infinite where their shapes differ."""
    if any(a.shape != b.shape for a, b in zip(ours, theirs, strict=True)):
        return float("inf")
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def compare(
    name: str, make: list[Callable[[], Any]], results: Callable[[Any], list[Tensor]], steps: int | None, repeats: int
) -> None:
    """Print seconds of both fits, their ratio, and the largest difference of losses and results."""
    seconds, difference = [], 0.0
    for repeat in range(repeats):
        fits = [fit() for fit in make]
        measured, losses = take_turns(fits, steps or fits[0].settings.rounds, repeat)
        seconds.append(measured)
        values = ([torch.tensor(loss), *results(fit)] for loss, fit in zip(losses, fits, strict=True))
        difference = max(difference, largest_difference(*values))
    seconds = torch.stack(seconds)  # [repeats,2,steps]
    ours, theirs = seconds.amin(0).sum(-1).tolist()
    ratios = seconds[:, 0].sum(-1) / seconds[:, 1].sum(-1)
    print(
        f"{name:10s}  this {ours:.2f} s  other {theirs:.2f} s  ratio {ours / theirs:.3f}  of single repeats "
        f"{ratios.min():.3f} to {ratios.max():.3f}  largest difference {difference:.1e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6, help="of the perceptron")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pictures = scene(options.views, options.pixels)
    libraries = Library(ROOT, "this_recon_lib"), Library(options.checkout, "other_recon_lib")
    grid = [lambda lib=library: lib.grid_fit(pictures) for library in libraries]
    compare("grid", grid, grid_results, None, options.repeats)
    perceptron = [lambda lib=library: lib.perceptron_fit(pictures) for library in libraries]
    compare("perceptron", perceptron, perceptron_results, options.steps, options.repeats)


if __name__ == "__main__":
    main()
