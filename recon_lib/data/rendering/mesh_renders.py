"""Training renders of textured meshes: colour, depth and normals of a single object, tightly framed."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...cameras.camera import Cameras
from ...meshes.mesh import Mesh
from ...render.mesh import creased_normals
from ..appearance.materials import Material
from ..appearance.shading import Lighting, random_lighting, shade
from .raycast import Hits, ray_caster

SHADOW_OFFSET = 2e-3  # start of shadow rays off the surface, in object radii


@dataclass(frozen=True)
class ObjectRender:
    """Render of one object by one camera, without a background."""

    rgb: NDArray[np.uint8]  # [H,W,3] sRGB, black where nothing was hit
    depth: NDArray[np.float32]  # [H,W] z-depth, 0 = nothing
    back: NDArray[np.float32]  # [H,W] z-depth of the last surface along the ray, at least `depth`; 0 = nothing
    normals: NDArray[np.float32]  # [H,W,3] unit, camera frame (OpenCV axes)
    camera: Cameras  # one


def random_camera(rng: np.random.Generator, mesh: Mesh, size: int, fill: float = 0.9) -> Cameras:
    """Random camera around the object, framed so that the object spans `fill` of the image.

    Vertical field of view 12-65 degrees, elevation mostly -15 to 60, roll within 12 degrees; one in eight has any
    direction and roll, upside down included.
    """
    fov = float(np.exp(rng.uniform(np.log(12), np.log(65))))
    anywhere = rng.random() < 0.125
    elevation = np.degrees(np.arcsin(rng.uniform(-1, 1))) if anywhere else rng.triangular(-15, 18, 62)
    roll = rng.uniform(-180, 180) if anywhere else rng.normal(0, 5)
    distance = 1.12 / np.sin(np.radians(fov / 2)) * rng.uniform(0.9, 1.15)
    camera = Cameras.orbit(rng.uniform(0, 360), float(elevation), float(distance), fov, size, size)
    camera = rolled(camera, float(roll))
    return framed(camera, mesh.vertices, fill)


def portrait_camera(rng: np.random.Generator, mesh: Mesh, size: int, fill: float = 0.9) -> Cameras:
    """Random camera as people hold theirs before a figure or a toy: level, upright, often square to one of its sides.

    Vertical field of view about 38 degrees (15-75), elevation 8 +- 9 degrees, roll within a few degrees, every other
    azimuth within some degrees of a multiple of 90. From there a lean of the object is invisible, so that how things
    usually stand has to be learnt.
    """
    fov = float(np.clip(38 * np.exp(rng.normal(0, 0.3)), 15, 75))
    azimuth = 90 * rng.integers(4) + rng.normal(0, 8) if rng.random() < 0.5 else rng.uniform(0, 360)
    elevation = float(np.clip(rng.normal(8, 9), -20, 35))
    distance = 1.12 / np.sin(np.radians(fov / 2)) * rng.uniform(0.9, 1.15)
    camera = rolled(Cameras.orbit(float(azimuth), elevation, float(distance), fov, size, size), float(rng.normal(0, 2)))
    return framed(camera, mesh.vertices, fill)


def rolled(camera: Cameras, degrees: float) -> Cameras:
    """Cameras rolled about their optical axes."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = torch.eye(4)
    turn[:2, :2] = torch.tensor([[c, -s], [s, c]])
    return Cameras(camera.camera_to_world @ turn, camera.intrinsics, camera.height, camera.width)


def framed(camera: Cameras, points: Tensor, fill: float) -> Cameras:
    """Camera cropped and zoomed so that points [N,3] span `fill` of the image, centred; its pose does not change."""
    pixels, depth = camera.project(points)
    pixels = pixels[0][depth[0] > 0]
    low, high = pixels.amin(0), pixels.amax(0)
    centre, side = (low + high) / 2, float((high - low).max()) / fill
    crop = camera.cropped(float(centre[0]) - side / 2, float(centre[1]) - side / 2, camera.width, camera.height)
    zoom = camera.width / side
    intrinsics = crop.intrinsics.clone()
    intrinsics[:, :2] *= zoom
    return Cameras(camera.camera_to_world, intrinsics, camera.height, camera.width)


class MeshRenderer:
    """Ray-casting renderer of one mesh, prepared for many renders."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh.with_normals()
        self._caster = ray_caster(mesh)
        self._radius = (
            float(mesh.vertices.norm(dim=-1).max()) * 1.01
        )  # of a ball around the origin with the mesh inside
        self._faces = mesh.faces.numpy()
        self._corner_normals = creased_normals(self.mesh).numpy()
        self._texture = None if mesh.texture is None else mesh.texture.permute(1, 2, 0).numpy()

    def render(
        self,
        camera: Cameras,
        rng: np.random.Generator,
        material: Material | None = None,
        face_parts: NDArray[np.integer] | None = None,  # [M] part of each face, for the material
        light: Lighting | None = None,
        back: bool = True,
    ) -> ObjectRender:
        """Render of a single camera, in the mesh's own colours or in `material`, under `light` or random light.

        Without `back` the last surface is not computed: it equals the first.
        """
        origins, directions = (x[0].reshape(-1, 3).numpy() for x in camera.rays())
        hits = self._caster.first_hits(origins, directions)
        rows = np.flatnonzero(hits.hit)
        rotation = camera.rotation[0].numpy()
        eye = -directions[rows]
        normals = self._normals(hits, rows, eye)
        points = origins[rows] + hits.distance[rows, None] * directions[rows]
        light = light or random_lighting(rng, -rotation[:, 2])
        lit = self._lit(points, normals, light.directions[0]) if light.shadow else np.ones(len(rows), np.float32)
        if material is None:
            albedo = self._albedo(hits, rows)
        else:
            light = replace(light, specular=material.specular, shininess=material.shininess)
            parts = np.zeros(len(rows), np.int64) if face_parts is None else face_parts[hits.face[rows]]
            albedo = material.albedo(points.astype(np.float32), parts)
        color = shade(albedo, normals, eye, lit, light)
        size = (camera.height, camera.width)
        depth = (points - camera.position[0].numpy()) @ rotation[:, 2]
        last = self._last_depth(origins[rows], directions[rows], rotation[:, 2]) if back else depth
        return ObjectRender(
            _image(size, rows, np.round(color * 255).astype(np.uint8)),
            _image(size, rows, depth),
            _image(size, rows, np.maximum(last, depth)),
            _image(size, rows, normals @ rotation),
            camera,
        )

    def _last_depth(self, origins: NDArray, directions: NDArray, axis: NDArray) -> NDArray[np.float32]:
        """z-depth [R] along the camera's `axis` of the last surface on rays that hit, by rays from behind."""
        far = (np.linalg.norm(origins, axis=-1, keepdims=True) + self._radius).astype(np.float32)
        back = self._caster.first_hits(origins + far * directions, -directions)
        distance = np.where(back.hit, far[:, 0] - back.distance, 0)
        return distance * (directions @ axis)

    def _normals(self, hits: Hits, rows: NDArray, eye: NDArray) -> NDArray[np.float32]:
        normals = (self._corner_normals[hits.face[rows]] * hits.barycentric[rows][..., None]).sum(1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9
        return normals * np.where((normals * eye).sum(-1, keepdims=True) < 0, -1, 1)

    def _lit(self, points: NDArray, normals: NDArray, lamp: NDArray) -> NDArray[np.float32]:
        start = (points + SHADOW_OFFSET * normals).astype(np.float32)
        blocked = self._caster.blocked(start, np.broadcast_to(lamp, start.shape).astype(np.float32))
        return 1 - blocked.astype(np.float32)

    def _albedo(self, hits: Hits, rows: NDArray) -> NDArray[np.float32]:
        corners, weights = self._faces[hits.face[rows]], hits.barycentric[rows][..., None]
        if self._texture is not None:
            uv = (self.mesh.uvs.numpy()[corners] * weights).sum(1) % 1.0
            height, width = self._texture.shape[:2]
            x = np.minimum((uv[:, 0] * width).astype(int), width - 1)
            y = np.minimum((uv[:, 1] * height).astype(int), height - 1)
            return self._texture[y, x]
        if self.mesh.vertex_colors is None:
            return np.full((len(rows), 3), 0.7, np.float32)
        return (self.mesh.vertex_colors.numpy()[corners] * weights).sum(1)


def _image(size: tuple[int, int], rows: NDArray, values: NDArray) -> NDArray:
    """Image with the values of hit pixels, 0 elsewhere."""
    image = np.zeros((size[0] * size[1], *values.shape[1:]), np.uint8 if values.dtype == np.uint8 else np.float32)
    image[rows] = values
    return image.reshape(*size, *values.shape[1:])
