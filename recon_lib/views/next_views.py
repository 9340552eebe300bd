"""Where to look next: cameras in an order that walks around the object, or those that show most of what nobody saw.

The order is after POP3D (Ryu et al. 2023): the camera moves away from the input view to both sides by turns, so that
every new view overlaps with an earlier one. The angles are our choice; the paper's are not known to us.
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

STEP, RAISED = 45.0, 30.0  # degrees
MAX_VIEW_ANGLE_DEG = 75.0  # degrees between a surface's normal and the view: what is turned further is not really seen
ENOUGH = 0.95  # of the surface: no more raised cameras are needed then
SAMPLES = 4096
NEAREST = 1.05  # world units from the centre: a camera must stand outside the unit ball
FILLED = 0.97  # of half the picture: the ball in a lens that was made for it

Direction = tuple[float, float]  # azimuth, elevation in degrees


def ring(step: float = STEP) -> list[Direction]:
    """+step, -step, +2 step, -2 step ... 180: once around by turns, without the front."""
    if not 5 <= step <= 180:
        raise BadInput(f"A step of {step} degrees does not lead around the object; choose 5 to 180, usually 45.")
    sides = [i * step for i in range(1, math.ceil(180 / step - 1e-6))]
    return [(side * azimuth, 0.0) for azimuth in sides for side in (1, -1)] + [(180.0, 0.0)]


def raised(elevation: float = RAISED) -> list[Direction]:
    """From above, then from below: back, right, left, front of the object."""
    return [(azimuth, side * elevation) for side in (1, -1) for azimuth in (180.0, 90.0, -90.0, 0.0)]


def read_directions(text: str) -> list[Direction]:
    """One direction per line or semicolon: azimuth and, after a blank or comma, elevation (else 0), in degrees."""
    found = []
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
        found.append((azimuth, elevation))
    if not found:
        raise BadInput("The list of directions is empty; write one per line: azimuth and elevation in degrees.")
    return found


def look_from(directions: Sequence[Direction], like: Cameras) -> Cameras:
    """Cameras on the sphere of the first of `like`, with its picture size, in directions counted from its own.

    All look at the origin. They have the lens of the first where that shows the whole unit ball, in which the object
    lies, else (a crop, a camera that looks past the centre) one whose picture the ball just fills. Elevations beyond
    +-90 stop there.
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
    own = replace(orbit, intrinsics=like.intrinsics[:1].cpu().repeat(len(orbit), 1, 1))
    return own if shows_ball(own[0]) else replace(orbit, intrinsics=_lens_for_ball(orbit, distance))


def shows_ball(camera: Cameras) -> bool:
    """Whether the picture of a camera that looks at the origin holds the whole unit ball around it."""
    tangent = math.tan(math.asin(min(1.0, 1 / float(camera.position[0].norm()))))  # of half the angle that it spans
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics[0].double().tolist()
    across, down = fx * tangent, fy * tangent
    return min(cx, camera.width - cx) >= across and min(cy, camera.height - cy) >= down


def _lens_for_ball(cameras: Cameras, distance: float) -> Tensor:
    """Intrinsics [C,3,3] of centred lenses that show the unit ball from `distance`, and little around it."""
    if distance < NEAREST:
        raise BadInput(f"The first camera is {distance:.2f} from the centre; move it back to {NEAREST} or more.")
    half = min(cameras.height, cameras.width) / 2
    focal = FILLED * half * math.sqrt(distance**2 - 1)
    lens = [[focal, 0.0, cameras.width / 2], [0.0, focal, cameras.height / 2], [0.0, 0.0, 1.0]]
    return torch.tensor(lens).repeat(len(cameras), 1, 1)


# -- what the cameras see -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sight:
    """Which parts of a surface are really seen: evenly spread points on it, each for the same area."""

    area: float  # of the whole surface, world units squared
    seen: Tensor  # [V,N] bool by camera and point

    @property
    def coverage(self) -> float:
        """Share of the surface that at least one camera sees, 0-1."""
        return float(self.seen.any(0).double().mean())


def sight(
    mesh: Mesh,
    cameras: Cameras,
    *,
    max_view_angle: float = MAX_VIEW_ANGLE_DEG,
    samples: int = SAMPLES,
    seed: int = 0,
    check: Callable[[], None] = unchecked,
) -> Sight:
    """What each camera sees of a mesh: in the picture, not hidden, and turned to it by less than `max_view_angle`
    degrees.
    """
    points, normals, _ = mesh.sample_surface(samples, seed)
    toward = F.normalize(cameras.position.to(points)[:, None] - points, dim=-1)
    facing = (toward * normals).sum(-1) > math.cos(math.radians(max_view_angle))
    return Sight(float(mesh.face_areas.sum()), visible_points(mesh, points, cameras, check) & facing)


def new_areas(before: Sight, candidates: Sight) -> Tensor:
    """Area [C], world units squared, that each candidate would see and nobody sees yet."""
    check_shape("seen", candidates.seen, "C", before.seen.shape[1])
    unseen = ~before.seen.any(0)
    return (candidates.seen & unseen).float().mean(1) * before.area


def next_best(before: Sight, candidates: Sight, count: int = 1, enough: float = 1.0) -> list[int]:
    """The candidates that show most unseen surface, best first; each counts as seen for those after it.

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
    enough: float = ENOUGH,
    check: Callable[[], None] = unchecked,
) -> Cameras:
    """Up to `count` cameras: around the object by turns, then raised and lowered ones.

    like: its first camera is the input's, from which all angles count. hull: the raised cameras are ordered by what
    they newly show of it after the ring (and `seen` earlier cameras), and end when `enough` is covered; without it they
    come in a fixed order. Raises `BadInput` when more are asked for than there are.
    """
    around, above = ring(step), raised(elevation)
    most = len(around) + len(above)
    if not 1 <= count <= most:
        raise BadInput(f"{count} cameras are not in this schedule; ask for 1 to {most}, or make the step smaller.")
    if count <= len(around):
        return look_from(around[:count], like)
    rest = count - len(around)
    if hull is not None:
        before = Cameras.cat([c for c in (seen, like[0], look_from(around, like)) if c is not None])
        chosen = next_best(
            sight(hull, before, check=check), sight(hull, look_from(above, like), check=check), rest, enough
        )
        above = [above[i] for i in chosen]
    return look_from(around + above[:rest], like)


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
    """Up to `count` cameras of the schedule, each the one that shows most of the hull that nobody saw before it.

    Raises `BadInput` when the cameras of the schedule show nothing new.
    """
    directions = ring(step) + raised(elevation)
    candidates = look_from(directions, like)
    chosen = next_best(sight(hull, seen, check=check), sight(hull, candidates, check=check), count)
    if not chosen:
        raise BadInput("Every part of the hull that the schedule could show was seen already; no camera is needed.")
    return candidates[torch.tensor(chosen)]
