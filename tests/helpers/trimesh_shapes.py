"""Meshes as trimesh objects, an independent writer of the files that the library reads."""

from PIL import Image
from trimesh import Trimesh
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from recon_lib.meshes.mesh import Mesh


def to_trimesh(mesh: Mesh) -> Trimesh:
    """The mesh as a trimesh object, vertices in the same order."""
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
