"""Near-plane clipping of triangles."""

import torch
from torch import Tensor


def clip_near(corners: Tensor, near: float) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Clip faces with corners [M,3,3], camera frame, at z = `near`. -> corners [T,3,3], parent, weights.

    `parent` [T] is the face that each triangle comes from, `weights` [T,3,3] are its corners (rows) as barycentric
    weights of that face. They are None if they are trivial: no face dropped, no face cut.
    """
    front = corners[..., 2] > near
    count = front.sum(1)
    if bool((count == 3).all()):
        return corners, None, None
    whole = (count == 3).nonzero().flatten()
    pieces = [_keep_one(corners, count, near), *_keep_two(corners, count, near)]
    parent = torch.cat([whole, *(p for p, _ in pieces)])
    if len(parent) == len(whole):
        return corners[whole], whole, None
    identity = torch.eye(3).to(corners).expand(len(whole), 3, 3)
    weights = torch.cat([identity, *(w for _, w in pieces)])
    clipped = weights @ corners[parent]
    # rounding must not put a cut corner behind the plane
    clipped = torch.cat([clipped[..., :2], clipped[..., 2:].clamp_min(near)], -1)
    return clipped, parent, weights


def _keep_one(corners: Tensor, count: Tensor, near: float) -> tuple[Tensor, Tensor]:
    """Clipped faces with one corner in front: that corner and two cuts."""
    parent = (count == 1).nonzero().flatten()
    order = _lone_first(corners[parent, :, 2] > near)
    a, b, c = torch.eye(3).to(corners)[order].unbind(1)
    z = corners[parent, :, 2]
    return parent, torch.stack([a, _cut(a, b, z, near), _cut(a, c, z, near)], 1)


def _keep_two(corners: Tensor, count: Tensor, near: float) -> list[tuple[Tensor, Tensor]]:
    """Clipped faces with one corner behind: quadrangles, each as two triangles."""
    parent = (count == 2).nonzero().flatten()
    order = _lone_first(corners[parent, :, 2] <= near)
    a, b, c = torch.eye(3).to(corners)[order].unbind(1)
    z = corners[parent, :, 2]
    ab, ac = _cut(a, b, z, near), _cut(a, c, z, near)
    return [(parent, torch.stack([ab, b, c], 1)), (parent, torch.stack([ab, c, ac], 1))]


def _lone_first(lone: Tensor) -> Tensor:
    """Corner order [P,3] that starts at the one marked corner and keeps the winding. lone [P,3] bool."""
    start = lone.int().argmax(1, keepdim=True)
    return (start + torch.arange(3, device=lone.device)) % 3


def _cut(a: Tensor, b: Tensor, z: Tensor, near: float) -> Tensor:
    """Weights [P,3] of the point at z = near between the corners with weights a and b [P,3]. z [P,3] of the face."""
    za, zb = (a * z).sum(1, keepdim=True), (b * z).sum(1, keepdim=True)
    t = (near - za) / (zb - za)
    return a + (b - a) * t
