"""Scenes as training samples."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..data.background_bank import BackgroundBank
from ..data.cutouts import Library
from ..data.scenes import Scene, SceneMix, compose_scene


class SceneDataset(Dataset[dict[str, Tensor]]):
    """Sample i is the scene of seed `first` + i; the same seed gives the same sample on the same shards."""

    def __init__(
        self,
        shards: Path,
        length: int,
        *,
        first: int = 0,
        size: int = 128,
        queries: int = 768,
        mix: SceneMix = SceneMix(),  # noqa: B008 - frozen
        backgrounds: Path | None = None,
    ) -> None:
        self.library = Library(shards)
        self.length, self.first, self.size, self.queries, self.mix = length, first, size, queries, mix
        self.background = BackgroundBank(backgrounds) if backgrounds else None

    def __len__(self) -> int:
        return self.length

    def scene(self, index: int) -> Scene:
        rng = np.random.default_rng([self.first + index, 5])
        item = self.library.item(int(rng.integers(len(self.library))))
        return compose_scene(self.library, item, self.first + index, self.size, self.mix, self.background)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        scene = self.scene(index)
        if scene.mask.sum() < 24:  # a needle seen from its end, or pushed out of the frame: take another
            return self[index + self.length]
        rng = np.random.default_rng([self.first + index, 6])
        points, inside = self.library.points(scene.item, self.queries, rng)
        pose = scene.world_to_camera
        camera_points = points @ pose[:3, :3].T + pose[:3, 3]
        arrays = {
            "image": scene.image,
            "mask": scene.mask[None].astype(np.float32),
            "occluder": scene.occluder[None].astype(np.float32),
            "depth": scene.depth[None],
            "normals": scene.normals,
            "intrinsics": scene.intrinsics,
            "points": camera_points,
            "inside": inside.astype(np.float32),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in arrays.items()}
