"""Rings: one object under one light, seen by the cameras that the schedule leads around it. Outpainters learn on them.

Written and read like the shards of `data.shards.shards`. Pictures are supersampled: colour and coverage are means over
each pixel, depth and normals are what its centre shows.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...meshes.mesh import Mesh
from ...progress import Progress
from ...views.next_views import look_from, ring
from ...views.views import Views
from ..appearance.materials import Material, random_material
from ..appearance.shading import random_lighting
from ..rendering.mesh_renders import MeshRenderer, ObjectRender
from ..rendering.objects import iterate_objects, list_objects
from ..solids.generator import random_solid
from ..solids.grid import surface_mesh
from .render_shards import RECOLORED
from .row_files import write_arrays

log = logging.getLogger("recon3d")
SIDE = 80  # pixels: a little more than outpainters paint, as they look at a part of each view
SAMPLES = 3  # rays per pixel along each side; odd, so that one of them meets the pixel's centre
VIEWS = 1 + len(ring())
FOV = (20.0, 50.0)  # degrees
FILL = (0.7, 0.88)  # of the front's picture
JITTER = 2.0  # degrees, standard deviation of the cameras about the schedule
ORBITS_A_SHARD = 64
SOLID_CELLS = 64  # cells per side of the grid that solids are meshed on: enough for small pictures


@dataclass(frozen=True)
class OrbitShard:
    """Orbits of some objects, memory-mapped. The first view is the front, the others follow `schedule.ring()`."""

    rgb: NDArray[np.uint8]  # [R,V,S,S,3] sRGB on white
    alpha: NDArray[np.uint8]  # [R,V,S,S] share of the pixel that the object covers, 255 = all
    relief: NDArray[np.float16]  # [R,V,S,S] z-depth at the pixel's centre less the camera's distance; NaN = nothing
    normals: NDArray[np.int8]  # [R,V,S,S,3] camera frame, unit is 127, 0 = nothing
    intrinsics: NDArray[np.float32]  # [R,V,3,3]
    camera_to_world: NDArray[np.float32]  # [R,V,4,4]

    def __len__(self) -> int:
        return len(self.rgb)

    def views(self, row: int) -> Views:
        """One orbit, ready for stages."""
        size = self.rgb.shape[2]
        pose = torch.from_numpy(self.camera_to_world[row].copy())
        cameras = Cameras(pose, torch.from_numpy(self.intrinsics[row].copy()), size, size)
        relief = torch.from_numpy(self.relief[row].astype(np.float32))
        depth = torch.nan_to_num(relief + cameras.position.norm(dim=-1)[:, None, None])
        normals = torch.from_numpy(self.normals[row].astype(np.float32)).movedim(-1, 1)
        return Views(
            torch.from_numpy(self.rgb[row].astype(np.float32)).movedim(-1, 1) / 255,
            cameras,
            torch.from_numpy(self.alpha[row].astype(np.float32))[:, None] / 255,
            depth[:, None],
            normals / normals.norm(dim=1, keepdim=True).clamp_min(1),
        )


ARRAYS = tuple(OrbitShard.__dataclass_fields__)


def open_orbits(folder: Path) -> OrbitShard:
    """Map a shard's arrays."""
    try:
        return OrbitShard(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS})
    except FileNotFoundError as error:
        raise BadInput(
            f"{folder} has no {Path(error.filename).name}; it is no shard of orbits, render it anew."
        ) from error


def list_orbits(folder: Path) -> list[Path]:
    """Finished shards of orbits below `folder`, sorted; `BadInput` where there is none."""
    found = sorted(p.parent for p in Path(folder).glob("**/alpha.npy") if not p.parent.name.endswith(".part"))
    if not found:
        raise BadInput(f"No orbit of views in {folder}; render some with `data --orbits`.")
    return found


# -- rendering ------------------------------------------------------------------------------------------------


def render_mesh_orbits(
    source: Path,
    out: Path,
    *,
    size: int = SIDE,
    seed: int = 0,
    split: str = "train",
    up: str = "z",
    progress: Progress | None = None,
) -> None:
    """An orbit of every mesh of `source` into shards below `out`. Shards that exist are left alone.

    `up` is the files' up axis. Another seed shows the objects from other fronts, in other light.
    """
    files = list_objects(source, split)
    files = [files[i] for i in np.random.default_rng(seed).permutation(len(files))]

    def orbits(batch: range) -> Iterator[dict[str, NDArray]]:
        for index, mesh in iterate_objects(files[batch.start : batch.stop], up):
            rng = np.random.default_rng([seed, batch.start + index, 11])
            material = random_material(int(rng.integers(2**31))) if rng.random() < RECOLORED else None
            yield _orbit(mesh, rng, size, material)

    _fill(out, f"meshes_{split}_{seed:03d}", range(len(files)), orbits, progress)


def render_solid_orbits(out: Path, seeds: range, *, size: int = SIDE, progress: Progress | None = None) -> None:
    """An orbit of every procedural solid of `seeds` into shards below `out`. Shards that exist are left alone."""

    def orbits(batch: range) -> Iterator[dict[str, NDArray]]:
        for seed in batch:
            solid = random_solid(seed)
            mesh = surface_mesh(solid, SOLID_CELLS)
            rng = np.random.default_rng([seed, 12])
            colors = np.asarray(solid.colors, np.float32) if rng.random() < 0.5 else None
            material = random_material(int(rng.integers(2**31)), colors)
            yield _orbit(mesh, rng, size, material, solid.part(mesh.triangles.mean(1)).numpy().astype(np.int64))

    _fill(out, "solids", seeds, orbits, progress)


def _fill(
    out: Path,
    name: str,
    objects: range,
    orbits: Callable[[range], Iterator[dict[str, NDArray]]],
    progress: Progress | None,
) -> None:
    progress = progress or Progress()
    progress.start(f"rendering orbits of {name}", len(objects))
    for first in range(objects.start, objects.stop, ORBITS_A_SHARD):
        folder, batch = out / f"{name}_{first:06d}", range(first, min(first + ORBITS_A_SHARD, objects.stop))
        if folder.exists():
            progress.step(steps=len(batch))
            continue
        rows = []
        for row in orbits(batch):
            rows.append(row)
            progress.step()
        if not rows:
            raise BadInput(f"None of the objects {batch.start} to {batch.stop - 1} could be read; check their folder.")
        progress.step(steps=len(batch) - len(rows))
        write_orbits(folder, rows)


def write_orbits(folder: Path, rows: list[dict[str, NDArray]]) -> None:
    """Write orbits, each a row of the `ARRAYS`, into the new folder `folder`: all or nothing."""
    write_arrays(folder, {name: [row[name] for row in rows] for name in ARRAYS})


def _orbit(
    mesh: Mesh,
    rng: np.random.Generator,
    size: int,
    material: Material | None,
    face_parts: NDArray[np.integer] | None = None,
) -> dict[str, NDArray]:
    """One object in one material and light, from all around."""
    mesh, cameras = random_orbit(mesh, rng, size)
    renderer = MeshRenderer(mesh)
    toward = cameras.rotation[0, :, 2].numpy() * -rng.uniform(0, 1)  # lamps behind the object too
    light = random_lighting(rng, toward)

    def render(window: Cameras) -> ObjectRender:
        return renderer.render(window, rng, material, face_parts, light, back=False)

    shots = [_shot(mesh.vertices, cameras[i], render) for i in range(len(cameras))]
    return orbit_arrays(shots, cameras)


def _shot(points: Tensor, camera: Cameras, render: Callable[[Cameras], ObjectRender]) -> ObjectRender:
    """The object with the vertices `points` [N,3] at `SAMPLES` times the picture's size; only its box is rendered."""
    pixels, _ = camera.project(points)
    low, high = pixels[0].amin(0).floor().long(), pixels[0].amax(0).ceil().long()
    left, top = low.clamp(0, camera.width - 1).tolist()
    right, bottom = (high.clamp(1, camera.width).tolist()[i] for i in (0, 1))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    box = camera.cropped(left, top, right - left, bottom - top)
    found = render(box.resized(SAMPLES * box.height, SAMPLES * box.width))
    around = ((top, camera.height - bottom), (left, camera.width - right))

    def whole(image: NDArray) -> NDArray:
        margins = [(SAMPLES * a, SAMPLES * b) for a, b in around]
        return np.pad(image, margins + [(0, 0)] * (image.ndim - 2))

    layers = (whole(image) for image in (found.rgb, found.depth, found.back, found.normals))
    return ObjectRender(*layers, camera.resized(SAMPLES * camera.height, SAMPLES * camera.width))


def random_orbit(mesh: Mesh, rng: np.random.Generator, size: int) -> tuple[Mesh, Cameras]:
    """The mesh (in the unit sphere) turned so that a front of it shows, and the cameras of the schedule around it.

    The front looks down on the object by -15 to 62 degrees, mostly 18, from any side. Half of the orbits know that
    elevation; the others, as a photo's ring does, take the front for level, so that they are tilted on the object.
    Half of them stay on the front's level, the others rise by up to 15 degrees. Cameras are off by some degrees. The
    object spans `FILL` of the front; the other lenses are those that the schedule gives.
    """
    from scipy.spatial.transform import Rotation

    elevation = float(rng.triangular(-15, 18, 62))
    told = elevation if rng.random() < 0.5 else 0.0
    turn = Rotation.from_euler("yx", [rng.uniform(0, 360), elevation - told], degrees=True).as_matrix()
    mesh = mesh.mapped(lambda v: v @ torch.from_numpy(turn).to(v).T)
    fov = float(rng.uniform(*FOV))
    distance = 1.12 / np.sin(np.radians(fov / 2)) * rng.uniform(0.95, 1.15)
    rise = 0.0 if rng.random() < 0.5 else rng.uniform(0, 15)
    directions = [(a + rng.normal(0, JITTER), e + rise + rng.normal(0, JITTER)) for a, e in ring()]
    front = Cameras.orbit(0.0, told, float(distance), fov, size, size)
    front = _filled(front, mesh.vertices, float(rng.uniform(*FILL)))
    return mesh, Cameras.cat([front, look_from(directions, front)])


def _filled(camera: Cameras, points: Tensor, fill: float) -> Cameras:
    """A lens by which points [N,3] reach `fill` of the way from the picture's centre to its edge."""
    pixels, _ = camera.project(points)
    reach = float((pixels - camera.width / 2).abs().max())
    intrinsics = camera.intrinsics.clone()
    intrinsics[:, [0, 1], [0, 1]] *= fill * camera.width / 2 / reach
    return replace(camera, intrinsics=intrinsics)


def orbit_arrays(shots: list[ObjectRender], cameras: Cameras) -> dict[str, NDArray]:
    """Renders at `SAMPLES` times the size of `cameras` -> one row of a shard."""
    middle = SAMPLES // 2
    depth = np.stack([shot.depth for shot in shots])
    hit = torch.from_numpy(depth > 0)[:, None]
    rgb = torch.from_numpy(np.stack([shot.rgb for shot in shots])).movedim(-1, 1)
    white = F.avg_pool2d(torch.where(hit, rgb.float(), 255.0), SAMPLES).round().byte()
    alpha = F.avg_pool2d(hit.float() * 255, SAMPLES).round().byte()
    centre = depth[:, middle::SAMPLES, middle::SAMPLES]
    normals = np.stack([shot.normals[middle::SAMPLES, middle::SAMPLES] for shot in shots])
    distance = cameras.position.norm(dim=-1).numpy()[:, None, None]
    return {
        "rgb": np.ascontiguousarray(white.movedim(1, -1).numpy()),
        "alpha": alpha[:, 0].numpy(),
        "relief": np.where(centre > 0, centre - distance, np.nan).astype(np.float16),
        "normals": np.round(normals * 127).astype(np.int8),
        "intrinsics": cameras.intrinsics.numpy(),
        "camera_to_world": cameras.camera_to_world.numpy(),
    }
