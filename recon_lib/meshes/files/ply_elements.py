"""The elements of a PLY file (Turk, "The PLY polygon file format", 1994): ASCII, and binary in either byte order."""

from dataclasses import dataclass, field

import numpy as np

from ...errors import BadInput

KINDS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "int64": "i8", "uint64": "u8",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
MAX_HEADER = 100_000  # bytes


@dataclass
class Ragged:
    """Lists of different lengths, one after another."""

    values: np.ndarray  # [C]
    counts: np.ndarray  # [N]


Column = np.ndarray | Ragged


@dataclass
class Element:
    """One kind of thing in the file, for example vertex or face."""

    name: str
    count: int
    properties: list[tuple[str, str | None, str]] = field(default_factory=list)  # name, list's count kind, kind


def read_elements(content: bytes, name: str) -> tuple[dict[str, dict[str, Column]], list[str]]:
    """The columns of each element, and the names of the textures. Raises `BadInput` for damage."""
    encoding, elements, textures, start = _header(content, name)
    reader = _Ascii(content[start:]) if encoding == "ascii" else _Binary(content, start, encoding)
    try:
        return {element.name: reader.columns(element) for element in elements}, textures
    except (ValueError, IndexError, OverflowError) as error:
        raise BadInput(f"{name} is damaged or truncated (its data end early or are no numbers); get it again.") from (
            error
        )


def _header(content: bytes, name: str) -> tuple[str, list[Element], list[str], int]:
    """Encoding ("ascii", "<" or ">"), elements, textures, and where the data begin."""
    end = content.find(b"end_header", 0, MAX_HEADER)
    if content[:3] != b"ply":
        raise BadInput(f"{name} is no PLY file, whatever its ending says; check it.")
    if end < 0:
        raise BadInput(f"{name} is damaged or truncated (its header has no end); get it again.")
    line_end = content.find(b"\n", end)
    start = len(content) if line_end < 0 else line_end + 1
    if content[end + 10 : end + 11] == b"\r" and content[end + 11 : end + 12] != b"\n":
        start = end + 11  # lines of old Macs
    encoding, elements, textures = "", [], []
    try:
        for line in content[:end].decode("latin-1").splitlines():
            words = line.split()
            if words[:1] == ["format"]:
                encoding = {"ascii": "ascii", "binary_little_endian": "<", "binary_big_endian": ">"}[words[1]]
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2])))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append((words[4], KINDS[words[2]], KINDS[words[3]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append((words[2], None, KINDS[words[1]]))
            elif words[:1] == ["comment"] and len(words) > 2 and words[1].lower() == "texturefile":
                textures.append(line.split(None, 2)[2].strip())
        if not encoding or any(element.count < 0 for element in elements):
            raise ValueError("no format")
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(f"{name} is damaged or truncated (its header); get it again.") from error
    return encoding, elements, textures, start


class _Ascii:
    """Words, one after another: line ends mean nothing."""

    def __init__(self, content: bytes) -> None:
        self.words = content.split()
        self.at = 0

    def columns(self, element: Element) -> dict[str, Column]:
        kinds = element.properties
        if element.count > len(self.words) - self.at:
            if kinds:
                raise ValueError("truncated")
            return {}
        if all(count is None for _, count, _ in kinds):
            size = element.count * len(kinds)
            table = np.array(self.words[self.at : self.at + size], np.float64).reshape(element.count, len(kinds))
            self.at += size
            return {name: _typed(table[:, k], kind) for k, (name, _, kind) in enumerate(kinds)}
        found: dict[str, list] = {name: [] for name, _, _ in kinds}
        counts: dict[str, list[int]] = {name: [] for name, _, _ in kinds}
        for _ in range(element.count):
            for name, is_list, _ in kinds:
                length = 1
                if is_list is not None:
                    length = int(self.words[self.at])
                    self.at += 1
                if not 0 <= length <= len(self.words) - self.at:
                    raise ValueError("truncated")
                found[name] += self.words[self.at : self.at + length]
                counts[name].append(length)
                self.at += length
        return {name: _column(found[name], counts[name], is_list, kind) for name, is_list, kind in kinds}


class _Binary:
    """Packed numbers without gaps."""

    def __init__(self, content: bytes, at: int, order: str) -> None:
        self.content, self.at, self.order = content, at, order

    def columns(self, element: Element) -> dict[str, Column]:
        kinds = element.properties
        if not kinds or not element.count:
            return {}
        lengths = self._lengths(kinds)
        row = np.dtype([p for k, (_, count, kind) in enumerate(kinds) for p in self._fields(k, count, kind, lengths)])
        if self.at + element.count * row.itemsize <= len(self.content):
            table = np.frombuffer(self.content, row, element.count, self.at)
            listed = [k for k, (_, count, _) in enumerate(kinds) if count is not None]
            if all((table[f"n{k}"] == lengths[k]).all() for k in listed):
                self.at += element.count * row.itemsize
                return {name: self._same(table, k, count) for k, (name, count, _) in enumerate(kinds)}
        return self._one_by_one(element)

    def _fields(self, k: int, count: str | None, kind: str, lengths: dict[int, int]) -> list[tuple]:
        if count is None:
            return [(f"p{k}", self.order + kind)]
        return [(f"n{k}", self.order + count), (f"p{k}", self.order + kind, (lengths[k],))]

    def _same(self, table: np.ndarray, k: int, count: str | None) -> Column:
        """A column of numbers, or of lists that are all as long as the first."""
        values = table[f"p{k}"]
        if count is None:
            return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
        flat = np.ascontiguousarray(values).reshape(-1)
        return Ragged(flat.astype(flat.dtype.newbyteorder("=")), np.full(len(values), values.shape[1]))

    def _lengths(self, kinds: list[tuple[str, str | None, str]]) -> dict[int, int]:
        """The lengths of the first row's lists."""
        at, lengths = self.at, {}
        for k, (_, count, kind) in enumerate(kinds):
            if count is not None:
                lengths[k] = self._number(count, at)
                at += np.dtype(count).itemsize
            at += lengths.get(k, 1) * np.dtype(kind).itemsize
        return lengths

    def _number(self, kind: str, at: int) -> int:
        length = int(np.frombuffer(self.content, self.order + kind, 1, at)[0])
        if not 0 <= length <= len(self.content):
            raise ValueError("truncated")
        return length

    def _one_by_one(self, element: Element) -> dict[str, Column]:
        """Rows whose lists differ in length."""
        found: dict[str, list[bytes]] = {name: [] for name, _, _ in element.properties}
        counts: dict[str, list[int]] = {name: [] for name, _, _ in element.properties}
        sizes = {kind: np.dtype(kind).itemsize for kind in KINDS.values()}
        for _ in range(element.count):
            for name, is_list, kind in element.properties:
                length = 1
                if is_list is not None:
                    length = self._number(is_list, self.at)
                    self.at += sizes[is_list]
                end = self.at + length * sizes[kind]
                if end > len(self.content):
                    raise ValueError("truncated")
                found[name].append(self.content[self.at : end])
                counts[name].append(length)
                self.at = end
        return {
            name: _column(np.frombuffer(b"".join(found[name]), self.order + kind), counts[name], is_list, kind)
            for name, is_list, kind in element.properties
        }


def _column(values: object, counts: list[int], is_list: str | None, kind: str) -> Column:
    if is_list is None:
        return _typed(np.array(values, np.float64), kind)
    return Ragged(np.array(values, np.float64 if kind[0] == "f" else np.int64), np.array(counts))


def _typed(values: np.ndarray, kind: str) -> np.ndarray:
    """Numbers that were read as text, as the kind that the header names; floats stay in double precision."""
    if kind[0] == "f":
        return values
    limits = np.iinfo(kind)
    return np.nan_to_num(values).clip(limits.min, limits.max).astype(kind if limits.bits < 64 else np.float64)
