"""Orbit renders: one object under one light, from cameras around it: the schedule's, to train outpainters on, or
scattered ones (`scattered.py`), for priors of views.

Pictures are supersampled: colour and coverage are means over each pixel, depth and normals are those at its centre.
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
from .array_shard import ArrayShard, by_column
from .render_shards import RECOLORED

log = logging.getLogger("recon3d")
ORBIT_SIDE_PX = 80  # a little more than outpainters paint, since they paint a crop of each view
SAMPLES = 3  # rays per pixel along each side; odd, so that one of them is at the pixel's centre
VIEWS = 1 + len(ring())
FOV = (20.0, 50.0)  # degrees
FILL = (0.7, 0.88)  # range of the object's extent over the first view's
JITTER = 2.0  # degrees, standard deviation of the cameras' directions
ORBITS_A_SHARD = 64
SOLID_CELLS = 64  # cells per side of the grid that solids are meshed on: enough for small pictures


@dataclass(frozen=True)
class OrbitShard(ArrayShard):
    """Orbits of R objects, memory-mapped. In the schedule's the first view is the front, then `next_views.ring()`."""

    rgb: NDArray[np.uint8]  # [R,V,S,S,3] sRGB on white
    alpha: NDArray[np.uint8]  # [R,V,S,S] coverage of the pixel by the object, 255 = all
    relief: NDArray[np.float16]  # [R,V,S,S] z-depth at the pixel's centre minus the camera's distance; NaN = nothing
    normals: NDArray[np.int8]  # [R,V,S,S,3] camera frame, unit is 127, 0 = nothing
    intrinsics: NDArray[np.float32]  # [R,V,3,3]
    camera_to_world: NDArray[np.float32]  # [R,V,4,4]

    marker, command = "alpha", "--orbits"

    def views(self, row: int) -> Views:
        """Views of one orbit."""
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


# -- rendering ------------------------------------------------------------------------------------------------

# mesh in the unit sphere, dice, picture's size -> the mesh as it stands, and the cameras around it
DrawOrbit = Callable[[Mesh, np.random.Generator, int], tuple[Mesh, Cameras]]


def render_mesh_orbits(
    source: Path,
    out: Path,
    *,
    size: int = ORBIT_SIDE_PX,
    seed: int = 0,
    split: str = "train",
    up: str = "z",
    draw: DrawOrbit | None = None,
    progress: Progress | None = None,
) -> None:
    """Render an orbit of every mesh of `source` into shards below `out`. Existing shards are not rendered again.

    `up` is the files' up axis, `draw` chooses the cameras (default `random_orbit`). Another seed has other first views
    and other light.
    """
    files = list_objects(source, split)
    files = [files[i] for i in np.random.default_rng(seed).permutation(len(files))]

    def orbits(batch: range) -> Iterator[dict[str, NDArray]]:
        for index, mesh in iterate_objects(files[batch.start : batch.stop], up):
            rng = np.random.default_rng([seed, batch.start + index, 11])
            material = random_material(int(rng.integers(2**31))) if rng.random() < RECOLORED else None
            yield _orbit(mesh, rng, size, material, draw=draw)

    _fill(out, f"meshes_{split}_{seed:03d}", range(len(files)), orbits, progress)


def render_solid_orbits(
    out: Path,
    seeds: range,
    *,
    size: int = ORBIT_SIDE_PX,
    draw: DrawOrbit | None = None,
    progress: Progress | None = None,
) -> None:
    """Render an orbit of every procedural solid of `seeds` into shards below `out`. Existing shards are kept.

    `draw` chooses the cameras (default `random_orbit`).
    """

    def orbits(batch: range) -> Iterator[dict[str, NDArray]]:
        for seed in batch:
            solid = random_solid(seed)
            mesh = surface_mesh(solid, SOLID_CELLS)
            rng = np.random.default_rng([seed, 12])
            colors = np.asarray(solid.colors, np.float32) if rng.random() < 0.5 else None
            material = random_material(int(rng.integers(2**31)), colors)
            parts = solid.part(mesh.triangles.mean(1)).numpy().astype(np.int64)
            yield _orbit(mesh, rng, size, material, parts, draw)

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
        OrbitShard.write(folder, by_column(rows))


def _orbit(
    mesh: Mesh,
    rng: np.random.Generator,
    size: int,
    material: Material | None,
    face_parts: NDArray[np.integer] | None = None,
    draw: DrawOrbit | None = None,
) -> dict[str, NDArray]:
    """Orbit render of one object in one material and light: a row of a shard."""
    mesh, cameras = (draw or random_orbit)(mesh, rng, size)
    renderer = MeshRenderer(mesh)
    toward_camera = cameras.rotation[0, :, 2].numpy() * -rng.uniform(0, 1)  # shortened, so that lamps may be behind too
    light = random_lighting(rng, toward_camera)

    def render(camera: Cameras) -> ObjectRender:
        return renderer.render(camera, rng, material, face_parts, light, back=False)

    shots = [_supersampled_render(mesh.vertices, cameras[i], render) for i in range(len(cameras))]
    return orbit_arrays(shots, cameras)


def _supersampled_render(points: Tensor, camera: Cameras, render: Callable[[Cameras], ObjectRender]) -> ObjectRender:
    """Render at `SAMPLES` times the picture's size; only the box around the vertices `points` [N,3] is rendered."""
    pixels, _ = camera.project(points)
    low, high = pixels[0].amin(0).floor().long(), pixels[0].amax(0).ceil().long()
    left, top = low.clamp(0, camera.width - 1).tolist()
    right, bottom = (high.clamp(1, camera.width).tolist()[i] for i in (0, 1))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    box = camera.cropped(left, top, right - left, bottom - top)
    crop = render(box.resized(SAMPLES * box.height, SAMPLES * box.width))
    margins = ((top, camera.height - bottom), (left, camera.width - right))

    def padded(image: NDArray) -> NDArray:
        widths = [(SAMPLES * a, SAMPLES * b) for a, b in margins]
        return np.pad(image, widths + [(0, 0)] * (image.ndim - 2))

    rgb, depth, back, normals = (padded(image) for image in (crop.rgb, crop.depth, crop.back, crop.normals))
    return ObjectRender(rgb, depth, back, normals, camera.resized(SAMPLES * camera.height, SAMPLES * camera.width))


def random_orbit(mesh: Mesh, rng: np.random.Generator, size: int) -> tuple[Mesh, Cameras]:
    """Random orbit: the mesh (in the unit sphere), rotated, and the cameras of the schedule around it.

    The first view has an elevation of -15 to 62 degrees, mostly 18, and any azimuth. In half of the orbits the cameras
    have that elevation; in the others, as with a photo, the first view counts as level, and the object is tilted.
    Half of the orbits stay on the first view's level, the others rise by up to 15 degrees. Directions have a jitter of
    some degrees. The object spans `FILL` of the first view; the other focal lengths are the schedule's.
    """
    from scipy.spatial.transform import Rotation

    elevation = float(rng.triangular(-15, 18, 62))
    camera_elevation = elevation if rng.random() < 0.5 else 0.0
    rotation = Rotation.from_euler("yx", [rng.uniform(0, 360), elevation - camera_elevation], degrees=True).as_matrix()
    mesh = mesh.mapped(lambda v: v @ torch.from_numpy(rotation).to(v).T)
    fov = float(rng.uniform(*FOV))
    distance = 1.12 / np.sin(np.radians(fov / 2)) * rng.uniform(0.95, 1.15)
    rise = 0.0 if rng.random() < 0.5 else rng.uniform(0, 15)
    directions = [(a + rng.normal(0, JITTER), e + rise + rng.normal(0, JITTER)) for a, e in ring()]
    front = Cameras.orbit(0.0, camera_elevation, float(distance), fov, size, size)
    front = filled(front, mesh.vertices, float(rng.uniform(*FILL)))
    return mesh, Cameras.cat([front, look_from(directions, front)])


def filled(cameras: Cameras, points: Tensor, fill: float) -> Cameras:
    """Cameras whose focal lengths, changed alike, put the outermost of points [N,3] at `fill` of the way from the
    centre to the edge."""
    pixels, _ = cameras.project(points)
    extent = float((pixels - cameras.width / 2).abs().max())
    intrinsics = cameras.intrinsics.clone()
    intrinsics[:, [0, 1], [0, 1]] *= fill * cameras.width / 2 / extent
    return replace(cameras, intrinsics=intrinsics)


def orbit_arrays(shots: list[ObjectRender], cameras: Cameras) -> dict[str, NDArray]:
    """One row of a shard from renders at `SAMPLES` times the size of `cameras`."""
    middle = SAMPLES // 2
    depth = np.stack([shot.depth for shot in shots])
    hit = torch.from_numpy(depth > 0)[:, None]
    rgb = torch.from_numpy(np.stack([shot.rgb for shot in shots])).movedim(-1, 1)
    on_white = F.avg_pool2d(torch.where(hit, rgb.float(), 255.0), SAMPLES).round().byte()
    alpha = F.avg_pool2d(hit.float() * 255, SAMPLES).round().byte()
    centre = depth[:, middle::SAMPLES, middle::SAMPLES]
    normals = np.stack([shot.normals[middle::SAMPLES, middle::SAMPLES] for shot in shots])
    distance = cameras.position.norm(dim=-1).numpy()[:, None, None]
    return {
        "rgb": np.ascontiguousarray(on_white.movedim(1, -1).numpy()),
        "alpha": alpha[:, 0].numpy(),
        "relief": np.where(centre > 0, centre - distance, np.nan).astype(np.float16),
        "normals": np.round(normals * 127).astype(np.int8),
        "intrinsics": cameras.intrinsics.numpy(),
        "camera_to_world": cameras.camera_to_world.numpy(),
    }
