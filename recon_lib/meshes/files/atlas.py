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


@dataclass(eq=False)
class _Window:
    """A piece of the atlas."""

    picture: Picture
    low: np.ndarray  # [2] the first texel, of the endlessly repeated picture
    size: np.ndarray  # [2] texels, margin included
    colors: np.ndarray | None = None  # [3,3] linear, of a triangle's corners
    corners: np.ndarray | None = None  # [3,2] the corners in texels from `low`


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
        windows, uses = _planned(parts, scale)
        sizes = np.array([window.size for window in windows])
        places, size = _packed(sizes)
        excess = max(size.prod() / MAX_TEXELS, (size.max() / MAX_SIDE) ** 2)
        if excess <= 1 or scale < 1e-3:
            break
        scale *= 0.95 / math.sqrt(excess)
    if scale < 1:
        log.warning("The textures of all parts do not fit into one: they are reduced to %.0f %%.", 100 * scale)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for window, (x, y) in zip(windows, places, strict=True):
        pixels[y : y + window.size[1], x : x + window.size[0]] = _content(window)
    uvs = np.concatenate([(use.texel + places[use.window]) / size for use in uses])
    return Atlas(pixels, uvs, [use.painted for use in uses])


def _planned(parts: Sequence[Part], scale: float) -> tuple[list[_Window], list[_Use]]:
    """All windows, with pictures reduced by `scale`, and how the parts use them."""
    windows: list[_Window] = []
    uses = []
    shared: dict[int, tuple[int, Picture]] = {}
    spans = _spans(parts)
    for part in parts:
        vertices = np.arange(len(part.vertices))
        if part.picture is not None and part.colors is None:
            low, high = spans[id(part.picture)]
            if id(part.picture) not in shared:
                picture = _reduced(part.picture, scale)
                windows.append(_window(picture, low, high, MARGIN))
                shared[id(part.picture)] = len(windows) - 1, picture
            index, picture = shared[id(part.picture)]
            texel = _brought_near(part.uvs, part.picture) * _size(picture) - windows[index].low
            texel = np.clip(texel, 0, windows[index].size)
            uses.append(_Use(Painted(vertices, part.faces), np.full(len(vertices), index), texel))
        elif part.picture is None and part.colors is not None and np.ptp(part.colors, axis=0).max() < 1e-6:
            side = 2 * MARGIN
            colors = np.repeat(part.colors[:1], 3, 0)
            middle = np.full((3, 2), float(MARGIN))
            windows.append(_Window(PLAIN, np.zeros(2, np.int64), np.array([side, side]), colors, middle))
            place = np.full((len(vertices), 2), float(MARGIN))
            uses.append(_Use(Painted(vertices, part.faces), np.full(len(vertices), len(windows) - 1), place))
        else:
            uses.append(_by_triangles(part, scale, windows))
    return windows, uses


def _by_triangles(part: Part, scale: float, windows: list[_Window]) -> _Use:
    """A window for each triangle of the part, appended to `windows`."""
    count = len(part.faces)
    if part.picture is None:
        picture, uvs = PLAIN, np.tile(np.array([[0.0, 0], [1, 0], [0, 1]]) * 0.5, (count, 1, 1))
    else:
        corners = part.uvs[part.faces]
        picture = _reduced(part.picture, scale)
        uvs = np.stack([_brought_near(triangle, part.picture) for triangle in corners])
    texels = np.empty((count, 3, 2))
    first = len(windows)
    for index, triangle in enumerate(uvs):
        window = _window(picture, triangle.min(0), triangle.max(0), THIN_MARGIN)
        window.corners = texels[index] = triangle * _size(picture) - window.low
        window.colors = part.colors[part.faces[index]]
        windows.append(window)
    faces = np.arange(3 * count).reshape(-1, 3)
    window_of = first + np.repeat(np.arange(count), 3)
    return _Use(Painted(part.faces.reshape(-1), faces), window_of, texels.reshape(-1, 2))


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
    """UVs [N,2] moved by whole repeats to start near 0, and held where the picture is clamped."""
    moved = uvs.copy()
    for axis, wrap in enumerate(picture.wrap):
        if wrap == "clamp":
            moved[:, axis] = moved[:, axis].clip(-1, 2)
        else:
            period = 2 if wrap == "mirror" else 1
            moved[:, axis] -= math.floor(moved[:, axis].min() / period) * period
    return moved


def _window(picture: Picture, low: np.ndarray, high: np.ndarray, margin: int) -> _Window:
    first = np.floor(low * _size(picture)).astype(np.int64) - margin
    last = np.ceil(high * _size(picture)).astype(np.int64) + margin
    return _Window(picture, first, last - first)


def _countable(part: Part) -> Part:
    """The part; in place of a picture that repeats beyond counting, its mean colour."""
    if part.picture is None or _spans([replace(part, colors=None)])[id(part.picture)][1].max() < MAX_REPEATS:
        return part
    log.warning("A texture repeats more than %d times: its mean colour is shown.", MAX_REPEATS)
    mean = to_linear(part.picture.pixels.reshape(-1, 3) / 255).mean(0)
    return replace(
        part,
        picture=None,
        uvs=None,
        colors=mean * (np.ones_like(part.vertices) if part.colors is None else part.colors),
    )


def _reduced(picture: Picture, scale: float) -> Picture:
    """The picture made smaller by `scale`."""
    from PIL import Image

    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.pixels.shape[1::-1]]
    return Picture(np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.BOX)), picture.wrap)


def _content(window: _Window) -> np.ndarray:
    """The window's texels [h,w,3] uint8."""
    columns, rows = (
        _wrapped(np.arange(window.low[axis], window.low[axis] + window.size[axis]), size, window.picture.wrap[axis])
        for axis, size in enumerate(_size(window.picture))
    )
    pixels = window.picture.pixels[np.ix_(rows, columns)]
    if window.colors is None or window.corners is None:
        return pixels
    light = to_linear(pixels / 255) * _blended(window.corners, window.colors, window.size)
    return (to_srgb(light) * 255).round().astype(np.uint8)


def _wrapped(texels: np.ndarray, size: int, wrap: str) -> np.ndarray:
    """Indices of the endless picture as indices of the stored one."""
    if wrap == "clamp":
        return texels.clip(0, size - 1)
    if wrap == "mirror":
        texels = texels % (2 * size)
        return np.minimum(texels, 2 * size - 1 - texels)
    return texels % size


def _blended(corners: np.ndarray, colors: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The corners' colours over a window's texels [h,w,3], held at the triangle's edges."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if abs(area) < 1e-12:
        return np.broadcast_to(colors.mean(0), (*x.shape, 3))
    second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    weights = np.stack([1 - second - third, second, third], -1)
    return (weights @ colors).clip(0, 1)


def _packed(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places [W,2] of rectangles [W,2] in rows, highest first, and the size [2] of the whole."""
    width = int(max(sizes[:, 0].max(), math.ceil(math.sqrt(sizes.prod(1).sum() * 1.1))))
    places = np.zeros_like(sizes)
    x = y = height = 0
    for index in np.argsort(-sizes[:, 1], kind="stable"):
        if x + sizes[index, 0] > width:
            x, y, height = 0, y + height, 0
        places[index] = x, y
        x += int(sizes[index, 0])
        height = max(height, int(sizes[index, 1]))
    return places, np.array([width, y + height])


def _size(picture: Picture) -> np.ndarray:
    """[2] width and height."""
    return np.array(picture.pixels.shape[1::-1])
