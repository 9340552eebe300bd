"""Baselines of single-view reconstruction: a sphere, the inflated silhouette, the mirrored visible surface."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view.regress import VisibleSurface

MAX_DEPTH_STEP = 0.2  # world units; triangles of the depth map that span more are depth discontinuities


def sphere() -> Mesh:
    """The unit sphere; the protocol's alignment finds its best position and size."""
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=3)
    return Mesh(torch.tensor(ball.vertices, dtype=torch.float32), torch.tensor(ball.faces, dtype=torch.int64))


@dataclass(frozen=True)
class InflatedSilhouette:
    """Field of a silhouette inflated by its distance transform (orthographic)."""

    half_thickness: Tensor  # [1,1,S,S], picture half-widths
    bounds: Tensor
    has_color: bool = False

    @classmethod
    def of(cls, silhouette: Tensor) -> "InflatedSilhouette":
        """silhouette [S,S] bool."""
        from scipy.ndimage import distance_transform_edt

        side = silhouette.shape[-1]
        depth = torch.from_numpy(distance_transform_edt(np.pad(silhouette.numpy(), 1))[1:-1, 1:-1]).float() * 2 / side
        thick = (depth * (2 * depth.max() - depth)).clamp_min(0).sqrt()  # a circle's profile across the widest part
        half_depth = float(thick.max()) + 0.05
        bounds = torch.tensor([[-1.05, -1.05, -half_depth], [1.05, 1.05, half_depth]])
        return cls(torch.where(silhouette, thick, -2.0 / side)[None, None], bounds)

    def inside(self, points: Tensor) -> Tensor:
        """Values [N] at points [N,3], x right, y up, z toward the viewer."""
        grid = points[None, None, :, :2] * points.new_tensor([1.0, -1.0])
        thick = F.grid_sample(self.half_thickness, grid, padding_mode="border", align_corners=False)[0, 0, 0]
        return thick - points[:, 2].abs()


def inflated(silhouette: Tensor) -> Mesh:
    """The inflated silhouette's surface. silhouette [S,S] bool."""
    return extract_mesh(InflatedSilhouette.of(silhouette), 96).mesh


def mirrored(surface: VisibleSurface) -> Mesh:
    """The visible surface, and its mirror image in the plane through its rearmost points."""
    views = surface.views
    front = depth_mesh(views.cameras.unproject(views.depth)[0], (views.depth[0, 0] > 0) & (views.masks[0, 0] > 0.5))
    plane = float(torch.quantile(front.vertices[:, 2], 0.02))
    back = front.vertices * torch.tensor([1.0, 1.0, -1.0]) + torch.tensor([0.0, 0.0, 2 * plane])
    faces = torch.cat([front.faces, front.faces.flip(-1) + len(front.vertices)])
    return Mesh(torch.cat([front.vertices, back]), faces)


def depth_mesh(points: Tensor, mask: Tensor) -> Mesh:
    """Mesh of triangles between neighbouring pixels. points [H,W,3], mask [H,W] bool."""
    number = torch.full(mask.shape, -1, dtype=torch.int64)
    number[mask] = torch.arange(int(mask.sum()))
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    faces = torch.cat([torch.stack([a, c, b], -1).reshape(-1, 3), torch.stack([b, c, d], -1).reshape(-1, 3)])
    faces = faces[(faces >= 0).all(-1)]
    vertices = points[mask]
    depth = vertices[faces][..., 2]
    return Mesh(vertices, faces[depth.amax(-1) - depth.amin(-1) < MAX_DEPTH_STEP])
