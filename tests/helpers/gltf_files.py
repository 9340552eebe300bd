"""glTF files by hand, so that tests can say anything that the format can."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CODES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], "<f4")
SQUARE_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "<f4")
SQUARE_FACES = np.array([0, 1, 2, 0, 2, 3], "<u2")
QUARTERS = np.zeros((8, 8, 3), np.uint8)  # red, green; blue, yellow
QUARTERS[:4, :4], QUARTERS[:4, 4:], QUARTERS[4:, :4], QUARTERS[4:, 4:] = (
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0),
)  # fmt: skip


def picture(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


class Gltf:
    """A file being written: `content` is its JSON, what is added goes into the binary chunk."""

    def __init__(self, **content: Any) -> None:
        self.binary = b""
        self.content: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": [],
            "accessors": [], "bufferViews": [], "materials": [], "textures": [], "images": [], "samplers": [],
        } | content  # fmt: skip

    def add(self, kind: str, entry: dict[str, Any]) -> int:
        self.content[kind].append(entry)
        return len(self.content[kind]) - 1

    def view(self, content: bytes, **more: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        start = len(self.binary)
        self.binary += content
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(content), **more})

    def accessor(self, values: np.ndarray, *, normalized: bool = False, stride: int | None = None) -> int:
        """An accessor of values [N] or [N,K]; stride: bytes from element to element, with rubbish between."""
        values = np.ascontiguousarray(values)
        table = values.reshape(len(values), -1)
        rows = table.tobytes()
        more = {}
        if stride is not None:
            rows = b"".join(row.tobytes().ljust(stride, b"\xab") for row in table)
            more = {"byteStride": stride}
        entry = {
            "bufferView": self.view(rows, **more), "componentType": CODES[values.dtype.str[1:]],
            "count": len(table), "type": KINDS[table.shape[1]],
        }  # fmt: skip
        return self.add("accessors", entry | ({"normalized": True} if normalized else {}))

    def texture(self, content: bytes, mime: str = "image/png", **sampler: int) -> int:
        image = self.add("images", {"bufferView": self.view(content), "mimeType": mime})
        return self.add("textures", {"source": image, "sampler": self.add("samplers", sampler)})

    def material(self, **surface: Any) -> int:
        return self.add("materials", {"pbrMetallicRoughness": surface})

    def primitive(self, primitive: dict[str, Any], **node: Any) -> None:
        """A mesh of one primitive, and a node of the scene that shows it."""
        mesh = self.add("meshes", {"primitives": [primitive]})
        self.content["scenes"][0]["nodes"].append(self.add("nodes", {"mesh": mesh, **node}))

    def square(self, *, uvs: np.ndarray | None = None, attributes: dict[str, int] | None = None, **rest: Any) -> None:
        """A square in x and y, [-1,1]; `node` (a dict) places it, what else is given goes to the primitive."""
        node = rest.pop("node", {})
        found = {"POSITION": self.accessor(SQUARE), **(attributes or {})}
        if uvs is not None:
            found["TEXCOORD_0"] = self.accessor(uvs.astype("<f4"))
        self.primitive({"attributes": found, "indices": self.accessor(SQUARE_FACES), **rest}, **node)

    def glb(self) -> bytes:
        content = {name: value for name, value in self.content.items() if value != []}
        if self.binary:
            content["buffers"] = content.get("buffers") or [{"byteLength": len(self.binary)}]
        return pack(json.dumps(content).encode(), self.binary)

    def save(self, path: Path) -> Path:
        path.write_bytes(self.glb())
        return path


def pack(text: bytes, binary: bytes) -> bytes:
    """A GLB of its two chunks."""
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
