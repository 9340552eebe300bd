"""Base colours of glTF materials: factor, texture, its sampler and its transform (specification, section 3.9)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import BadInput
from .gltf_document import Document
from .part import Picture, left_out, open_picture

WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
SPECULAR = "KHR_materials_pbrSpecularGlossiness"


@dataclass(frozen=True)
class Surface:
    """What a material says about colour."""

    tint: np.ndarray | None = None  # [3] linear light; None: nothing is said
    picture: Picture | None = None
    uv_set: int = 0
    uv_matrix: np.ndarray | None = None  # [3,3] of (u, v, 1)


class Materials:
    """The materials of a document; each texture is decoded once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._surfaces: dict[int, Surface] = {}
        self._pictures: dict[int, Picture | None] = {}

    def surface(self, index: object) -> Surface:
        """The surface of material `index`, None for a part without material."""
        if index is None:
            return Surface()
        material = self.document.item("materials", index)
        if index not in self._surfaces:
            self._surfaces[index] = self._read(material, f"{self.document.path.name}: material {index}")
        return self._surfaces[index]

    def _read(self, material: dict[str, Any], name: str) -> Surface:
        colors = material.get("pbrMetallicRoughness", {})
        factor, texture = colors.get("baseColorFactor"), colors.get("baseColorTexture")
        older = material.get("extensions", {}).get(SPECULAR)
        if older is not None:
            factor, texture = older.get("diffuseFactor"), older.get("diffuseTexture")
        if material.get("alphaMode", "OPAQUE") != "OPAQUE":
            left_out(f"The transparency of {name}", "meshes are opaque here")
        picture = self._picture(texture["index"]) if texture else None
        if factor is None and (texture is None or picture is not None):
            factor = [1, 1, 1, 1]
        tint = None if factor is None else np.asarray(factor, np.float64)[:3].clip(0, 1)
        if tint is not None and not (tint.shape == (3,) and np.isfinite(tint).all()):
            raise self.document.damaged("a colour is no colour")
        if picture is None or texture is None:
            return Surface(tint)
        return Surface(tint, picture, *_placed(texture))

    def _picture(self, index: object) -> Picture | None:
        """The picture of texture `index`, None with a line in the log if it cannot be shown."""
        texture = self.document.item("textures", index)
        if index not in self._pictures:
            self._pictures[index] = self._opened(texture, f"{self.document.path.name}: texture {index}")
        return self._pictures[index]

    def _opened(self, texture: dict[str, Any], name: str) -> Picture | None:
        extensions = texture.get("extensions", {})
        source = texture.get("source")
        for readable in ("EXT_texture_webp", "EXT_texture_avif"):
            if source is None or readable == "EXT_texture_webp":
                source = extensions.get(readable, {}).get("source", source)
        if source is None:
            source = next((other["source"] for other in extensions.values() if "source" in other), None)
        if source is None:
            left_out(name, "it has no picture")
            return None
        image = self.document.item("images", source)
        try:
            content = (
                bytes(self.document.view(image["bufferView"]))
                if "bufferView" in image
                else self.document.folder.read_uri(image.get("uri"))
            )
        except BadInput as error:
            left_out(name, str(error).rstrip("."))
            return None
        return open_picture(content, name, self._wrap(texture))

    def _wrap(self, texture: dict[str, Any]) -> tuple[str, str]:
        sampler = self.document.item("samplers", texture["sampler"]) if "sampler" in texture else {}
        return WRAPS.get(sampler.get("wrapS", 0), "repeat"), WRAPS.get(sampler.get("wrapT", 0), "repeat")


def _placed(texture: dict[str, Any]) -> tuple[int, np.ndarray | None]:
    """The UV set, and KHR_texture_transform as a matrix [3,3] (None: no transform).

    The rotation is counter-clockwise where v points down, which is what the extension's text says and its viewers
    do; its GLSL listing is transposed (glTF issue 1563).
    """
    moved = texture.get("extensions", {}).get("KHR_texture_transform")
    if moved is None:
        return texture.get("texCoord", 0), None
    (x, y), (width, height) = moved.get("offset", (0, 0)), moved.get("scale", (1, 1))
    cos, sin = np.cos(moved.get("rotation", 0.0)), np.sin(moved.get("rotation", 0.0))
    matrix = np.array([[cos * width, sin * height, x], [-sin * width, cos * height, y], [0, 0, 1]], np.float64)
    return moved.get("texCoord", texture.get("texCoord", 0)), matrix
