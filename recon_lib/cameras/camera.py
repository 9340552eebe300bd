"""Cameras, and the coordinate conventions of the whole pack (written here and nowhere else).

World   right-handed, +x right, +y up, +z toward the viewer; the object sits at the origin inside the unit
        sphere. It is glTF's frame, so nothing is turned at export.
Camera  OpenCV axes: x right, y down, z forward. `camera_to_world` maps camera to world coordinates.
Pixels  the centre of the top-left pixel is (0.5, 0.5); intrinsics are in pixels.
Orbit   azimuth 0 looks from +z; it grows to the right (counter-clockwise seen from above), elevation grows
        upward; both in degrees. Field of view is vertical, in degrees.
Depth   z-depth along the optical axis in world units, 0 = no surface. Normals are unit, in the camera frame.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_finite, check_shape
from ..errors import BadInput

NEAR_POLE = 2e-3  # radians; a little more than what `look_at` takes for straight along `up`
FLIP_YZ = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # OpenCV axes <-> world axes of the azimuth-0 camera


@dataclass(frozen=True)
class Cameras:
    """A batch of V pinhole cameras that share an image size."""

    camera_to_world: Tensor  # [V,4,4] float32
    intrinsics: Tensor  # [V,3,3] float32, pixels
    height: int
    width: int
    # [x,y,z] of the file's world that positions count from, float64; not zero for cameras far from their origin, such
    # as surveys in map coordinates: float32 cannot hold those.
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_shape("camera_to_world", self.camera_to_world, "V", 4, 4)
        check_shape("intrinsics", self.intrinsics, len(self.camera_to_world), 3, 3)
        check_finite("camera_to_world", self.camera_to_world)
        check_finite("intrinsics", self.intrinsics)
        if self.height < 1 or self.width < 1:
            raise BadInput(f"Camera image size {self.width}x{self.height} is empty; give at least 1x1 pixels.")
        if not (len(self.origin) == 3 and all(map(math.isfinite, self.origin))):
            raise BadInput(f"The cameras' origin is {str(self.origin)[:60]}; three finite numbers are needed.")

    # -- construction -------------------------------------------------------------------------------------

    @classmethod
    def look_at(
        cls,
        position: Tensor,  # [V,3] world
        target: Tensor,  # [3] or [V,3] world
        fov: float | Sequence[float],
        height: int,
        width: int,
        up: Sequence[float] = (0.0, 1.0, 0.0),
    ) -> "Cameras":
        """Cameras at `position` that look at `target`, `up` pointing to the top of the image.

        Looking straight along `up`, the top of the image is away from the viewer (-z) when looking down.
        """
        check_shape("position", position, "V", 3)
        position = position.float()
        forward = torch.as_tensor(target, dtype=torch.float32) - position
        if (forward.norm(dim=-1) < 1e-8).any():
            raise BadInput("A camera stands on the point it looks at; move it away.")
        forward = F.normalize(forward, dim=-1)
        upward = torch.tensor(up, dtype=torch.float32).expand_as(forward)
        straight = (forward * upward).sum(-1, keepdim=True).abs() > 1 - 1e-6
        aside = torch.tensor([0.0, 0.0, 1.0] if abs(up[2]) < abs(up[1]) else [0.0, 1.0, 0.0])
        fallback = aside * (forward * upward).sum(-1, keepdim=True).sign()
        upward = torch.where(straight, fallback, upward)
        right = F.normalize(torch.linalg.cross(forward, upward), dim=-1)
        down = torch.linalg.cross(forward, right)
        pose = torch.eye(4).repeat(len(position), 1, 1)
        pose[:, :3] = torch.stack([right, down, forward, position], dim=-1)
        return cls(pose, intrinsics_from_fov(fov, height, width, len(position)), height, width)

    @classmethod
    def orbit(
        cls,
        azimuth: float | Sequence[float],
        elevation: float | Sequence[float] = 0.0,
        distance: float | Sequence[float] = 3.0,
        fov: float | Sequence[float] = 40.0,
        height: int = 256,
        width: int = 256,
    ) -> "Cameras":
        """Cameras on a sphere around the origin, looking at it. Degrees and world units; scalars are shared."""
        rows = [torch.as_tensor(x, dtype=torch.float32).reshape(-1) for x in (azimuth, elevation, distance)]
        degrees_right, degrees_up, radius = torch.broadcast_tensors(*rows)
        a, e = torch.deg2rad(degrees_right), torch.deg2rad(degrees_up)
        directions = torch.stack([e.cos() * a.sin(), e.sin(), e.cos() * a.cos()], dim=-1)
        cameras = cls.look_at(directions * radius[:, None], torch.zeros(3), fov, height, width)
        poles = (e.cos().abs() < NEAR_POLE).nonzero().flatten().tolist()
        pose = cameras.camera_to_world.clone()
        for i in poles:  # keep the azimuth's "right" where look_at cannot know it
            right = torch.stack([a[i].cos(), torch.tensor(0.0), -a[i].sin()])
            pose[i, :3, 0] = right
            pose[i, :3, 1] = torch.linalg.cross(pose[i, :3, 2], right)
        return replace(cameras, camera_to_world=pose)

    @classmethod
    def cat(cls, cameras: Sequence["Cameras"]) -> "Cameras":
        """Join batches of one image size."""
        if not cameras or len({(c.height, c.width) for c in cameras}) != 1:
            raise BadInput("Cameras to be joined must be one or more and share one image size; resize them first.")
        if len({c.origin for c in cameras}) != 1:
            raise BadInput("The cameras count from different origins; load them from one file.")
        poses, intrinsics = (
            torch.cat([getattr(c, name) for c in cameras]) for name in ("camera_to_world", "intrinsics")
        )
        return replace(cameras[0], camera_to_world=poses, intrinsics=intrinsics)

    def __len__(self) -> int:
        return len(self.camera_to_world)

    def __getitem__(self, index: int | slice | Tensor) -> "Cameras":
        index = one_row(index, len(self)) if isinstance(index, int) else index
        return replace(self, camera_to_world=self.camera_to_world[index], intrinsics=self.intrinsics[index])

    def to(self, device: torch.device | str) -> "Cameras":
        return replace(self, camera_to_world=self.camera_to_world.to(device), intrinsics=self.intrinsics.to(device))

    def moved_to(self, origin: tuple[float, float, float]) -> "Cameras":
        """The same cameras in the same place with their positions counted from another origin."""
        if origin == self.origin:
            return self
        pose = self.camera_to_world.to(torch.float64, copy=True)
        pose[:, :3, 3] += pose.new_tensor(self.origin) - pose.new_tensor(origin)
        return replace(self, camera_to_world=pose.to(self.camera_to_world), origin=origin)

    # -- properties ---------------------------------------------------------------------------------------

    @property
    def position(self) -> Tensor:
        """Optical centres [V,3], world."""
        return self.camera_to_world[:, :3, 3]

    @property
    def rotation(self) -> Tensor:
        """Camera-to-world rotations [V,3,3]; columns are the camera's right, down, forward in the world."""
        return self.camera_to_world[:, :3, :3]

    @property
    def vertical_fov(self) -> Tensor:
        """Degrees [V]."""
        return torch.rad2deg(2 * torch.atan(self.height / (2 * self.intrinsics[:, 1, 1])))

    # -- rays, projection ---------------------------------------------------------------------------------

    def pixel_centres(self) -> Tensor:
        """[H,W,2] (x,y) of every pixel centre."""
        device = self.intrinsics.device
        y = torch.arange(self.height, device=device, dtype=torch.float32) + 0.5
        x = torch.arange(self.width, device=device, dtype=torch.float32) + 0.5
        return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)

    def rays(self) -> tuple[Tensor, Tensor]:
        """Origins and unit directions of all pixels, world: two [V,H,W,3]."""
        direction = F.normalize(self._pixel_rays() @ self.rotation[:, None].mT, dim=-1)
        return self.position[:, None, None].expand_as(direction), direction

    def _pixel_rays(self) -> Tensor:
        """Camera-frame rays with z = 1, [V,H,W,3]."""
        pixels = F.pad(self.pixel_centres(), (0, 1), value=1.0)
        return pixels @ torch.linalg.inv(self.intrinsics)[:, None].mT

    def to_camera(self, points: Tensor) -> Tensor:
        """World points [N,3] or [V,N,3] -> camera frame [V,N,3]."""
        return (points - self.position[:, None]) @ self.rotation

    def to_world(self, points: Tensor) -> Tensor:
        """Camera-frame points [V,N,3] -> world [V,N,3]."""
        return points @ self.rotation.mT + self.position[:, None]

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """World points [N,3] or [V,N,3] -> pixels [V,N,2] and z-depth [V,N] (<= 0: behind the camera)."""
        local = self.to_camera(points) @ self.intrinsics.mT
        depth = local[..., 2]
        return local[..., :2] / depth.clamp_min(1e-8)[..., None], depth

    def unproject(self, depth: Tensor) -> Tensor:
        """z-depth [V,1,H,W] -> world points [V,H,W,3]. Pixels of depth 0 give the optical centre."""
        check_shape("depth", depth, len(self), 1, self.height, self.width)
        local = self._pixel_rays() * depth[:, 0, :, :, None]
        return local @ self.rotation[:, None].mT + self.position[:, None, None]

    # -- change of image ----------------------------------------------------------------------------------

    def resized(self, height: int, width: int) -> "Cameras":
        """The same cameras for images scaled to another size."""
        scale = self.intrinsics.new_tensor([[width / self.width], [height / self.height], [1.0]])
        return replace(self, intrinsics=self.intrinsics * scale, height=height, width=width)

    def cropped(self, left: float, top: float, width: int, height: int) -> "Cameras":
        """The same cameras for the window that starts at pixel (left, top); it may reach beyond the image."""
        shifted = self.intrinsics.clone()
        shifted[:, 0, 2] -= left
        shifted[:, 1, 2] -= top
        return replace(self, intrinsics=shifted, height=height, width=width)


def one_row(index: int, count: int) -> slice:
    """The slice that keeps row `index` of `count`. Beyond them it raises IndexError, by which loops know the end."""
    if not -count <= index < count:
        raise IndexError(f"index {index} of {count}")
    return slice(index, index + 1 or None)


def intrinsics_from_fov(fov: float | Sequence[float], height: int, width: int, count: int) -> Tensor:
    """Intrinsics [count,3,3] of square pixels with a centred principal point. `fov` vertical, degrees, in (0,180)."""
    angle = torch.as_tensor(fov, dtype=torch.float32).reshape(-1).expand(count)
    if not ((angle > 0) & (angle < 180)).all():
        raise BadInput(f"Field of view {fov} is outside 0-180 degrees; 40 is a usual value.")
    focal = height / (2 * torch.tan(torch.deg2rad(angle) / 2))
    matrix = torch.zeros(count, 3, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = focal
    matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 2, 2] = width / 2, height / 2, 1.0
    return matrix
