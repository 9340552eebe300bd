"""Z-buffer rasteriser in plain torch: face, barycentric weights and depth of each pixel.

Runs on CPU, CUDA and MPS without a compiled extension. It is exact at pixel centres and not differentiable.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..errors import BadInput
from ..meshes.mesh import Mesh
from ..progress import unchecked
from .clip import clip_near
from .coverage import covered_pixels, cross

NEAR = 1e-3  # near plane, world units from the camera
EMPTY = torch.iinfo(torch.int32).max


@dataclass(frozen=True)
class Fragments:
    """Visible surface at the centre of each pixel."""

    face: Tensor  # [V,H,W] int64, -1 = no surface
    barycentric: Tensor  # [V,H,W,3] weights of the face's corners, perspective-correct, 0 = no surface
    depth: Tensor  # [V,H,W] z-depth, 0 = no surface

    @property
    def mask(self) -> Tensor:
        """[V,H,W] bool, where a surface is seen."""
        return self.face >= 0

    def interpolate(self, corners: Tensor) -> Tensor:
        """Interpolation [V,H,W,C] of values at the faces' corners [M,3,C] (`vertex_values[faces]`), 0 where empty."""
        out = corners.new_zeros(*self.face.shape, corners.shape[-1])
        out[self.mask] = self.interpolate_seen(corners)
        return out

    def interpolate_seen(self, corners: Tensor) -> Tensor:
        """The same for the P pixels of `mask` only, in its order, [P,C]."""
        seen = self.mask
        first, weights = self.face[seen] * 3, self.barycentric[seen]
        flat = corners.reshape(-1, corners.shape[-1])
        return sum(flat[first + k] * weights[:, k : k + 1] for k in range(3))


def rasterize(mesh: Mesh, cameras: Cameras, near: float = NEAR, check: Callable[[], None] = unchecked) -> Fragments:
    """Fragments of `mesh` in every camera, both sides of every face. At equal depth the lower face index wins.

    `check` is called before every camera and every piece of the work, about ten times a second.
    """
    if mesh.vertices.device != cameras.intrinsics.device:
        cameras = cameras.to(mesh.vertices.device)
    local = cameras.to_camera(mesh.vertices)  # [V,N,3]
    views = []
    for points, matrix in zip(local, cameras.intrinsics, strict=True):
        check()
        views.append(_rasterize_view(points[mesh.faces], matrix, cameras.height, cameras.width, near, check))
    return Fragments(*(torch.stack(layer) for layer in zip(*views, strict=True)))


def rasterize_uv(
    uvs: Tensor, faces: Tensor, height: int, width: int, check: Callable[[], None] = unchecked
) -> Fragments:
    """Fragments of `faces` [M,3] in texture space, [1,height,width] texels; depth is 1.

    uvs [N,2] with (0,0) the texture's top-left corner. Where charts overlap the lower face index wins.
    """
    check_shape("uvs", uvs, "N", 2)
    check_shape("faces", faces, "M", 3)
    _check_size(height, width)
    corners = (uvs * uvs.new_tensor([width, height]))[faces]
    layers = _draw(corners, corners.new_ones(len(faces), 3), height, width, check)
    return Fragments(*(layer[None] for layer in layers))


def _rasterize_view(
    corners: Tensor,  # [M,3,3] camera frame
    intrinsics: Tensor,  # [3,3]
    height: int,
    width: int,
    near: float,
    check: Callable[[], None],
) -> tuple[Tensor, Tensor, Tensor]:
    """Face [H,W], barycentric [H,W,3] and depth [H,W] of one camera."""
    if bool((corners[..., 2] <= near).any()) and corners.device.type != "mps":  # MPS has no float64
        corners = corners.double()  # triangles clipped at the camera extend millions of pixels beyond the image
    corners, parent, weights = clip_near(corners, near)
    pixels = corners @ intrinsics.to(corners).mT
    face, barycentric, depth = _draw(pixels[..., :2] / pixels[..., 2:], 1 / corners[..., 2], height, width, check)
    seen = face >= 0
    if weights is not None:  # weights of clipped corners, as weights of the face's own corners
        barycentric[seen] = (barycentric[seen][:, None] @ weights[face[seen]])[:, 0]
    if parent is not None:
        face[seen] = parent[face[seen]]
    return face, barycentric.float(), depth.float()


def _draw(
    corners: Tensor, inverse_depth: Tensor, height: int, width: int, check: Callable[[], None] = unchecked
) -> tuple[Tensor, Tensor, Tensor]:
    """Face [H,W], barycentric [H,W,3] and depth [H,W] of screen triangles [T,3,2] with 1/z [T,3]."""
    winner = _nearest(corners, inverse_depth, height, width, check)
    pixel = (winner != EMPTY).nonzero().flatten()
    triangle = winner[pixel].long()
    centre = torch.stack([pixel % width, pixel // width], -1) + 0.5
    weights = _screen_barycentric(corners[triangle], centre) * inverse_depth[triangle]
    total = weights.sum(-1, keepdim=True)
    face = torch.full((height * width,), -1, device=corners.device)
    barycentric = corners.new_zeros(height * width, 3)
    depth = corners.new_zeros(height * width)
    face[pixel], barycentric[pixel], depth[pixel] = triangle, weights / total, 1 / total[:, 0]
    return face.view(height, width), barycentric.view(height, width, 3), depth.view(height, width)


def _nearest(corners: Tensor, inverse_depth: Tensor, height: int, width: int, check: Callable[[], None]) -> Tensor:
    """Nearest triangle of each pixel [H*W] int32, `EMPTY` where there is none."""
    nearest = corners.new_zeros(height * width)
    winner = torch.full((height * width,), EMPTY, dtype=torch.int32, device=corners.device)
    slope = _inverse_depth_slope(corners, inverse_depth)
    low, high = inverse_depth.amin(1), inverse_depth.amax(1)
    for triangle, x, y in covered_pixels(corners, height, width):
        check()
        offset = torch.stack([x, y], -1) + 0.5 - corners[triangle, 0]
        value = inverse_depth[triangle, 0] + (offset * slope[triangle]).sum(-1)
        value = torch.minimum(torch.maximum(value, low[triangle]), high[triangle])  # slivers: never off the face
        pixel = y * width + x
        updated = nearest.scatter_reduce(0, pixel, value, "amax")
        winner[updated > nearest] = EMPTY
        best = (value == updated[pixel]).nonzero().flatten()
        winner.scatter_reduce_(0, pixel[best], triangle[best].int(), "amin")
        nearest = updated
    return winner


def _inverse_depth_slope(corners: Tensor, inverse_depth: Tensor) -> Tensor:
    """d(1/z)/d(x,y) over each screen triangle [T,2]; 1/z is linear on the screen."""
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    du, dv = inverse_depth[:, 1] - inverse_depth[:, 0], inverse_depth[:, 2] - inverse_depth[:, 0]
    area = cross(u, v)
    area = torch.where(area == 0, 1.0, area)[:, None]
    return torch.stack([du * v[:, 1] - dv * u[:, 1], dv * u[:, 0] - du * v[:, 0]], -1) / area


def _screen_barycentric(corners: Tensor, point: Tensor) -> Tensor:
    """Barycentric weights [P,3] of `point` [P,2] in screen triangles [P,3,2], clamped to the triangle."""
    u, v, w = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], point - corners[:, 0]
    area = cross(u, v)
    second, third = cross(w, v) / area, cross(u, w) / area
    weights = torch.stack([1 - second - third, second, third], -1).clamp_min(0)
    return weights / weights.sum(-1, keepdim=True)


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise BadInput(f"An image of {width}x{height} pixels is empty; ask for at least 1x1.")
