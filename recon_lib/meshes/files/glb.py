"""A mesh as binary glTF 2.0 (Khronos specification, sections 3.6, 3.7, 3.9 and 4.4): one node, one mesh, one material,
and the cameras of photos.

Written here because ComfyUI's own writer drops textures in many installed versions. Colours follow the standard:
the texture is sRGB, COLOR_0 is linear. Provenance travels as the custom vertex attribute `_PROVENANCE`.
"""

import io
import json
import struct
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from ...cameras.camera import Cameras
from ...color_space import srgb_to_linear
from ..mesh import Mesh
from .gltf_cameras import gltf_cameras

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
LINEAR, MIPMAPPED, CLAMP, REPEAT = 9729, 9987, 33071, 10497
GREY = [0.6, 0.6, 0.6, 1.0]  # base colour of a mesh without colours, linear


class _Chunks:
    """The binary part of the file, and its description."""

    def __init__(self) -> None:
        self.bytes, self.views, self.accessors = bytearray(), [], []

    def view(self, content: bytes, target: int | None = None) -> int:
        """Append a buffer view, aligned to 4 bytes."""
        self.views.append({"buffer": 0, "byteOffset": len(self.bytes), "byteLength": len(content)})
        if target:
            self.views[-1]["target"] = target
        self.bytes += content + b"\0" * (-len(content) % 4)
        return len(self.views) - 1

    def accessor(self, values: np.ndarray, kind: str, component: int, *, limits: bool = False, index: bool = False):
        """Append values [N] or [N,K] and say how to read them."""
        view = self.view(values.tobytes(), ELEMENT_ARRAY_BUFFER if index else ARRAY_BUFFER)
        entry = {"bufferView": view, "componentType": component, "count": len(values), "type": kind}
        if limits:
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        self.accessors.append(entry)
        return len(self.accessors) - 1


def encode_glb(
    mesh: Mesh,
    *,
    provenance: bool = False,
    extras: Mapping[str, str] | None = None,
    cameras: Cameras | None = None,
) -> bytes:
    """The file's bytes. `mesh` needs at least one face; vertex normals are written when it has them.

    A texture wins over vertex colours: viewers would multiply the two. It repeats if the UVs leave 0-1. The mesh's
    origin becomes the node's translation, since JSON has double precision and vertices have not. extras: application
    data of the asset (section 3.11); ComfyUI's page looks for "prompt" and "workflow" there. cameras: of photos, in the
    mesh's frame (`gltf_cameras`).
    """
    chunks = _Chunks()
    attributes = {"POSITION": chunks.accessor(_floats(mesh.vertices), "VEC3", FLOAT, limits=True)}
    if mesh.vertex_normals is not None:
        attributes["NORMAL"] = chunks.accessor(_unit(_floats(mesh.vertex_normals)), "VEC3", FLOAT)
    textured = mesh.uvs is not None and mesh.texture is not None
    if textured:
        attributes["TEXCOORD_0"] = chunks.accessor(_floats(mesh.uvs), "VEC2", FLOAT)
    elif mesh.vertex_colors is not None:
        attributes["COLOR_0"] = chunks.accessor(_floats(srgb_to_linear(mesh.vertex_colors)), "VEC3", FLOAT)
    if provenance and mesh.provenance is not None:
        attributes["_PROVENANCE"] = chunks.accessor(_floats(mesh.provenance), "SCALAR", FLOAT)
    narrow = len(mesh.vertices) < 65535
    faces = mesh.faces.cpu().numpy().reshape(-1).astype("<u2" if narrow else "<u4")
    indices = chunks.accessor(faces, "SCALAR", UINT16 if narrow else UINT32, index=True)
    content = {
        "asset": {"version": "2.0", "generator": "ComfyUI-Recon3D"} | ({"extras": dict(extras)} if extras else {}),
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "object"} | ({"translation": list(mesh.origin)} if any(mesh.origin) else {})],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": indices, "material": 0, "mode": 4}]}],
        "materials": [_material(textured, "COLOR_0" in attributes)],
    }
    if textured:
        wrap = REPEAT if mesh.repeats else CLAMP
        content |= {
            "textures": [{"source": 0, "sampler": 0}],
            "images": [{"bufferView": chunks.view(encode_png(mesh.texture)), "mimeType": "image/png"}],
            "samplers": [{"magFilter": LINEAR, "minFilter": MIPMAPPED, "wrapS": wrap, "wrapT": wrap}],
        }
    if cameras is not None:
        content["cameras"], nodes = gltf_cameras(cameras, mesh.bounds.mean(0))
        content["nodes"] += nodes
        content["scenes"] = [{"nodes": list(range(len(content["nodes"])))}]
    return _packed(content, chunks)


def encode_png(texture: Tensor) -> bytes:
    """[3,H,W] sRGB 0-1 -> PNG, 8 bits."""
    from PIL import Image

    pixels = texture.detach().cpu().float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    stream = io.BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(stream, format="PNG", compress_level=4)
    return stream.getvalue()


def _material(textured: bool, colored: bool) -> dict:
    """A matt surface, seen from both sides since a surface may be open."""
    surface = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    if textured:
        surface["baseColorTexture"] = {"index": 0, "texCoord": 0}
    elif not colored:
        surface["baseColorFactor"] = GREY
    return {"name": "surface", "pbrMetallicRoughness": surface, "doubleSided": True}


def _packed(content: dict, chunks: _Chunks) -> bytes:
    """Header, JSON chunk (padded with spaces) and binary chunk (padded with zeros)."""
    buffers = [{"byteLength": len(chunks.bytes)}]
    content = content | {"buffers": buffers, "bufferViews": chunks.views, "accessors": chunks.accessors}
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(chunks.bytes)
    head = struct.pack("<4sIII4s", b"glTF", 2, total, len(text), b"JSON")
    return head + text + struct.pack("<I4s", len(chunks.bytes), b"BIN\0") + bytes(chunks.bytes)


def _floats(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype("<f4")


def _unit(normals: np.ndarray) -> np.ndarray:
    """The standard allows unit normals only; vertices without area around them get some."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0.5, normals / np.maximum(length, 1e-12), [0, 1, 0]).astype("<f4")
