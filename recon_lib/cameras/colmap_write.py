"""Cameras written as a COLMAP text model (`colmap_text.py` has the facts of the format)."""

from collections.abc import Sequence
from pathlib import Path

import torch

from .camera import Cameras
from .colmap_lenses import pinhole_parameters


def write_colmap(
    folder: Path, cameras: Cameras, names: Sequence[str], origin: Sequence[float] = (0.0, 0.0, 0.0)
) -> None:
    """Write cameras.txt, images.txt and an empty points3D.txt of V pinhole cameras into `folder`, which is made.

    names: each camera's picture, relative to the folder of images. origin: what the cameras' world counts from, world
    units; it is added in float64. Cameras of one lens share it.
    """
    from scipy.spatial.transform import Rotation

    folder.mkdir(parents=True, exist_ok=True)
    lenses = [" ".join(f"{value:.17g}" for value in row) for row in pinhole_parameters(cameras).tolist()]
    numbers = {lens: number for number, lens in enumerate(dict.fromkeys(lenses), 1)}
    size = f"{cameras.width} {cameras.height}"
    _write(folder / "cameras.txt", [f"{number} PINHOLE {size} {lens}" for lens, number in numbers.items()])
    rotation = cameras.rotation.detach().cpu().double().mT
    position = cameras.position.detach().cpu().double() + torch.tensor(list(origin), dtype=torch.float64)
    quaternions = Rotation.from_matrix(rotation.numpy()).as_quat()[:, [3, 0, 1, 2]]
    translation = -torch.einsum("vij,vj->vi", torch.from_numpy(Rotation.from_matrix(rotation.numpy()).as_matrix()),
                                position)  # fmt: skip
    lines = []
    for i, name in enumerate(names):
        pose = " ".join(f"{value:.17g}" for value in (*quaternions[i].tolist(), *translation[i].tolist()))
        lines += [f"{i + 1} {pose} {numbers[lenses[i]]} {name}", ""]
    _write(folder / "images.txt", lines)
    _write(folder / "points3D.txt", [])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join([f"# {path.name} of a COLMAP model, written by ComfyUI-Recon3D", *lines]) + "\n", "utf-8")
