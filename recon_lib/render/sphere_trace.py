"""Pictures of solids that know their distance: sphere tracing (Hart 1996), normals, parts, soft shadows.

A ray advances by the distance bound, so it cannot cross a surface of a 1-Lipschitz solid; the bound of another
field is made safe by a `step` below 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..errors import BadInput

BALL = 1.02  # solids lie in the unit ball; rays are followed only inside this one
DIFFERENCE = 1e-3  # spacing of the finite differences behind normals, world units
TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


class Traceable(Protocol):
    """What can be traced; `data.solids.solid.Solid` is one."""

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] at points [N,3], negative inside."""

    def part(self, points: Tensor) -> Tensor:
        """Part number [N] int64 at points [N,3]."""


@dataclass(frozen=True)
class Trace:
    """What V cameras see of a solid."""

    mask: Tensor  # [V,1,H,W] float32, 1 = solid
    depth: Tensor  # [V,1,H,W] z-depth, 0 = nothing
    normals: Tensor  # [V,3,H,W] unit, camera frame, 0 = nothing
    parts: Tensor  # [V,1,H,W] int64, -1 = nothing
    points: Tensor  # [V,H,W,3] world, 0 = nothing


def sphere_trace(
    solid: Traceable,
    cameras: Cameras,
    *,
    step: float = 1.0,
    steps: int = 256,
    tolerance: float = 5e-4,
    device: torch.device | str | None = None,
) -> Trace:
    """Trace one ray per pixel.

    `step` scales every advance (0-1]; a ray hits where the bound falls below `tolerance` (world units) and gives
    up after `steps` advances. Computed on `device`, by default a GPU if there is one; results lie on the CPU.
    """
    if not 0 < step <= 1:
        raise BadInput(f"Sphere tracing with step {step} can miss the surface; use a value above 0 and up to 1.")
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    cameras = cameras.to(device)
    origins, directions = (rays.reshape(-1, 3) for rays in cameras.rays())
    near, far = _through_ball(origins, directions)
    travelled, hit = _march(solid.distance, origins, directions, near, far, step, steps, tolerance)
    rows = hit.nonzero().flatten()
    points = origins[rows] + travelled[rows, None] * directions[rows]
    view = rows // (cameras.height * cameras.width)
    rotation = cameras.rotation[view]
    offset = points - cameras.position[view]
    shape = (len(cameras), cameras.height, cameras.width)

    def image(values: Tensor, empty: float = 0.0) -> Tensor:
        full = values.new_full((hit.numel(), *values.shape[1:]), empty)
        full[rows] = values
        return full.reshape(*shape, -1).cpu()

    normals = torch.einsum("nij,ni->nj", rotation, normals_of(solid.distance, points))
    return Trace(
        mask=hit.reshape(shape).unsqueeze(1).float().cpu(),
        depth=image((offset * rotation[:, :, 2]).sum(-1, keepdim=True)).permute(0, 3, 1, 2),
        normals=image(normals).permute(0, 3, 1, 2),
        parts=image(solid.part(points)[:, None], -1).permute(0, 3, 1, 2),
        points=image(points),
    )


def normals_of(distance: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Unit gradients [N,3] at points [N,3], by differences along a tetrahedron's corners (four evaluations)."""
    check_shape("points", points, "N", 3)
    corners = points.new_tensor(TETRAHEDRON)
    around = (points[None] + corners[:, None] * DIFFERENCE).reshape(-1, 3)
    if not len(points):
        return points
    values = distance(around).reshape(4, -1)
    return F.normalize(values.T @ corners, dim=-1, eps=1e-20)


def visibility(
    solid: Traceable,
    points: Tensor,  # [N,3] world, on the surface
    normals: Tensor,  # [N,3] unit, world
    light: Tensor,  # [3] or [N,3] unit, toward the lamp
    *,
    sharpness: float = 16.0,
    steps: int = 64,
) -> Tensor:
    """How much of a distant lamp each point sees, [N] in 0-1.

    The nearest miss along the ray, as an angle times `sharpness`, makes the penumbra (Quilez, soft shadows).
    """
    check_shape("points", points, "N", 3)
    light = light.to(points).expand_as(points)
    start = points + normals * 5e-3
    seen = ((normals * light).sum(-1) > 0).float()
    travelled = torch.full_like(seen, 5e-3)
    _, far = _through_ball(start, light)
    for _ in range(steps):
        rows = ((seen > 0) & (travelled < far)).nonzero().flatten()
        if not len(rows):
            break
        gap = solid.distance(start[rows] + travelled[rows, None] * light[rows])
        seen[rows] = torch.minimum(seen[rows], (sharpness * gap / travelled[rows]).clamp(0, 1))
        travelled[rows] += gap.clamp(5e-3, 0.2)
    return seen


def _through_ball(origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Where rays [N,3] enter and leave the ball around the origin, [N] each; far < near: they miss it."""
    middle = -(origins * directions).sum(-1)
    squared = BALL**2 - (origins + middle[:, None] * directions).square().sum(-1)
    half = squared.clamp_min(0).sqrt()
    near, far = (middle - half).clamp_min(0), middle + half
    return near, torch.where(squared > 0, far, near - 1)


def _march(
    distance: Callable[[Tensor], Tensor],
    origins: Tensor,
    directions: Tensor,
    near: Tensor,
    far: Tensor,
    step: float,
    steps: int,
    tolerance: float,
) -> tuple[Tensor, Tensor]:
    """Advance all rays until they hit or leave: distance travelled [N], hit [N] bool."""
    travelled = near.clone()
    hit = torch.zeros_like(near, dtype=torch.bool)
    rows = (near < far).nonzero().flatten()
    for _ in range(steps):
        if not len(rows):
            break
        gap = distance(origins[rows] + travelled[rows, None] * directions[rows])
        arrived = gap < tolerance
        hit[rows[arrived]] = True
        travelled[rows] += torch.where(arrived, gap, gap * step)  # the last bit brings the hit onto the surface
        rows = rows[~arrived & (travelled[rows] < far[rows])]
    return travelled, hit
