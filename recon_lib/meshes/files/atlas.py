"""One texture for parts that are coloured differently.

Of each picture the atlas holds the window of texels that its parts use, repeated as often as they repeat it, and a
margin. A part with one colour gets a small square. A part whose colours change from vertex to vertex gets a window a
triangle, in which picture and colours are multiplied: nothing smaller is right where triangles share texels.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .colors import to_linear, to_srgb
from .part import Part, Picture

log = logging.getLogger("recon3d")
MARGIN = 4  # texels around a window, so that smaller versions of the texture do not mix neighbours
THIN_MARGIN = 1  # around the window of a triangle
CHUNK = 2**20  # texels that are painted at once
MAX_SIDE = 8192
MAX_TEXELS = 2**25  # 400 MB as floats
MAX_REPEATS = 1024  # along a side: beyond, the texture's mean colour is what anyone sees
PLAIN = Picture(np.full((4, 4, 3), 255, np.uint8))


@dataclass(frozen=True)
class Painted:
    """A part in the atlas."""

    vertex: np.ndarray  # [N'] the part's vertex of each new one
    faces: np.ndarray  # [M,3] of new vertices


@dataclass(frozen=True)
class Atlas:
    """The texture of several parts."""

    pixels: np.ndarray  # [H,W,3] uint8 sRGB
    uvs: np.ndarray  # [N',2] of all parts, one after another
    parts: list[Painted]


@dataclass(frozen=True)
class _Windows:
    """K pieces of the atlas that show one picture."""

    picture: Picture
    low: np.ndarray  # [K,2] the first texel, of the endlessly repeated picture
    size: np.ndarray  # [K,2] texels, margin included
    corners: np.ndarray | None = None  # [K,3,2] of triangles, in texels from `low`
    colors: np.ndarray | None = None  # [K,3,3] linear, at the corners

    @classmethod
    def around(cls, picture: Picture, low: np.ndarray, high: np.ndarray, margin: int) -> "_Windows":
        """Windows around UVs from low to high [K,2]."""
        first = np.floor(low * _size(picture)).astype(np.int64) - margin
        return cls(picture, first, np.ceil(high * _size(picture)).astype(np.int64) + margin - first)


@dataclass(frozen=True)
class _Use:
    """Which window new vertices lie in, and where."""

    painted: Painted
    window: np.ndarray  # [N'] index of the window
    texel: np.ndarray  # [N',2] in the window


def make_atlas(parts: Sequence[Part]) -> Atlas:
    """The atlas of parts that each have a picture with UVs, or colours, or both."""
    parts = [_countable(part) for part in parts]
    scale = 1.0
    while True:
        batches, uses = _planned(parts, scale)
        places, size = _packed(np.concatenate([batch.size for batch in batches]))
        excess = max(size.prod() / MAX_TEXELS, (size.max() / MAX_SIDE) ** 2)
        if excess <= 1 or scale < 1e-3:
            break
        scale *= 0.95 / math.sqrt(excess)
    if scale < 1:
        log.warning("The textures of all parts do not fit into one: they are reduced to %.0f %%.", 100 * scale)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    first = 0
    for batch in batches:
        _paint(pixels, batch, places[first : first + len(batch.size)])
        first += len(batch.size)
    uvs = np.concatenate([(use.texel + places[use.window]) / size for use in uses])
    return Atlas(pixels, uvs, [use.painted for use in uses])


def _planned(parts: Sequence[Part], scale: float) -> tuple[list[_Windows], list[_Use]]:
    """All windows, with pictures reduced by `scale`, and how the parts use them."""
    batches: list[_Windows] = []
    uses = []
    shared: dict[int, tuple[int, _Windows]] = {}
    spans = _spans(parts)
    count = 0
    for part in parts:
        everywhere = np.zeros(len(part.vertices), np.int64)
        whole = Painted(np.arange(len(part.vertices)), part.faces)
        if part.picture is not None and part.colors is None:
            key = id(part.picture)
            if key not in shared:
                low, high = spans[key]
                batches.append(_Windows.around(_reduced(part.picture, scale), low[None], high[None], MARGIN))
                shared[key] = count, batches[-1]
            index, window = shared[key]
            texel = _brought_near(part.uvs, part.picture) * _size(window.picture) - window.low[0]
            uses.append(_Use(whole, everywhere + index, np.clip(texel, 0, window.size[0])))
        elif part.picture is None and part.colors is not None and np.ptp(part.colors, axis=0).max() < 1e-6:
            batches.append(_one_color(part.colors[0]))
            uses.append(_Use(whole, everywhere + count, np.full((len(part.vertices), 2), float(MARGIN))))
        else:
            batches.append(_of_triangles(part, scale))
            faces = np.arange(part.faces.size).reshape(-1, 3)
            window_of = count + np.repeat(np.arange(len(faces)), 3)
            uses.append(_Use(Painted(part.faces.reshape(-1), faces), window_of, batches[-1].corners.reshape(-1, 2)))
        count = sum(len(batch.size) for batch in batches)
    return batches, uses


def _one_color(color: np.ndarray) -> _Windows:
    """A small square of a colour [3], linear."""
    size = np.full((1, 2), 2 * MARGIN)
    corners = np.full((1, 3, 2), float(MARGIN))
    return _Windows(PLAIN, np.zeros((1, 2), np.int64), size, corners, np.tile(color, (1, 3, 1)))


def _of_triangles(part: Part, scale: float) -> _Windows:
    """A window for each triangle of a part with vertex colours."""
    if part.picture is None or part.uvs is None:
        picture, uvs = PLAIN, np.tile(np.array([[0.0, 0], [1, 0], [0, 1]]) * 0.5, (len(part.faces), 1, 1))
    else:
        picture, uvs = _reduced(part.picture, scale), _brought_near(part.uvs[part.faces], part.picture)
    windows = _Windows.around(picture, uvs.min(1), uvs.max(1), THIN_MARGIN)
    corners = uvs * _size(picture) - windows.low[:, None]
    return replace(windows, corners=corners, colors=None if part.colors is None else part.colors[part.faces])


def _spans(parts: Sequence[Part]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """The lowest and highest UV of all parts that show a picture, by its id."""
    spans: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for part in parts:
        if part.picture is not None and part.colors is None:
            uvs = _brought_near(part.uvs, part.picture)
            low, high = spans.get(id(part.picture), (uvs.min(0), uvs.max(0)))
            spans[id(part.picture)] = np.minimum(low, uvs.min(0)), np.maximum(high, uvs.max(0))
    return spans


def _brought_near(uvs: np.ndarray, picture: Picture) -> np.ndarray:
    """UVs [...,N,2] moved by whole repeats, all N alike, to start near 0; held where the picture is clamped."""
    moved = uvs.copy()
    for axis, wrap in enumerate(picture.wrap):
        if wrap == "clamp":
            moved[..., axis] = moved[..., axis].clip(-1, 2)
        else:
            period = 2 if wrap == "mirror" else 1
            moved[..., axis] -= np.floor(moved[..., axis].min(-1, keepdims=True) / period) * period
    return moved


def _countable(part: Part) -> Part:
    """The part; in place of a picture that repeats beyond counting, its mean colour."""
    if part.picture is None or _spans([replace(part, colors=None)])[id(part.picture)][1].max() < MAX_REPEATS:
        return part
    log.warning("A texture repeats more than %d times: its mean colour is shown.", MAX_REPEATS)
    mean = to_linear(np.arange(256) / 255)[part.picture.pixels].mean((0, 1))
    colors = np.ones_like(part.vertices) if part.colors is None else part.colors
    return replace(part, picture=None, uvs=None, colors=mean * colors)


def _reduced(picture: Picture, scale: float) -> Picture:
    """The picture made smaller by `scale`."""
    from PIL import Image

    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.pixels.shape[1::-1]]
    return Picture(np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.BOX)), picture.wrap)


def _paint(pixels: np.ndarray, windows: _Windows, places: np.ndarray) -> None:
    """Write the windows to their places [K,2] in the atlas; those of one size together."""
    sizes, kind = np.unique(windows.size, axis=0, return_inverse=True)
    order = np.argsort(kind.reshape(-1), kind="stable")
    at = 0
    for (width, height), count in zip(sizes, np.bincount(kind.reshape(-1)), strict=True):
        step = max(1, CHUNK // int(width * height))
        for start in range(at, at + count, step):
            chosen = order[start : min(start + step, at + count)]
            rows, columns = (
                places[chosen, axis, None] + np.arange(length) for axis, length in ((1, height), (0, width))
            )
            pixels[rows[:, :, None], columns[:, None, :]] = _content(windows, chosen, width, height)
        at += count


def _content(windows: _Windows, chosen: np.ndarray, width: int, height: int) -> np.ndarray:
    """The texels [n,h,w,3] uint8 of some windows of one size."""
    picture, low = windows.picture, windows.low[chosen]
    columns = _wrapped(low[:, 0, None] + np.arange(width), picture.pixels.shape[1], picture.wrap[0])
    rows = _wrapped(low[:, 1, None] + np.arange(height), picture.pixels.shape[0], picture.wrap[1])
    texels = picture.pixels[rows[:, :, None], columns[:, None, :]]
    if windows.corners is None or windows.colors is None:
        return texels
    light = to_linear(np.arange(256) / 255)[texels]
    light *= _blended(windows.corners[chosen], windows.colors[chosen], width, height)
    return (to_srgb(light) * 255).round().astype(np.uint8)


def _wrapped(texels: np.ndarray, size: int, wrap: str) -> np.ndarray:
    """Indices of the endless picture as indices of the stored one."""
    if wrap == "clamp":
        return texels.clip(0, size - 1)
    if wrap == "mirror":
        texels = texels % (2 * size)
        return np.minimum(texels, 2 * size - 1 - texels)
    return texels % size


def _blended(corners: np.ndarray, colors: np.ndarray, width: int, height: int) -> np.ndarray:
    """The corners' colours [n,3,3] over the windows' texels [n,h,w,3]; their mean where a triangle has no area."""
    ax, ay, bx, by, cx, cy = corners.reshape(-1, 6).T[:, :, None, None]
    x, y = np.arange(width)[None, None] + 0.5, np.arange(height)[None, :, None] + 0.5
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    flat = np.abs(area) < 1e-12
    safe = np.where(flat, 1, area)
    second = np.where(flat, 1 / 3, ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / safe)
    third = np.where(flat, 1 / 3, ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / safe)
    weights = np.stack([1 - second - third, second, third], -1)
    return (weights @ colors[:, None]).clip(0, 1)


def _packed(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places [W,2] of rectangles [W,2] in rows, highest first, and the size [2] of the whole."""
    width = int(max(sizes[:, 0].max(), math.ceil(math.sqrt(sizes.prod(1).sum() * 1.1))))
    order = np.argsort(-sizes[:, 1], kind="stable")
    places = []
    x = y = height = 0
    for across, down in sizes[order].tolist():
        if x + across > width:
            x, y, height = 0, y + height, 0
        places.append((x, y))
        x += across
        height = max(height, down)
    result = np.empty_like(sizes)
    result[order] = places
    return result, np.array([width, y + height])


def _size(picture: Picture) -> np.ndarray:
    """[2] width and height."""
    return np.array(picture.pixels.shape[1::-1])
