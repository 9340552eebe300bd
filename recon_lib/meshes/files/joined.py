"""The parts of a file as one mesh: near the origin, with one texture, or with vertex colours."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ...errors import BadInput
from ..mesh import UV_SLACK, Mesh
from .atlas import Painted, make_atlas
from .colors import to_linear, to_srgb
from .part import Part, Picture

PLAIN_GREY = 0.8  # sRGB grey of a part without colours among coloured ones
FAR = 1000.0  # extents from the origin: float32 then rounds by 6e-5 of the extent, and an origin is subtracted
LARGEST = 1e30


def joined(parts: Sequence[Part], name: str) -> Mesh | None:
    """One mesh of all parts, None if they hold no triangles.

    It keeps a texture as it is if all parts share it; different textures are packed into one, with tints, repeats
    and vertex colours multiplied in. Without textures it has vertex colours, if any part has colours.
    `name` is the file's, for the sentence about coordinates that no number here can hold.
    """
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        return None
    parts = _tinted(parts)
    uvs = texture = colors = None
    if all(part.picture is not None and part.picture is parts[0].picture for part in parts) and _plain(parts):
        uvs = np.concatenate([part.uvs for part in parts if part.uvs is not None])
        texture = parts[0].picture.pixels
    elif any(part.picture is not None for part in parts):
        painted = make_atlas([_with_color(part) for part in parts])
        parts, uvs, texture = _split(parts, painted.parts), painted.uvs, painted.pixels
    elif any(part.colors is not None for part in parts):
        colored = [_with_color(part).colors for part in parts]
        colors = to_srgb(np.concatenate([part for part in colored if part is not None]))
    codes = [part.provenance for part in parts if part.provenance is not None]
    vertices, origin = near_origin(np.concatenate([part.vertices for part in parts]), name)
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)])
    return Mesh(
        vertices=vertices,
        faces=torch.from_numpy(np.ascontiguousarray(faces, np.int64)),
        vertex_colors=None if colors is None else torch.from_numpy(colors).float(),
        uvs=None if uvs is None else torch.from_numpy(uvs).float(),
        texture=None if texture is None else torch.tensor(texture).permute(2, 0, 1).float() / 255,
        provenance=torch.from_numpy(np.concatenate(codes).copy()) if len(codes) == len(parts) else None,
        origin=origin,
    )


def near_origin(points: np.ndarray, name: str) -> tuple[torch.Tensor, tuple[float, float, float]]:
    """Points [N,3] float64 as float32, and what was subtracted: zero unless they lie `FAR` away."""
    largest = float(np.abs(points).max())
    if not largest < LARGEST:
        raise BadInput(f"{name} has coordinates up to {largest:.0e}, which is too large; scale it down.")
    low, high = points.min(0), points.max(0)
    extent = float((high - low).max())
    origin = np.zeros(3)
    if largest > FAR * extent > 0:
        # whole steps of a power of two near the extent, so that nothing is rounded when it is added again
        step = 2.0 ** math.floor(math.log2(extent))
        origin = np.round((low + high) / 2 / step) * step
    return torch.from_numpy(points - origin).float(), (float(origin[0]), float(origin[1]), float(origin[2]))


def _tinted(parts: list[Part]) -> list[Part]:
    """Parts whose one colour is multiplied into their picture, or spread over their vertices."""
    made: dict[tuple[int, tuple[float, ...]], Picture] = {}
    result = []
    for part in parts:
        tint, colors = part.tint, part.colors
        if colors is not None and part.picture is not None and np.ptp(colors, axis=0).max() < 1e-6:
            tint, colors = colors[0] * (1 if tint is None else tint), None
        if part.picture is None:
            if tint is not None:
                colors = np.broadcast_to(tint, part.vertices.shape) * (1 if colors is None else colors)
            result.append(replace(part, uvs=None, tint=None, colors=colors))
            continue
        tint = np.ones(3) if tint is None else tint
        key = (id(part.picture), tuple(tint))
        if key not in made:
            made[key] = (
                part.picture if tint.min() >= 1 else Picture(tinted(part.picture.pixels, tint), part.picture.wrap)
            )
        result.append(replace(part, picture=made[key], tint=None, colors=colors))
    return result


def tinted(pixels: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """Pixels [H,W,3] uint8 sRGB times a linear colour [3]: sRGB is decoded and coded by a table a channel."""
    levels = to_srgb(to_linear(np.arange(256) / 255)[:, None] * tint)  # [256,3]
    tables = (levels * 255).round().astype(np.uint8)
    return np.stack([tables[pixels[..., k], k] for k in range(3)], -1)


def _plain(parts: list[Part]) -> bool:
    """The shared picture can stay: no colours to multiply, and it repeats or the UVs stay on it."""
    if any(part.colors is not None for part in parts):
        return False
    inside = all((part.uvs >= -UV_SLACK).all() and (part.uvs <= 1 + UV_SLACK).all() for part in parts)
    return inside or parts[0].picture.wrap == ("repeat", "repeat")


def _with_color(part: Part) -> Part:
    """The part, grey if it has no colour."""
    if part.picture is not None or part.colors is not None:
        return part
    return replace(part, colors=np.full(part.vertices.shape, float(to_linear(np.array(PLAIN_GREY)))))


def _split(parts: list[Part], painted: list[Painted]) -> list[Part]:
    """The parts with the vertices that the atlas needs."""
    return [
        replace(
            part,
            vertices=part.vertices[new.vertex],
            faces=new.faces,
            provenance=None if part.provenance is None else part.provenance[new.vertex],
        )
        for part, new in zip(parts, painted, strict=True)
    ]
