"""Which side of a surface cameras see: meshes of others are wound the wrong way at times, or are open sheets."""

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..meshes.mesh import Mesh
from ..meshes.pieces import face_pieces
from .rasterize import rasterize

SIDE_PX = 256  # of the pictures in which pieces are judged


def facing_signs(mesh: Mesh, cameras: Cameras) -> Tensor:
    """Factors [V,M] for the faces' normals: -1 where a camera sees a piece of the surface mostly from behind, else 1.

    Pieces are connected parts (`face_pieces`). A closed solid is seen from outside, whatever its winding says; an open
    sheet from either side.
    """
    scale = SIDE_PX / max(cameras.height, cameras.width)
    if scale < 1:
        cameras = cameras.resized(max(round(cameras.height * scale), 1), max(round(cameras.width * scale), 1))
    pieces, normals, middles = face_pieces(mesh), mesh.face_normals, mesh.triangles.mean(1)
    signs = []
    for view in range(len(cameras)):
        face = rasterize(mesh, cameras[view]).face
        face = face[face >= 0]
        toward = ((cameras.position[view].to(middles) - middles[face]) * normals[face]).sum(-1).sign()
        total = torch.zeros(int(pieces.max()) + 1).to(toward).index_add_(0, pieces[face], toward)
        signs.append(torch.where(total < 0, -1.0, 1.0)[pieces])
    return torch.stack(signs)
