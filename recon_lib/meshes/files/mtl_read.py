"""Materials of OBJ files (Wavefront, "MTL material format", 1995): colour, texture, and the texture's options."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from ...errors import BadInput
from .folder import MeshFolder
from .part import Picture, left_out, open_picture
from .text import decoded

# options of map_Kd and how many numbers may follow them
OPTIONS = {"-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2,
           "-o": 3, "-s": 3, "-t": 3, "-texres": 1, "-type": 1}  # fmt: skip
WORDS = {"on", "off", "r", "g", "b", "m", "l", "z"}  # that options may have in place of numbers


@dataclass(frozen=True)
class Material:
    """Kd and map_Kd."""

    color: np.ndarray | None = None  # [3] sRGB 0-1
    picture: Picture | None = None
    scale: tuple[float, float] = (1.0, 1.0)  # of OBJ's UVs, v upward
    offset: tuple[float, float] = (0.0, 0.0)


def read_materials(folder: MeshFolder, name: str) -> dict[str, Material]:
    """The materials of the library `name` beside the OBJ file; none, with a line in the log, if it is not there."""
    try:
        text = decoded(_beside(folder, name))
    except BadInput as error:
        left_out(f"{folder.path.name}: the colours of {name[:100]}", str(error).rstrip("."))
        return {}
    materials: dict[str, Material] = {}
    current = ""
    pictures: dict[tuple[str, bool], Picture | None] = {}
    for line in text.split("\n"):
        word, _, rest = line.strip().partition(" ")
        if word == "newmtl":
            current = rest.strip()
            materials[current] = Material()
        elif current in materials and word.lower() == "kd":
            materials[current] = replace(materials[current], color=_color(rest))
        elif current in materials and (word == "map_d" or (word == "d" and _is_number(rest) and float(rest) < 1)):
            left_out(f"The transparency of {folder.path.name}: material {current[:60]}", "meshes are opaque here")
        elif current in materials and word.lower() == "map_kd":
            materials[current] = _with_map(materials[current], rest, folder, pictures)
    return materials


def _color(text: str) -> np.ndarray | None:
    """[3] of "r g b" or of one grey; None for a spectral curve or anything else."""
    try:
        values = np.array(text.split()[:3], np.float64)
    except ValueError:
        return None
    values = np.repeat(values, 3) if len(values) == 1 else values
    return values.clip(0, 1) if values.shape == (3,) and np.isfinite(values).all() else None


def _with_map(
    material: Material, text: str, folder: MeshFolder, pictures: dict[tuple[str, bool], Picture | None]
) -> Material:
    """The material with the texture of a map_Kd line."""
    options, name = _options(text)
    clamped = options.get("-clamp") == ["on"]
    if (name, clamped) not in pictures:
        told = f"{folder.path.name}: texture {name[:100]}"
        try:
            wrap = ("clamp", "clamp") if clamped else ("repeat", "repeat")
            pictures[name, clamped] = open_picture(_beside(folder, name), told, wrap)
        except BadInput as error:
            left_out(told, str(error).rstrip("."))
            pictures[name, clamped] = None
    scale, offset = _pair(options.get("-s"), 1.0), _pair(options.get("-o"), 0.0)
    return replace(material, picture=pictures[name, clamped], scale=scale, offset=offset)


def _options(text: str) -> tuple[dict[str, list[str]], str]:
    """Options with their values, and the file's name, which may hold spaces."""
    options: dict[str, list[str]] = {}
    rest = text.strip()
    while rest.split(" ", 1)[0].lower() in OPTIONS:
        option, _, rest = rest.partition(" ")
        values = options.setdefault(option.lower(), [])
        while len(values) < OPTIONS[option.lower()]:
            word, _, after = rest.strip().partition(" ")
            if not after or not (_is_number(word) or word in WORDS or option.lower() == "-type"):
                break
            values.append(word)
            rest = after.strip()
    return options, rest.strip().strip('"')


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _pair(values: list[str] | None, default: float) -> tuple[float, float]:
    """u and v of an option; what is left out has the default."""
    numbers = [float(value) for value in values or [] if _is_number(value)] + [default, default]
    return numbers[0], numbers[1] if np.isfinite(numbers[:2]).all() else default


def _beside(folder: MeshFolder, name: str) -> bytes:
    """The file `name`, or one of that name in the mesh's folder: many files name their author's own disk."""
    name = name.strip().strip('"')
    try:
        return folder.read(name)
    except BadInput:
        last = PurePosixPath(name.replace("\\", "/")).name
        if last in ("", name):
            raise
        return folder.read(last)
