"""Mesh files into the library, and the way to trimesh and back."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..color_space import linear_to_srgb
from ..errors import BadInput
from .mesh import Mesh

if TYPE_CHECKING:
    from trimesh import Trimesh

READABLE = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")


def load_mesh(path: Path | str) -> Mesh:
    """All parts of a file as one mesh, in the file's own coordinates and units.

    Keeps UVs with the base colour texture, or vertex colours, and this pack's provenance. Parts that differ in
    how they are coloured are joined with vertex colours. Raises `BadInput` for a missing, damaged or unknown file
    and one without triangles.
    """
    import trimesh

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no mesh file {path}; check the name.")
    ending = path.suffix.lower()
    if ending not in READABLE:
        raise BadInput(f"{path.name} is not of a known mesh format; give one of {', '.join(READABLE)}.")
    try:
        # only STL repeats each corner in every triangle, so only there equal vertices are merged
        loaded = trimesh.load(path, process=ending == ".stl")
        parts = [loaded] if isinstance(loaded, trimesh.Trimesh) else loaded.dump()
        parts = [part for part in parts if isinstance(part, trimesh.Trimesh) and len(part.faces)]
        whole = _joined(parts) if parts else None
    except Exception as error:
        raise BadInput(f"{path.name} could not be read ({error}); it is damaged or truncated.") from error
    if whole is None:
        raise BadInput(f"{path.name} holds no triangles; a surface mesh is needed.")
    return from_trimesh(whole, linear_colors=ending in (".glb", ".gltf"))


def _joined(parts: list["Trimesh"]) -> "Trimesh":
    if len(parts) == 1:
        return parts[0]
    import trimesh

    if any(_texture(part) is None for part in parts):
        for part in parts:  # they are ours alone: copies that the loader made
            part.visual = part.visual.to_color()
    return trimesh.util.concatenate(parts)


def from_trimesh(shape: "Trimesh", *, linear_colors: bool = False) -> Mesh:
    """A trimesh object as `Mesh`. linear_colors: vertex colours and factors are linear light, as glTF has them."""
    texture = _texture(shape)
    colors = uvs = None
    if texture is not None:
        uvs = torch.tensor(np.asarray(shape.visual.uv, np.float32)) * torch.tensor([1.0, -1.0]) + torch.tensor([0, 1.0])
    elif shape.visual.defined:
        colors = _vertex_colors(shape)
        colors = linear_to_srgb(colors) if linear_colors else colors
    codes = shape.vertex_attributes.get("_PROVENANCE", shape.vertex_attributes.get("provenance"))
    return Mesh(
        vertices=torch.tensor(np.asarray(shape.vertices, np.float32)),
        faces=torch.tensor(np.asarray(shape.faces, np.int64)),
        vertex_colors=colors,
        uvs=uvs,
        texture=texture,
        provenance=None if codes is None else torch.tensor(np.asarray(codes).reshape(-1).astype(np.uint8)),
    )


def _texture(shape: "Trimesh") -> Tensor | None:
    """The base colour image [3,H,W] sRGB, None when there is none that could be mapped."""
    material = getattr(shape.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    uv = getattr(shape.visual, "uv", None)
    if image is None or uv is None or len(uv) != len(shape.vertices):
        return None
    return torch.tensor(np.asarray(image.convert("RGB"), np.float32)).permute(2, 0, 1) / 255


def _vertex_colors(shape: "Trimesh") -> Tensor:
    """[N,3] 0-1 from vertex colours, face colours, or the material's one colour."""
    visual = shape.visual if hasattr(shape.visual, "vertex_colors") else shape.visual.to_color()
    return torch.tensor(np.asarray(visual.vertex_colors)[:, :3].astype(np.float32)) / 255


def to_trimesh(mesh: Mesh) -> "Trimesh":
    """The mesh as a trimesh object, vertices in the same order."""
    from PIL import Image
    from trimesh import Trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    shape = Trimesh(mesh.vertices.cpu().numpy(), mesh.faces.cpu().numpy(), process=False)
    if mesh.uvs is not None and mesh.texture is not None:
        pixels = mesh.texture.detach().cpu().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous()
        material = PBRMaterial(baseColorTexture=Image.fromarray(pixels.numpy()), metallicFactor=0.0, doubleSided=True)
        uv = mesh.uvs.cpu().numpy() * [1, -1] + [0, 1]  # trimesh counts v upward
        shape.visual = TextureVisuals(uv=uv, material=material)
    elif mesh.vertex_colors is not None:
        shape.visual.vertex_colors = mesh.vertex_colors.cpu().clamp(0, 1).mul(255).round().byte().numpy()
    if mesh.provenance is not None:
        shape.vertex_attributes["_PROVENANCE"] = mesh.provenance.cpu().numpy()
    return shape
