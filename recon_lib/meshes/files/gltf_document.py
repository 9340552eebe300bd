"""A glTF 2.0 file's JSON, buffers and accessors (Khronos specification, sections 2.7, 3.6 and 4.4).

Nothing in the file is trusted: indices, counts and offsets are checked before they are used.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadInput
from .folder import MeshFolder

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MAX_ELEMENTS = 2**27  # of an accessor; a few bytes of JSON could ask for any number of zeros
COMPRESSED = {
    "KHR_draco_mesh_compression": "Draco compression",
    "EXT_meshopt_compression": "meshopt compression",
    "KHR_meshopt_compression": "meshopt compression",
}
# required by files that are shown rightly without more, or whose loss is told where it happens
HARMLESS = ("KHR_materials_", "KHR_lights_", "KHR_xmp", "KHR_animation_", "EXT_lights_", "MSFT_texture_dds")
KNOWN = {
    "KHR_mesh_quantization", "KHR_texture_transform", "KHR_texture_basisu", "EXT_texture_webp", "EXT_texture_avif",
    "EXT_mesh_gpu_instancing", "KHR_node_visibility", "KHR_accessor_float64",
}  # fmt: skip


class Document:
    """The JSON of a file, with its binary data."""

    def __init__(self, path: Path) -> None:
        """Read `path`, .glb or .gltf by its content. Raises `BadInput`."""
        self.path, self.folder = path, MeshFolder(path)
        content = path.read_bytes()
        text, self.binary = self._chunks(content) if content[:4] == b"glTF" else (content, None)
        self.content = self._parsed(text)
        self.buffers: dict[int, bytes] = {}
        version = str(self.content.get("asset", {}).get("version", ""))
        if version.split(".")[0] != "2":
            raise BadInput(f"{path.name} is glTF {version[:9] or 'of no version'}, and 2.0 is read; convert it.")
        for name in self.content.get("extensionsRequired", []):
            self._check_required(str(name))

    def damaged(self, reason: str) -> BadInput:
        """The error for content that contradicts itself."""
        return BadInput(f"{self.path.name} is damaged or truncated ({reason}); get it again.")

    def item(self, kind: str, index: object) -> dict[str, Any]:
        """Entry `index` of the list `kind`."""
        entries = self.content.get(kind, [])
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(entries):
            raise self.damaged(f"there is no {kind} {str(index)[:20]}")
        return entries[index]

    def accessor(self, index: object, *, normalize: bool | None = None) -> np.ndarray:
        """Values [N,K]: float64 where they are floats or stand for fractions, else the integers as stored.

        normalize: integers stand for 0-1 or -1-1 (None: if the accessor says so).
        """
        entry = self.item("accessors", index)
        width = WIDTHS.get(entry.get("type"))
        code = entry.get("componentType")
        if width is None or not (code in COMPONENTS or code == 5130):
            raise self.damaged(f"accessor {index} has an unknown type")
        dtype = np.dtype("<f8" if code == 5130 else COMPONENTS[code])
        count = self._size(entry, "count", 0)
        if count > MAX_ELEMENTS:
            raise self.damaged(f"accessor {index} claims {count} elements")
        if "bufferView" in entry:
            values = self._elements(entry["bufferView"], self._size(entry, "byteOffset", 0), dtype, count, width)
        else:
            values = np.zeros((count, width), dtype)  # section 3.6.2.3: zeros, usually under sparse values
        if "sparse" in entry:
            values = self._with_sparse(values, entry["sparse"], dtype)
        if dtype.kind == "f":
            return values.astype(np.float64)
        if entry.get("normalized", False) if normalize is None else normalize:  # section 3.6.2.2
            return np.maximum(values / np.float64(np.iinfo(dtype).max), -1)
        return values

    def view(self, index: object) -> memoryview:
        """The bytes of buffer view `index`."""
        entry = self.item("bufferViews", index)
        start, length = self._size(entry, "byteOffset", 0), self._size(entry, "byteLength", None)
        data = self._buffer(entry.get("buffer"), entry)
        if start + length > len(data):
            raise self.damaged(f"bufferView {index} ends after its buffer")
        return memoryview(data)[start : start + length]

    def needs(self, extension: str) -> BadInput:
        """The error for an extension without which the file cannot be read."""
        if extension in COMPRESSED:
            return BadInput(
                f"{self.path.name} needs {extension} ({COMPRESSED[extension]}), which is not read here; "
                "save it without compression, for example through Blender."
            )
        return BadInput(f"{self.path.name} needs the glTF extension {extension[:60]}, which is not read; save without.")

    def _elements(self, view: object, offset: int, dtype: np.dtype, count: int, width: int) -> np.ndarray:
        """Elements [count,width] of a buffer view, which may be interleaved (byteStride)."""
        data = self.view(view)
        stride = self._size(self.item("bufferViews", view), "byteStride", 0) or width * dtype.itemsize
        if count and offset + (count - 1) * stride + width * dtype.itemsize > len(data):
            raise self.damaged(f"an accessor ends after bufferView {view}")
        return np.ndarray((count, width), dtype, data, offset if count else 0, (stride, dtype.itemsize)).copy()

    def _with_sparse(self, values: np.ndarray, sparse: dict, dtype: np.dtype) -> np.ndarray:
        """Values with some replaced (section 3.6.2.3)."""
        count = self._size(sparse, "count", None)
        places, new = sparse["indices"], sparse["values"]
        kind = np.dtype(COMPONENTS[places["componentType"]])
        rows = self._elements(places["bufferView"], self._size(places, "byteOffset", 0), kind, count, 1)[:, 0]
        if count and int(rows.max()) >= len(values):
            raise self.damaged("a sparse accessor points outside")
        width = values.shape[1]
        values[rows] = self._elements(new["bufferView"], self._size(new, "byteOffset", 0), dtype, count, width)
        return values

    def _buffer(self, index: object, view: dict) -> bytes:
        """The bytes of buffer `index`, read once."""
        entry = self.item("buffers", index)
        if index not in self.buffers:
            if "uri" in entry:
                data = self.folder.read_uri(entry["uri"])
            elif index == 0 and self.binary is not None:
                data = self.binary
            else:
                packed = next((name for name in view.get("extensions", {}) if name in COMPRESSED), None)
                raise self.needs(packed) if packed else self.damaged(f"buffer {index} is not there")
            if len(data) < self._size(entry, "byteLength", 0):
                raise self.damaged(f"buffer {index} holds {len(data)} of its {entry['byteLength']} bytes")
            self.buffers[index] = data
        return self.buffers[index]

    def _size(self, entry: dict, name: str, default: int | None) -> int:
        """A count or offset of an entry."""
        value = entry.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
            raise self.damaged(f"{name} is {str(value)[:20]}")
        return value

    def _check_required(self, name: str) -> None:
        if name not in KNOWN and not name.startswith(HARMLESS):
            raise self.needs(name)

    def _chunks(self, content: bytes) -> tuple[bytes, bytes | None]:
        """The JSON and the binary chunk of a GLB (section 4.4)."""
        if len(content) < 20:
            raise self.damaged("it ends in its header")
        version, total = struct.unpack_from("<II", content, 4)
        if version != 2:
            raise BadInput(f"{self.path.name} is a GLB of version {version}, and 2 is read; convert it.")
        if total > len(content) or total < 20:
            raise self.damaged(f"it has {len(content)} of {total} bytes")
        chunks, at = [], 12
        while at + 8 <= total:
            length, kind = struct.unpack_from("<I4s", content, at)
            if at + 8 + length > total:
                raise self.damaged("a chunk ends after the file")
            chunks.append((kind, content[at + 8 : at + 8 + length]))
            at += 8 + length
        if not chunks or chunks[0][0] != b"JSON":
            raise self.damaged("its first chunk is no JSON")
        return chunks[0][1], next((data for kind, data in chunks[1:2] if kind == b"BIN\0"), None)

    def _parsed(self, text: bytes) -> dict[str, Any]:
        def constant(name: str) -> float:
            raise ValueError(f"{name} is no JSON")

        try:
            content = json.loads(text.decode("utf-8-sig"), parse_constant=constant)
        except (ValueError, RecursionError) as error:
            if text.lstrip()[:1] not in (b"{", b"\xef") and self.binary is None:
                raise BadInput(f"{self.path.name} is no glTF file, whatever its ending says; check it.") from error
            raise self.damaged(f"its JSON: {str(error)[:80]}") from error
        if not isinstance(content, dict):
            raise self.damaged("its JSON is no object")
        return content
