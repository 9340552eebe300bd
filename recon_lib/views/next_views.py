"""View planning: cameras in an order around the object, or next-best views, which show most of its unseen surface.

The order is after POP3D (Ryu et al. 2023): the camera moves away from the input view to both sides in alternation, so
that every new view overlaps with an earlier one. The angles are our choice; the paper's are not known to us.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..errors import BadInput
from ..meshes.mesh import Mesh
from ..meshes.visibility import visible_points
from ..progress import unchecked

STEP, RAISED = 45.0, 30.0  # degrees of azimuth and elevation
MAX_VIEW_ANGLE_DEG = 75.0  # between a surface's normal and the view; surface at larger angles does not count as seen
ENOUGH_COVERAGE = 0.95  # of the surface, beyond which no more raised cameras are added
SAMPLES = 4096
MIN_DISTANCE = 1.05  # world units from the centre: cameras must be outside the unit ball
BALL_FILL = 0.97  # the unit ball's radius over half the picture, in intrinsics made for it

Direction = tuple[float, float]  # azimuth, elevation in degrees


def ring(step: float = STEP) -> list[Direction]:
    """Directions once around the object, without the front: +step, -step, +2 step, -2 step ... 180."""
    if not 5 <= step <= 180:
        raise BadInput(f"A step of {step} degrees does not lead around the object; choose 5 to 180, usually 45.")
    sides = [i * step for i in range(1, math.ceil(180 / step - 1e-6))]
    return [(side * azimuth, 0.0) for azimuth in sides for side in (1, -1)] + [(180.0, 0.0)]


def raised(elevation: float = RAISED) -> list[Direction]:
    """Directions from above, then from below: back, right, left, front of the object."""
    return [(azimuth, side * elevation) for side in (1, -1) for azimuth in (180.0, 90.0, -90.0, 0.0)]


def read_directions(text: str) -> list[Direction]:
    """Directions of a text, one per line or semicolon: azimuth and, after a blank or comma, elevation, degrees."""
    directions = []
    for line in text.replace(";", "\n").splitlines():
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            azimuth, elevation = [float(word) for word in words] + [0.0] * (len(words) == 1)
        except ValueError:
            raise BadInput(
                f"'{line.strip()}' is no direction; write azimuth and elevation in degrees, as 45 30."
            ) from None
        if not (math.isfinite(azimuth) and abs(elevation) <= 90):
            raise BadInput(f"Direction '{line.strip()}' is out of range; elevation goes from -90 to 90 degrees.")
        directions.append((azimuth, elevation))
    if not directions:
        raise BadInput("The list of directions is empty; write one per line: azimuth and elevation in degrees.")
    return directions


def look_from(directions: Sequence[Direction], like: Cameras) -> Cameras:
    """Cameras on the sphere of the first of `like`, with its picture size, in directions relative to its own.

    All look at the origin. They have the first camera's intrinsics if these show the whole unit ball, which contains
    the object, otherwise (for a crop, or a camera that looks past the centre) intrinsics whose picture the ball just
    fills. Elevations are clamped to +-90.
    """
    if not directions:
        raise BadInput("There is no direction to look from; ask for at least one camera.")
    position = like.position[0].double()
    distance = float(position.norm())
    if not distance > 0:
        raise BadInput("The first camera stands in the middle of the object; move it back.")
    azimuth = math.degrees(math.atan2(position[0], position[2]))
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, float(position[1]) / distance))))
    orbit = Cameras.orbit(
        [azimuth + a for a, _ in directions],
        [max(-90.0, min(90.0, elevation + e)) for _, e in directions],
        distance,
        height=like.height,
        width=like.width,
    )
    same_intrinsics = replace(orbit, intrinsics=like.intrinsics[:1].cpu().repeat(len(orbit), 1, 1))
    return (
        same_intrinsics
        if shows_ball(same_intrinsics[0])
        else replace(orbit, intrinsics=_lens_for_ball(orbit, distance))
    )


def shows_ball(camera: Cameras) -> bool:
    """Whether the picture of a camera that looks at the origin shows the whole unit ball around it."""
    tangent = math.tan(
        math.asin(min(1.0, 1 / float(camera.position[0].norm())))
    )  # of half the angle that the ball spans
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics[0].double().tolist()
    across, down = fx * tangent, fy * tangent
    return min(cx, camera.width - cx) >= across and min(cy, camera.height - cy) >= down


def _lens_for_ball(cameras: Cameras, distance: float) -> Tensor:
    """Centred intrinsics [C,3,3] whose picture the unit ball just fills from `distance`."""
    if distance < MIN_DISTANCE:
        raise BadInput(f"The first camera is {distance:.2f} from the centre; move it back to {MIN_DISTANCE} or more.")
    half = min(cameras.height, cameras.width) / 2
    focal = BALL_FILL * half * math.sqrt(distance**2 - 1)
    lens = [[focal, 0.0, cameras.width / 2], [0.0, focal, cameras.height / 2], [0.0, 0.0, 1.0]]
    return torch.tensor(lens).repeat(len(cameras), 1, 1)


# -- visibility -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SurfaceVisibility:
    """Visibility of a surface by V cameras, at N uniform samples, each of the same area."""

    area: float  # of the whole surface, world units squared
    seen: Tensor  # [V,N] bool by camera and sample

    @property
    def coverage(self) -> float:
        """Fraction of the surface that at least one camera sees, 0-1."""
        return float(self.seen.any(0).double().mean())


def surface_visibility(
    mesh: Mesh,
    cameras: Cameras,
    *,
    max_view_angle: float = MAX_VIEW_ANGLE_DEG,
    samples: int = SAMPLES,
    seed: int = 0,
    check: Callable[[], None] = unchecked,
) -> SurfaceVisibility:
    """Visibility of a mesh by each camera: in the picture, not occluded, view angle below `max_view_angle` degrees."""
    points, normals, _ = mesh.sample_surface(samples, seed)
    toward = F.normalize(cameras.position.to(points)[:, None] - points, dim=-1)
    facing = (toward * normals).sum(-1) > math.cos(math.radians(max_view_angle))
    return SurfaceVisibility(float(mesh.face_areas.sum()), visible_points(mesh, points, cameras, check) & facing)


def new_areas(before: SurfaceVisibility, candidates: SurfaceVisibility) -> Tensor:
    """Area [C], world units squared, that each candidate would see and that is unseen so far."""
    check_shape("seen", candidates.seen, "C", before.seen.shape[1])
    unseen = ~before.seen.any(0)
    return (candidates.seen & unseen).float().mean(1) * before.area


def next_best(
    before: SurfaceVisibility, candidates: SurfaceVisibility, count: int = 1, enough: float = 1.0
) -> list[int]:
    """Greedy next-best views: indices of the candidates that show most unseen surface, best first.

    Stops early when the coverage reaches `enough`, or when no candidate shows anything new.
    """
    chosen: list[int] = []
    while len(chosen) < min(count, len(candidates.seen)) and before.coverage < enough:
        areas = new_areas(before, candidates)
        best = int(areas.argmax())
        if not areas[best] > 0:
            break
        chosen.append(best)
        before = replace(before, seen=torch.cat([before.seen, candidates.seen[best : best + 1]]))
    return chosen


def after_pop3d(
    like: Cameras,
    count: int = 7,
    *,
    step: float = STEP,
    elevation: float = RAISED,
    hull: Mesh | None = None,
    seen: Cameras | None = None,
    enough: float = ENOUGH_COVERAGE,
    check: Callable[[], None] = unchecked,
) -> Cameras:
    """Up to `count` cameras of POP3D's schedule: around the object to both sides, then raised and lowered ones.

    like: its first camera is the input's, to which all angles are relative. hull: the raised cameras are ordered by the
    surface of it that they newly show after the level ones (and `seen` earlier cameras), and end when the coverage is
    `enough`; without it they have a fixed order. Raises `BadInput` when `count` is larger than the schedule.
    """
    level, above = ring(step), raised(elevation)
    longest = len(level) + len(above)
    if not 1 <= count <= longest:
        raise BadInput(f"{count} cameras are not in this schedule; ask for 1 to {longest}, or make the step smaller.")
    if count <= len(level):
        return look_from(level[:count], like)
    rest = count - len(level)
    if hull is not None:
        before = Cameras.cat([c for c in (seen, like[0], look_from(level, like)) if c is not None])
        chosen = next_best(
            surface_visibility(hull, before, check=check),
            surface_visibility(hull, look_from(above, like), check=check),
            rest,
            enough,
        )
        above = [above[i] for i in chosen]
    return look_from(level + above[:rest], like)


def best_views(
    like: Cameras,
    count: int,
    hull: Mesh,
    seen: Cameras,
    *,
    step: float = STEP,
    elevation: float = RAISED,
    check: Callable[[], None] = unchecked,
) -> Cameras:
    """Next-best views: up to `count` cameras of the schedule, each the one that shows most unseen surface of the hull.

    Raises `BadInput` when the cameras of the schedule show nothing new.
    """
    directions = ring(step) + raised(elevation)
    candidates = look_from(directions, like)
    chosen = next_best(
        surface_visibility(hull, seen, check=check), surface_visibility(hull, candidates, check=check), count
    )
    if not chosen:
        raise BadInput("Every part of the hull that the schedule can show was seen already; no camera is needed.")
    return candidates[torch.tensor(chosen)]
