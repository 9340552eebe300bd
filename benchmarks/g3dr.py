"""G3DR's renderer against a straightforward one of the published kind, with the same random weights, in the same run.

Run from the repository's root:

    python -m benchmarks.g3dr [--pixels 128] [--nodes 128] [--threads 1] [--json FILE]

The straightforward one halves the planes at every call, reads nine maps a point, and applies the whole decoder to each
of 32 stratified and 32 importance samples of every ray, of the whole picture at once. Ours reads the knots, with the
decoder's first layer in them. Figures: processor seconds of a novel view and of densities at nodes^3 places, their
ratios, and the memory that each takes, MB above what a process with torch in it has; each runs in a process of its own.
"""

import argparse
import json
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.triplane import TriplaneField, box_bounds
from recon_lib.networks.g3dr.config import BASE
from recon_lib.networks.g3dr.decoder import TriplaneDecoder
from recon_lib.networks.g3dr.triplanes import KnotPlanes
from recon_lib.render.occupied import OccupiedSampler
from recon_lib.render.proposal import resampled
from recon_lib.render.rays import RayBundle, RaySamples, composite, render_image, sample_radiance
from recon_lib.render.volume import interval_weights

SAMPLES, CHUNK = 32, 4096
POINTS = 2**18  # of a call of the straightforward one
SPACING = 2 / 128


def straightforward(decoder: TriplaneDecoder, planes: Tensor, points: Tensor) -> Tensor:
    """Raw answers [N,4] of planes [3,C,N,N] at points [N,3], everything computed at the call."""
    total = torch.zeros(())
    for plane, pair in zip(planes, BASE.axes, strict=True):
        for level in range(BASE.levels):
            small = F.interpolate(plane[None], scale_factor=0.5**level, mode="bilinear", antialias=True)
            grid = points[None, None, :, list(pair)]
            total = total + F.grid_sample(small, grid, align_corners=False)[0, :, 0].mT / 3
    return decoder.net(total)


class PublishedKind:
    """A radiance field that answers the straightforward way."""

    has_color = True

    def __init__(self, decoder: TriplaneDecoder, planes: Tensor, bounds: Tensor) -> None:
        self.decoder, self.planes, self.bounds = decoder, planes, bounds

    def density(self, points: Tensor) -> Tensor:
        return F.softplus(straightforward(self.decoder, self.planes, points)[:, 0] - 1)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return straightforward(self.decoder, self.planes, points)[:, 1:].sigmoid()

    def radiance(self, points: Tensor, directions: Tensor | None = None):
        from recon_lib.fields.field import Radiance

        raw = straightforward(self.decoder, self.planes, points)
        return Radiance(F.softplus(raw[:, 0] - 1), raw[:, 1:].sigmoid())


def published_view(field: PublishedKind, cameras: Cameras) -> Tensor:
    """A view [R,3] by 32 even and 32 importance samples a ray."""
    rays = RayBundle(*(x.reshape(-1, 3) for x in cameras.rays()))
    near, far = 4.0, 6.0
    edges = torch.linspace(near, far, SAMPLES + 1).expand(len(rays), -1)
    t = (edges[:, 1:] + edges[:, :-1]) / 2
    density = field.radiance(rays.at(t).reshape(-1, 3)).density.view(t.shape)
    weights, _ = interval_weights(density * (far - near) / SAMPLES)
    fine = resampled(edges, weights + 0.01, SAMPLES)
    t = torch.cat([t, (fine[:, 1:] + fine[:, :-1]) / 2], 1).sort(1)[0]
    samples = RaySamples(t, F.pad(t.diff(dim=1), (0, 1), value=0.01))
    return composite(sample_radiance(field, rays, samples), samples).color


def published_densities(field: PublishedKind, nodes: int) -> Tensor:
    """Densities at nodes^3 places of the box."""
    axis = torch.linspace(-1, 1, nodes)
    slabs = axis.split(max(1, POINTS // nodes**2))
    return torch.cat([field.density(torch.cartesian_prod(part, axis, axis)) for part in slabs])


def own_field(decoder: TriplaneDecoder, planes: Tensor) -> TriplaneField:
    knots = KnotPlanes.of(decoder.on_planes(planes), BASE.axes)
    return TriplaneField(decoder, knots, torch.eye(4), box_bounds(torch.eye(4)), scale=1.0, level=0.3)


def own_view(field: TriplaneField, cameras: Cameras) -> object:
    """A view, with a sample a step where something is."""
    sampler = OccupiedSampler.of_density(field.density_in_box(64), field.bounds, SPACING * 2)
    return render_image(field, sampler, cameras, chunk=CHUNK)


@torch.no_grad()
def measured(name: str, pixels: int, nodes: int, threads: int) -> tuple[float, float]:
    """Processor seconds and MB of one of `WORK`."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    decoder, planes = TriplaneDecoder(), torch.randn(1, 3, BASE.channels, BASE.image_size, BASE.image_size)
    camera = Cameras.orbit(20.0, distance=5.0, fov=18, height=pixels, width=pixels)
    published = PublishedKind(decoder, planes[0], box_bounds(torch.eye(4)))
    work: dict[str, Callable[[], object]] = {
        "view_published": lambda: published_view(published, camera),
        "view": lambda: own_view(own_field(decoder, planes), camera),
        "densities_published": lambda: published_densities(published, nodes),
        "densities": lambda: own_field(decoder, planes).density_in_box(nodes),
    }
    before, start = peak_memory(), time.process_time()
    work[name]()
    return time.process_time() - start, peak_memory() - before


def peak_memory() -> float:
    """MB that this process has held at most."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--nodes", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for name in ("view", "densities"):
        for one in (f"{name}_published", name):
            with get_context("spawn").Pool(1) as pool:
                size = (options.pixels, options.nodes, options.threads)
                figures[f"{one}_s"], figures[f"{one}_mb"] = pool.apply(measured, (one, *size))
        figures[f"{name}_times_faster"] = figures[f"{name}_published_s"] / figures[f"{name}_s"]
    text = json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
