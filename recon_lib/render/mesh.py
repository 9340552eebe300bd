"""Rendering of meshes: shaded, unlit, or as normals, depth and provenance."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..cameras.turntable import turntable_cameras
from ..errors import BadInput
from ..memory import explain_oom
from ..meshes.bounding_sphere import bounding_sphere
from ..meshes.mesh import Mesh
from ..meshes.one_origin import counted_alike
from ..progress import Progress
from ..provenance import provenance_colors
from .layers import Rendering, background_color, composite
from .rasterize import Fragments, rasterize
from .shading import CLAY, check_shading, depth_colors, lit, normal_colors

CREASE_COSINE = 0.85  # 32 degrees: corners where the face and vertex normals differ by more are shaded flat
# (a box's corners average to 35 degrees where one side has both of its triangles there)


@explain_oom("rendering the mesh", "ask for smaller pictures")
def render_mesh(
    mesh: Mesh,
    cameras: Cameras,
    *,
    shading: str = "lit",
    background: Sequence[float] = (1.0, 1.0, 1.0),
    supersample: int = 2,
    progress: Progress | None = None,
) -> Rendering:
    """Rendering of `mesh` from all `cameras`, on the mesh's device.

    Either may count from an origin far from zero (`counted_alike`).
    shading: one of `shading.SHADINGS`. lit and albedo use the texture, otherwise the vertex colours, otherwise grey.
    supersample: samples per pixel side for colours and masks; depth and normals are those at pixel centres.
    """
    check_shading(shading)
    if supersample < 1:
        raise BadInput(f"Supersampling of {supersample} is not possible; 1 is off, 2 is usual.")
    if not len(mesh.faces):
        raise BadInput("The mesh has no faces to render; check the stage that made it.")
    if shading == "provenance" and mesh.provenance is None:
        raise BadInput("The mesh has no provenance of its vertices; bake it from views first.")
    color = background_color(background, mesh.vertices.device)
    mesh, cameras = counted_alike(mesh, cameras)
    cameras = cameras.to(mesh.vertices.device)
    normals = corner_normals(mesh)
    progress = progress or Progress()
    progress.start("Render mesh", len(cameras))
    views = []
    for i in range(len(cameras)):
        views.append(_render_view(mesh, normals, cameras[i], shading, color, supersample, progress.check))
        progress.step(views[-1].images[0])
    return Rendering.cat(views)


def turntable(
    mesh: Mesh,
    frames: int = 24,
    elevation: float = 15.0,
    *,
    start: float = 0.0,
    fov: float = 30.0,
    size: int = 512,
    shading: str = "lit",
    background: Sequence[float] = (1.0, 1.0, 1.0),
    supersample: int = 2,
    progress: Progress | None = None,
) -> Rendering:
    """Rendering of `frames` pictures around the whole mesh, framed by its bounding sphere."""
    center, radius = bounding_sphere(mesh.vertices)
    cameras = turntable_cameras(
        frames, elevation=elevation, start=start, fov=fov, size=size, center=center, radius=radius
    )
    return render_mesh(
        mesh, cameras, shading=shading, background=background, supersample=supersample, progress=progress
    )


def corner_normals(mesh: Mesh) -> Tensor:
    """Unit normals at the faces' corners [M,3,3] world: the mesh's own, otherwise smooth ones with sharp creases."""
    if mesh.vertex_normals is not None:
        return mesh.vertex_normals[mesh.faces]
    return creased_normals(mesh.with_normals())


def creased_normals(mesh: Mesh, crease: float = CREASE_COSINE) -> Tensor:
    """Vertex normals at the faces' corners [M,3,3], or the face's normal where their cosine is below `crease`."""
    smooth = mesh.vertex_normals[mesh.faces]
    flat = mesh.face_normals[:, None].expand_as(smooth)
    return torch.where((smooth * flat).sum(-1, keepdim=True) < crease, flat, smooth)


def sample_texture(texture: Tensor, uvs: Tensor, *, repeat: bool = False) -> Tensor:
    """Bilinear colours of `texture` [3,H,W] at uvs [P,2] ((0,0) the top-left corner) -> [P,3].

    repeat: the texture goes on beyond its edges (`Mesh.repeats`); otherwise its outermost texels do.
    """
    if repeat:
        size = uvs.new_tensor(texture.shape[:0:-1])
        texture = F.pad(texture[None], (1, 1, 1, 1), mode="circular")[0]
        uvs = ((uvs - uvs.floor()) * size + 1) / (size + 2)
    grid = (uvs * 2 - 1).view(1, 1, -1, 2)
    colors = F.grid_sample(texture[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    return colors[0, :, 0].T


def surface_albedo(mesh: Mesh, fragments: Fragments) -> Tensor:
    """Albedo of the surface at every pixel [V,H,W,3]; 0 where there is none."""
    albedo = fragments.barycentric.new_zeros((*fragments.face.shape, 3))
    seen = fragments.mask
    if mesh.texture is not None and mesh.uvs is not None:
        albedo[seen] = sample_texture(
            mesh.texture, fragments.interpolate_seen(mesh.uvs[mesh.faces]), repeat=mesh.repeats
        )
    elif mesh.vertex_colors is not None:
        albedo = fragments.interpolate(mesh.vertex_colors[mesh.faces])
    else:
        albedo[seen] = albedo.new_tensor(CLAY)
    return albedo


def _render_view(
    mesh: Mesh,
    normals: Tensor,
    camera: Cameras,
    shading: str,
    background: Tensor,
    supersample: int,
    check: Callable[[], None],
) -> Rendering:
    fine = camera.resized(camera.height * supersample, camera.width * supersample)
    fragments = rasterize(mesh, fine, check=check)
    check()
    camera_normals = _camera_normals(fragments, normals, camera)
    image, mask = composite(_colors(mesh, fragments, camera_normals, shading), fragments.mask, background, supersample)
    if supersample > 1:
        check()
        fragments = rasterize(mesh, camera, check=check)
        camera_normals = _camera_normals(fragments, normals, camera)
    return Rendering(image, mask, fragments.depth[:, None], camera_normals.permute(0, 3, 1, 2))


def _camera_normals(fragments: Fragments, normals: Tensor, camera: Cameras) -> Tensor:
    """Unit camera-frame normals [1,H,W,3]."""
    return F.normalize(fragments.interpolate(normals) @ camera.rotation[:, None], dim=-1)


def _colors(mesh: Mesh, fragments: Fragments, normals: Tensor, shading: str) -> Tensor:
    """sRGB of every sample [1,H,W,3]."""
    if shading == "normal":
        return normal_colors(normals)
    if shading == "depth":
        return depth_colors(fragments.depth[..., None])
    if shading == "clay":
        return lit(normals.new_tensor(CLAY).expand_as(normals), normals)
    if shading == "provenance":
        return lit(_provenance_albedo(mesh, fragments), normals)
    albedo = surface_albedo(mesh, fragments)
    return albedo if shading == "albedo" else lit(albedo, normals)


def _provenance_albedo(mesh: Mesh, fragments: Fragments) -> Tensor:
    """Colour of the nearest corner's code [1,H,W,3]; codes must not be interpolated."""
    seen = fragments.mask
    nearest = fragments.barycentric[seen].argmax(-1, keepdim=True)
    vertex = mesh.faces[fragments.face[seen]].gather(1, nearest)[:, 0]
    albedo = fragments.barycentric.new_zeros((*fragments.face.shape, 3))
    albedo[seen] = provenance_colors(mesh.provenance[vertex])
    return albedo
