"""Which meshes a glTF scene shows, and where (Khronos specification, sections 3.5 and 3.7.3)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .gltf_document import Document
from .part import left_out

INSTANCING = "EXT_mesh_gpu_instancing"


def placed_meshes(document: Document) -> list[tuple[dict[str, Any], np.ndarray]]:
    """The nodes with a mesh that the file's scene shows, and their matrices [4,4] to the world, once per instance."""
    matrices = world_matrices(document)
    found = []
    for index, matrix in matrices.items():
        node = document.item("nodes", index)
        if "mesh" in node:
            found += [(node, matrix @ copy) for copy in _instances(document, node)]
    if not document.content.get("nodes") and document.content.get("meshes"):  # a library of meshes without a scene
        found = [({"mesh": index}, np.eye(4)) for index in range(len(document.content["meshes"]))]
    return found


def world_matrices(document: Document) -> dict[int, np.ndarray]:
    """The matrix [4,4] of every node that is shown, in the file's order."""
    matrices: dict[int, np.ndarray] = {}
    waiting = [(root, np.eye(4)) for root in reversed(_roots(document))]
    while waiting:
        index, parent = waiting.pop()
        node = document.item("nodes", index)
        if index in matrices:
            raise document.damaged(f"node {index} hangs at two places")
        if node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True) is False:
            continue
        matrices[index] = parent @ local_matrix(document, node)
        waiting += [(child, matrices[index]) for child in reversed(node.get("children", []))]
    return matrices


def local_matrix(document: Document, node: dict[str, Any]) -> np.ndarray:
    """A node's matrix [4,4], or its translation, rotation and scale."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        parts = (node.get("translation", (0, 0, 0)), node.get("rotation", (0, 0, 0, 1)), node.get("scale", (1, 1, 1)))
        matrix = _composed(*(np.array(part, np.float64) for part in parts))
    if not np.isfinite(matrix).all():
        raise document.damaged("a node stands nowhere")
    return matrix


def _composed(translation: np.ndarray, rotation: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """T R S with R of a quaternion (x, y, z, w): [4,4]."""
    x, y, z, w = rotation / max(float(np.linalg.norm(rotation)), 1e-30)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn * scale.reshape(3), translation.reshape(3)
    return matrix


def _roots(document: Document) -> list[int]:
    """The roots of the scene that the file names, else of its first; without scenes, all nodes that are no child."""
    scenes, nodes = document.content.get("scenes", []), document.content.get("nodes", [])
    if scenes:
        if len(scenes) > 1:
            left_out(f"{document.path.name}: all but one of its {len(scenes)} scenes", "a file shows one scene")
        return list(document.item("scenes", document.content.get("scene", 0)).get("nodes", []))
    children = {child for node in nodes for child in node.get("children", [])}
    return [index for index in range(len(nodes)) if index not in children]


def _instances(document: Document, node: dict[str, Any]) -> Iterator[np.ndarray]:
    """Where copies of the node's mesh stand relative to it: one, or what EXT_mesh_gpu_instancing lists."""
    extension = node.get("extensions", {}).get(INSTANCING)
    if extension is None:
        yield np.eye(4)
        return
    listed = {name: document.accessor(index) for name, index in extension["attributes"].items() if name[0] != "_"}
    for row in range(max((len(values) for values in listed.values()), default=0)):
        values = {name: table[row] for name, table in listed.items()}
        rotation = values.get("ROTATION", np.array([0.0, 0, 0, 1])).astype(np.float64)
        yield _composed(values.get("TRANSLATION", np.zeros(3)), rotation, values.get("SCALE", np.ones(3)))
