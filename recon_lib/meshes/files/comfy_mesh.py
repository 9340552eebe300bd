"""ComfyUI's MESH and back, recognised by its fields and never by its class (core loads its extras by path).

Old form (to 2025): vertices [B,N,3], faces [B,M,3]. New form adds uvs [B,N,2], vertex_colors [B,N,3 or 4] (linear,
SaveGLB writes them as COLOR_0 unchanged), texture [B,H,W,3] sRGB, normals [B,N,3], and for batches padded to one
size vertex_counts and face_counts [B]. Between nodes of this pack `recon3d_provenance` [B,N] is added,
`recon3d_texture_provenance` [B,H,W], and `recon3d_origin` [B,3] float64 for meshes that have one (`Mesh.origin`).
"""

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ...color_space import linear_to_srgb, srgb_to_linear
from ...errors import BadInput
from ..mesh import Mesh

Factory = Callable[..., object]  # called with (vertices, faces, **fields it knows)


def mesh_from_comfy(value: object) -> Mesh:
    """The one mesh that a MESH holds. `BadInput` for a batch of several and as `meshes_from_comfy`."""
    meshes = meshes_from_comfy(value)
    if len(meshes) != 1:
        raise BadInput(f"The MESH is a batch of {len(meshes)}; this node takes one: make them one at a time.")
    return meshes[0]


def meshes_from_comfy(value: object) -> list[Mesh]:
    """Every mesh of a MESH, without padding, as copies. `BadInput` names the pack that sends anything else."""
    vertices, faces = getattr(value, "vertices", None), getattr(value, "faces", None)
    if not (_is_batch(vertices, 3) and _is_batch(faces, 3)):
        raise BadInput(_foreign_mesh_message(value))
    count = len(vertices)
    if not count or len(faces) != count:
        raise BadInput(f"The MESH holds {count} vertex lists and {len(faces)} face lists; the node before is broken.")
    try:
        return [_item(value, index) for index in range(count)]
    except BadInput:
        raise
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).split("\n")[0][:100]
        raise BadInput(f"The MESH's fields do not fit together ({reason}); the node before is broken.") from error


def mesh_to_comfy(mesh: Mesh | Sequence[Mesh], factory: Factory | None = None) -> object:
    """One mesh, or several as a padded batch, as a MESH made by `factory` (ComfyUI's class, whichever it has).

    Fields that the factory does not know are set on what it returns, so that nothing is lost between our own nodes;
    without a factory the MESH is a plain object with these fields.
    """
    meshes = [mesh] if isinstance(mesh, Mesh) else list(mesh)
    if not meshes:
        raise BadInput("There is no mesh to hand on; check the stage that should have made one.")
    fields: dict[str, Tensor | None] = {
        "uvs": _padded([m.uvs for m in meshes]),
        "vertex_colors": _padded([m.vertex_colors for m in meshes]),
        "texture": _stacked([m.texture for m in meshes]),
        "normals": _padded([m.vertex_normals for m in meshes]),
        "recon3d_provenance": _padded([m.provenance for m in meshes]),
    }
    if len(meshes) == 1 and meshes[0].texture_provenance is not None:  # textures of batches are brought to one size
        fields["recon3d_texture_provenance"] = meshes[0].texture_provenance.detach().cpu()[None]
    if any(any(m.origin) for m in meshes):
        fields["recon3d_origin"] = torch.tensor([m.origin for m in meshes], dtype=torch.float64)
    if fields["vertex_colors"] is not None:
        fields["vertex_colors"] = srgb_to_linear(fields["vertex_colors"])
    sizes = [(len(m.vertices), len(m.faces)) for m in meshes]
    if len(set(sizes)) > 1:
        fields["vertex_counts"], fields["face_counts"] = torch.tensor(sizes).T.contiguous()
    vertices, faces = _padded([m.vertices for m in meshes]), _padded([m.faces for m in meshes])
    return _made(factory, vertices, faces, {name: value for name, value in fields.items() if value is not None})


def _made(factory: Factory | None, vertices: Tensor, faces: Tensor, fields: dict[str, Tensor]) -> object:
    if factory is None:
        return SimpleNamespace(vertices=vertices, faces=faces, **fields)
    known = inspect.signature(factory).parameters
    result = factory(vertices, faces, **{name: value for name, value in fields.items() if name in known})
    for name, value in fields.items():
        if name not in known:
            setattr(result, name, value)
    return result


def _item(value: Any, index: int) -> Mesh:
    """One mesh of the batch."""

    def count(name: str, longest: int) -> int:
        counts = getattr(value, name, None)
        result = longest if counts is None else int(counts[index])
        if not 0 <= result <= longest:
            raise BadInput(f"The MESH's {name} says {result} of {longest}; the node before is broken.")
        return result

    vertex_count = count("vertex_counts", len(value.vertices[index]))
    face_count = count("face_counts", len(value.faces[index]))

    def rows(name: str, width: int) -> Tensor | None:
        field = getattr(value, name, None)
        return None if field is None else _copy(field[index])[:vertex_count, :width]

    colors, texture = rows("vertex_colors", 3), getattr(value, "texture", None)
    codes = getattr(value, "recon3d_provenance", None)
    texel_codes = getattr(value, "recon3d_texture_provenance", None)
    if texel_codes is not None and (texture is None or texel_codes.shape != texture.shape[:3]):
        texel_codes = None  # another pack's node changed the texture
    origins = getattr(value, "recon3d_origin", None)
    return Mesh(
        vertices=rows("vertices", 3),
        faces=_copy(value.faces[index])[:face_count].long(),
        vertex_normals=rows("normals", 3),
        vertex_colors=None if colors is None else linear_to_srgb(colors),
        uvs=rows("uvs", 2),
        texture=None if texture is None else _copy(texture[index])[..., :3].permute(2, 0, 1).contiguous(),
        provenance=None if codes is None else codes[index][:vertex_count].to("cpu", torch.uint8, copy=True),
        texture_provenance=None if texel_codes is None else texel_codes[index].to("cpu", torch.uint8, copy=True),
        origin=(0.0, 0.0, 0.0) if origins is None else tuple(origins[index].tolist()),
    )


def _copy(values: Tensor) -> Tensor:
    """On the CPU; floats as float32 (ComfyUI may send half precision)."""
    if values.is_complex():
        raise BadInput("The MESH holds complex numbers; the node before is broken.")
    dtype = torch.float32 if values.is_floating_point() else torch.int64
    return values.detach().to("cpu", dtype, copy=True)


def _padded(parts: Sequence[Tensor | None]) -> Tensor | None:
    """[B, longest, ...] filled up with zeros; None unless all are there."""
    if any(part is None for part in parts):
        return None
    return torch.nn.utils.rnn.pad_sequence([part.detach().cpu() for part in parts], batch_first=True).contiguous()


def _stacked(textures: Sequence[Tensor | None]) -> Tensor | None:
    """[3,H,W] each -> [B,H,W,3]; smaller ones are enlarged to the largest, so that they fit one tensor."""
    if any(texture is None for texture in textures):
        return None
    height, width = (max(t.shape[axis] for t in textures) for axis in (1, 2))
    grown = [
        t if t.shape[1:] == (height, width)
        else torch.nn.functional.interpolate(t[None], (height, width), mode="bilinear", align_corners=False)[0]
        for t in textures
    ]  # fmt: skip
    return torch.stack([t.detach().cpu().movedim(0, -1) for t in grown]).contiguous()


def _is_batch(value: object, width: int) -> bool:
    """A tensor [B,N,width], or a list of tensors [N,width]."""
    if isinstance(value, Tensor):
        return value.ndim == 3 and value.shape[-1] == width
    return isinstance(value, (list, tuple)) and all(
        isinstance(v, Tensor) and v.ndim == 2 and v.shape[-1] == width for v in value
    )


def _foreign_mesh_message(value: object) -> str:
    """The sentence for a payload that is no MESH of ComfyUI's: what it is, who sends such, what to do."""
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    if type(first).__module__.split(".")[0] == "trimesh":
        sender = "a list of trimesh objects, as Stable Fast 3D and Flowty TripoSR send it"
        if first is value:
            sender = "a trimesh object, as TRELLIS, Hunyuan3D and GeometryPack wrappers send it"
        return f"The MESH is {sender}; save it to a file there and read that with Load Mesh."
    if callable(getattr(value, "write", None)):
        return "The MESH is a ComfyUI-3D-Pack mesh; save it there and read the file with Load Mesh."
    if isinstance(value, str) or hasattr(value, "__fspath__") or hasattr(value, "file_format"):
        return "The MESH is a file or its name; read it with Load Mesh."
    return (
        f"The MESH is a {type(value).__name__} without vertices (batch, count, 3) and faces (batch, count, 3) tensors, "
        "so another pack made it; save it there and read the file with Load Mesh."
    )
