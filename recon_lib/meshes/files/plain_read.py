"""STL (3D Systems, 1989) and OFF (Geomview's object file format) files."""

import re
from itertools import chain
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ..polygons import triangulate
from .colors import to_linear
from .part import Part, check_corners
from .text import check_numbers, decoded, table

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")])


def read_stl(path: Path) -> list[Part]:
    """The file's part; corners at one place become one vertex, since STL repeats each in every triangle."""
    content = path.read_bytes()
    count = int.from_bytes(content[80:84], "little") if len(content) >= 84 else -1
    exact = count >= 0 and 84 + count * FACET.itemsize == len(content)  # binary ones may begin with "solid" too
    if exact or content.lstrip()[:5].lower() != b"solid" or b"\0" in content:
        if count < 0 or 84 + count * FACET.itemsize > len(content):
            raise BadInput(f"{path.name} is damaged or truncated (its triangles end early); get it again.")
        corners = np.frombuffer(content, FACET, count, 84)["corners"].reshape(-1, 3).astype(np.float64)
    else:
        corners = _text_corners(content, path.name)
    points, index = np.unique(check_numbers(corners, path.name), axis=0, return_inverse=True)
    faces = index.reshape(-1, 3)
    a, b, c = faces.T
    return [Part(points, faces[(a != b) & (b != c) & (a != c)])]


def _text_corners(content: bytes, name: str) -> np.ndarray:
    found = re.findall(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", content, re.IGNORECASE)
    begun, ended = (len(re.findall(word, content, re.IGNORECASE)) for word in (rb"\bouter\s+loop\b", rb"\bendloop\b"))
    if not len(found) == 3 * begun == 3 * ended:
        raise BadInput(f"{name} is damaged or truncated (a facet without three corners); get it again.")
    if b"endsolid" not in content[-4096:].lower():
        raise BadInput(f"{name} is damaged or truncated (it does not end with endsolid); get it again.")
    return table([[word.decode("latin-1") for word in row] for row in found], name).reshape(-1, 3)


def read_off(path: Path) -> list[Part]:
    """The file's part, with the vertex colours of COFF and the face colours of OFF."""
    lines = [line.partition("#")[0].strip() for line in decoded(path.read_bytes()).split("\n")]
    lines = [line for line in lines if line]
    head = re.match(r"(ST)?(C)?(N)?OFF\b", lines[0]) if lines else None
    if head is None:
        raise BadInput(f"{path.name} is no OFF file in text, whatever its ending says; check it.")
    rest = lines[0][head.end() :].strip()
    lines = ([rest] if rest else []) + lines[1:]
    try:
        vertices, polygons = (int(word) for word in lines[0].split()[:2])
        rows = [line.split() for line in lines[1 : 1 + vertices + polygons]]
        if min(vertices, polygons) < 0 or len(rows) < vertices + polygons:
            raise ValueError("truncated")
        return _off_parts(rows[:vertices], rows[vertices:], head, path.name)
    except (ValueError, IndexError, OverflowError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path.name} is damaged or truncated (its lines end early); get it again.") from error


def _off_parts(points: list[list[str]], polygons: list[list[str]], head: re.Match, name: str) -> list[Part]:
    if not points or not polygons:
        return []
    vertices = table([row[:3] for row in points], name).reshape(-1, 3)
    counts = np.array([int(row[0]) for row in polygons])
    if counts.min() < 0 or any(len(row) <= count for row, count in zip(polygons, counts, strict=True)):
        raise ValueError("truncated")
    words = chain.from_iterable(row[1 : count + 1] for row, count in zip(polygons, counts, strict=True))
    corners = np.fromiter(map(int, words), np.int64)
    check_corners(name, corners, len(vertices))
    triangles = triangulate(vertices, corners, counts)
    if head[2]:  # x y z, a normal if there is one, then r g b a
        start = 6 if head[3] else 3
        return [
            Part(vertices, corners[triangles], colors=_off_colors([row[start : start + 3] for row in points], name))
        ]
    painted = [row[count + 1 : count + 4] for row, count in zip(polygons, counts, strict=True)]
    if not all(len(row) == 3 for row in painted):
        return [Part(vertices, corners[triangles])]
    polygon = np.repeat(np.arange(len(counts)), counts)
    colors = _off_colors(painted, name)[polygon]
    used, faces = triangles.reshape(-1), np.arange(triangles.size).reshape(-1, 3)
    return [Part(vertices[corners[used]], faces, colors=colors[used])]


def _off_colors(rows: list[list[str]], name: str) -> np.ndarray:
    """[N,3] linear; whole numbers mean 0-255."""
    values = table(rows, name)
    whole = all("." not in word for row in rows for word in row)
    return to_linear((values / 255 if whole or values.max() > 1 else values).clip(0, 1))
