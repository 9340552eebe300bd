"""Which points of a mesh's surface a camera sees."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..errors import BadInput
from .columns import column_crossings
from .mesh import Mesh

BIAS = 1e-4  # of the mesh's box diagonal: a surface this close in front of a point is the point's own


def visible_points(
    mesh: Mesh,
    points: Tensor,  # [N,3] on the mesh's surface, world
    cameras: Cameras,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """True where a point lies inside the image and no triangle stands before it: [V,N] bool.

    Exact ray tests, no depth buffer: in (u, v, 1/z) the perspective image of a triangle is a flat triangle again,
    and a viewing ray is a vertical line. Triangles hide what is behind them from either side, so open meshes work.
    """
    check_shape("points", points, "N", 3)
    bias = BIAS * float((mesh.vertices.amax(0) - mesh.vertices.amin(0)).norm())
    seen = [_seen_by_one(mesh, points, cameras[i], bias, check) for i in range(len(cameras))]
    return torch.stack(seen) if seen else torch.zeros(0, len(points), dtype=torch.bool)


def _seen_by_one(mesh: Mesh, points: Tensor, camera: Cameras, bias: float, check: Callable[[], None]) -> Tensor:
    corners, target = _screen(mesh.vertices, camera), _screen(points, camera)
    if float(corners[:, 2].min()) <= 0:
        raise BadInput("Part of the mesh lies behind the camera, so what it sees is undefined; move the camera back.")
    depth = 1 / target[:, 2]
    u, v = target[:, 0], target[:, 1]
    seen = (u >= 0) & (u <= camera.width) & (v >= 0) & (v <= camera.height)
    inside = seen.nonzero().flatten()
    hits = column_crossings(corners[mesh.faces], target[inside, :2], check)
    hidden = 1 / hits.height < depth[inside[hits.line]] - bias
    seen[inside[hits.line[hidden]]] = False
    return seen


def _screen(points: Tensor, camera: Cameras) -> Tensor:
    """World points [N,3] -> [N,3] float64: pixel x, pixel y, inverse z-depth (<= 0 behind the camera)."""
    local = (points.double() - camera.position[0].double()) @ camera.rotation[0].double()
    pixels = local @ camera.intrinsics[0].double().mT
    return torch.cat([pixels[:, :2], torch.ones_like(pixels[:, :1])], -1) / pixels[:, 2:]
