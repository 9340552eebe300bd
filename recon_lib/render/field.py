"""Ray marching of fields: pictures of the zero level set without a mesh."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..cameras.turntable import inscribed_sphere, turntable_cameras
from ..errors import BadInput
from ..fields.field import Field
from ..memory import default_chunk, explain_oom, in_chunks
from ..progress import Progress
from .layers import Rendering, background_color, composite
from .shading import CLAY, check_shading, depth_colors, lit, normal_colors

FIELD_SHADINGS = ("lit", "albedo", "clay", "normal", "depth")
REFINEMENTS = 8  # secant steps after the march
NORMAL_STEP = 0.002  # of finite differences for normals, relative to the bounds' diagonal
# corners of a tetrahedron: finite differences with 4 evaluations instead of 6
TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


@explain_oom("rendering the field", "ask for smaller pictures")
def render_field(
    field: Field,
    cameras: Cameras,
    *,
    shading: str = "lit",
    background: Sequence[float] = (1.0, 1.0, 1.0),
    steps: int = 96,
    look_ahead: int = 32,
    supersample: int = 1,
    chunk: int | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Rendering:
    """Rendering of the surface `field.inside(...) == 0` from all `cameras`, with the field's colour if it has one.

    steps: samples of each ray inside the bounds; parts thinner than a step may be missed.
    look_ahead: cells per side of an occupancy grid; rays skip cells whose whole neighbourhood is outside. 0 marches
    everywhere: slower, and safe for parts thinner than a cell.
    supersample: odd number of samples per pixel side; depth and normals are those at pixel centres.
    chunk: points per call, halved when memory runs out (default 16384 on the CPU, 131072 elsewhere).
    device: of the field (default: the CPU); the pictures are on the CPU.
    """
    check_shading(shading)
    if shading not in FIELD_SHADINGS:
        raise BadInput(f"A field has no {shading} to show; choose one of {', '.join(FIELD_SHADINGS)}.")
    if steps < 2 or supersample % 2 == 0 or not (look_ahead == 0 or look_ahead >= 4):
        raise BadInput("A ray needs 2 steps or more, a pixel 1, 3, 5... samples a side, the look-ahead 0 or 4+ cells.")
    color = background_color(background, torch.device("cpu"))
    progress = progress or Progress()
    progress.start("Render field", len(cameras))
    evaluator = _FieldEvaluator(field, torch.device(device or "cpu"), chunk or default_chunk(device), progress)
    marcher = _Marcher.of(evaluator, steps, look_ahead)
    views = []
    for i in range(len(cameras)):
        views.append(_render_view(marcher, cameras[i].to("cpu"), shading, color, supersample))
        progress.step(views[-1].images[0])
    return Rendering.cat(views)


def _render_view(marcher: "_Marcher", camera: Cameras, shading: str, background: Tensor, supersample: int) -> Rendering:
    fine = camera.resized(camera.height * supersample, camera.width * supersample)
    origins, directions = (rays.reshape(-1, 3) for rays in fine.rays())
    distance = marcher.first_surface(origins, directions)
    hit = distance.isfinite().nonzero().flatten()
    points, ray_directions = origins[hit] + distance[hit, None] * directions[hit], directions[hit]
    shape = (1, fine.height, fine.width)
    depth, camera_normals, colors = (origins.new_zeros(len(origins), c) for c in (1, 3, 3))
    depth[hit] = fine.to_camera(points)[0, :, 2:]
    camera_normals[hit] = marcher.normals(points) @ camera.rotation[0]
    if shading == "depth":
        colors = depth_colors(depth)
    elif len(hit):
        colors[hit] = _shaded(marcher, points, ray_directions, camera_normals[hit], shading)
    covered = distance.isfinite().view(shape)
    image, mask = composite(colors.view(*shape, 3), covered, background, supersample)
    middle = slice(supersample // 2, None, supersample)  # the sample at the pixel's centre
    layers = (layer.view(*shape, -1).permute(0, 3, 1, 2)[..., middle, middle] for layer in (depth, camera_normals))
    return Rendering(image, mask, *layers)


def _shaded(
    marcher: "_Marcher", points: Tensor, ray_directions: Tensor, camera_normals: Tensor, shading: str
) -> Tensor:
    if shading == "normal":
        return normal_colors(camera_normals)
    albedo = camera_normals.new_tensor(CLAY).expand_as(camera_normals)
    if shading != "clay" and marcher.evaluator.field.has_color:
        albedo = marcher.evaluator.colors(points, ray_directions)
    return albedo if shading == "albedo" else lit(albedo, camera_normals)


@dataclass(frozen=True)
class _FieldEvaluator:
    """Evaluation of a field in chunks, on its device, for points on the CPU."""

    field: Field
    device: torch.device
    chunk: int
    progress: Progress

    def inside(self, points: Tensor) -> Tensor:
        """Values [N] at points [N,3]."""
        return self._evaluated(lambda p: self.field.inside(p), points)

    def colors(self, points: Tensor, directions: Tensor) -> Tensor:
        """Colours [N,3] at points [N,3] seen along `directions` [N,3]."""
        return self._evaluated(
            lambda p: self.field.color(p[:, :3], p[:, 3:]).clamp(0, 1), torch.cat([points, directions], -1)
        )

    def _evaluated(self, function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
        return in_chunks(lambda p: function(p.to(self.device)).float().cpu(), rows, self.chunk, self.progress.check)


@dataclass(frozen=True)
class _Marcher:
    """First surfaces along rays."""

    evaluator: _FieldEvaluator
    steps: int
    bounds: Tensor  # [2,3]
    occupied: Tensor | None  # [G,G,G] bool (x,y,z), cells that may hold surface or inside

    @classmethod
    def of(cls, evaluator: _FieldEvaluator, steps: int, cells: int) -> "_Marcher":
        bounds = evaluator.field.bounds.float().cpu()
        if not cells:
            return cls(evaluator, steps, bounds, None)
        axes = [torch.linspace(float(a), float(b), cells + 1) for a, b in bounds.T]
        nodes = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        inside = (evaluator.inside(nodes) > 0).float().view(1, 1, *[cells + 1] * 3)
        touched = F.max_pool3d(inside, 2, 1)  # cells with a corner inside
        return cls(evaluator, steps, bounds, F.max_pool3d(touched, 3, 1, 1)[0, 0] > 0)

    def normals(self, points: Tensor) -> Tensor:
        """Outward unit normals [N,3]: the direction in which the field falls fastest."""
        if not len(points):
            return points
        step = NORMAL_STEP * float((self.bounds[1] - self.bounds[0]).norm()) / 3**0.5
        corners = points.new_tensor(TETRAHEDRON)
        values = self.evaluator.inside((points[:, None] + step * corners).reshape(-1, 3)).view(-1, 4)
        return F.normalize(-(values @ corners), dim=-1)

    def first_surface(self, origins: Tensor, directions: Tensor) -> Tensor:
        """Distance [R] at which each ray first enters the solid; inf if it does not.

        A ray that starts inside the solid hits at its start.
        """
        near, far = self._ends(origins, directions)
        distance = torch.full_like(near, float("inf"))
        ray = (near < far).nonzero().flatten()
        step = (far - near) / self.steps
        for i in range(self.steps + 1):
            if not len(ray):
                break
            t = near[ray] + i * step[ray]
            value = self._sample(origins[ray] + t[:, None] * directions[ray])
            entered = value > 0
            if entered.any():
                hit = ray[entered]
                start = (t[entered] - step[hit]).clamp_min(near[hit])
                distance[hit] = self._refined(origins[hit], directions[hit], start, t[entered], value[entered])
            ray = ray[~entered]
        return distance

    def _ends(self, origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Distances at which rays enter and leave the bounds, [R] each; near >= far if they miss (slab test)."""
        safe = torch.where(directions.abs() < 1e-9, 1e-9, directions)
        a, b = (self.bounds[0] - origins) / safe, (self.bounds[1] - origins) / safe
        return torch.minimum(a, b).amax(-1).clamp_min(0), torch.maximum(a, b).amin(-1)

    def _sample(self, points: Tensor) -> Tensor:
        """Values [N] at points [N,3]; the field is not evaluated in empty cells of the grid."""
        if self.occupied is None:
            return self.evaluator.inside(points)
        cells = len(self.occupied)
        low, high = self.bounds
        x, y, z = ((points - low) / (high - low) * cells).long().clamp(0, cells - 1).unbind(-1)
        rows = self.occupied[x, y, z].nonzero().flatten()
        value = torch.full((len(points),), -1.0)
        if len(rows):
            value[rows] = self.evaluator.inside(points[rows])
        return value

    def _refined(self, origins: Tensor, directions: Tensor, low: Tensor, high: Tensor, above: Tensor) -> Tensor:
        """Zero crossing [R] between distances low (outside) and high (inside), by the Illinois secant method."""
        side = torch.zeros_like(low)
        below = self.evaluator.inside(origins + low[:, None] * directions)
        for _ in range(REFINEMENTS):
            middle = low + (high - low) * (below / (below - above).clamp_max(-1e-12)).clamp(0.02, 0.98)
            value = self.evaluator.inside(origins + middle[:, None] * directions)
            inside = value > 0
            # an end that stays twice is halved in value, so that the bracket closes from both ends
            below = torch.where(inside, torch.where(side > 0, below / 2, below), value)
            above = torch.where(inside, value, torch.where(side < 0, above / 2, above))
            low, high = torch.where(inside, low, middle), torch.where(inside, middle, high)
            side = torch.where(inside, 1.0, -1.0)
        return torch.where(below > 0, low, high)


def turntable_field(
    field: Field,
    frames: int = 24,
    elevation: float = 15.0,
    *,
    start: float = 0.0,
    fov: float = 30.0,
    size: int = 256,
    **options,
) -> Rendering:
    """Rendering of `frames` pictures around the whole field; `options` as in `render_field`."""
    center, radius = inscribed_sphere(field.bounds)
    cameras = turntable_cameras(
        frames, elevation=elevation, start=start, fov=fov, size=size, center=center, radius=radius
    )
    return render_field(field, cameras, **options)
