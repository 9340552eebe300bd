"""Training samples of LIST: crops of masked objects, with their shape in the upright frame of the view."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...data.appearance.color_jitter import jittered
from ...data.shards.scenes import Scene, SceneMix, compose_scene
from ...data.shards.upright import DistanceLibrary, UprightObject
from ..zeroshape_w.dataset import MIN_VISIBLE_PX, predicted_like

MIX = SceneMix(clean=0.65, occluded=0.5, truncated=0.08, close=True)
CLEAN = SceneMix(clean=1.0, close=True)


class UprightDataset(Dataset[dict[str, Tensor]]):
    """Sample i is the object crop of seed `first` + i, with input masks as slightly wrong as predicted ones are.

    The same seed gives the same sample on the same shards.
    """

    def __init__(
        self,
        shards: Path,
        length: int,
        *,
        first: int = 0,
        size: int = 128,
        queries: int = 512,
        surface: int = 1024,
        mix: SceneMix = MIX,
    ) -> None:
        self.renders = DistanceLibrary(shards)
        self.length, self.first, self.size, self.queries, self.surface = length, first, size, queries, surface
        self.mix = mix

    def __len__(self) -> int:
        return self.length

    def scene(self, index: int) -> Scene:
        rng = np.random.default_rng([self.first + index, 15])
        item = self.renders.item(int(rng.integers(len(self.renders))))
        return compose_scene(self.renders, item, self.first + index, self.size, self.mix)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        scene = self.scene(index)
        if scene.mask.sum() < MIN_VISIBLE_PX:  # a needle seen end-on: take another scene
            return self[index + self.length]
        rng = np.random.default_rng([self.first + index, 16])
        masks = np.stack([predicted_like(scene.mask, rng), predicted_like(scene.occluder, rng)])
        if masks[0].sum() < MIN_VISIBLE_PX:
            masks = np.stack([scene.mask, scene.occluder]).astype(np.float32)
        shape = self.renders.upright(scene.item, scene.world_to_camera, self.queries, self.surface, rng)
        arrays = {
            "image": jittered(scene.image, rng),
            "masks": masks,
            "points": shape.points,
            "distance": shape.distance,
            "surface": shape.surface,
            "up": shape.up,
            **_projection(shape, scene.intrinsics, self.size),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in arrays.items()}


def _projection(shape: UprightObject, intrinsics: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Positions [Q,2] of the points in the picture, 0-1, and 1 / distance of the camera [], object sides."""
    pose = shape.object_to_camera
    image = (shape.points @ pose[:3, :3].T + pose[:3, 3]) @ intrinsics.T
    position = image[:, :2] / np.maximum(image[:, 2:], 1e-3) / size
    return {"position": position, "convergence": np.float32(1 / max(pose[2, 3], 0.1))}


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Horizontal flip of a batch of samples: the upright frame's x changes its sign, as the camera's does."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=batch["image"].device)
    position = batch["position"].clone()
    position[..., 0] = 1 - position[..., 0]
    return {
        **batch,
        **{name: batch[name].flip(-1) for name in ("image", "masks")},
        **{name: batch[name] * flip for name in ("points", "surface", "up")},
        "position": position,
    }
