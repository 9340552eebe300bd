"""Training samples of G3DR: single views of masked objects with depth, and points that are known to be in or out."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...data.appearance.color_jitter import jittered
from ...data.shards.cutouts import Library
from ...data.shards.scenes import Scene, SceneMix, compose_scene
from ..zeroshape_w.dataset import MIN_VISIBLE_PX, predicted_like

MIX = SceneMix(clean=1.0, close=True)


class SingleViews(Dataset[dict[str, Tensor]]):
    """Sample i is the object crop of seed `first` + i, with a mask as slightly wrong as predicted ones are.

    image [3,S,S] sRGB, mask, given_mask, z-depth [1,S,S], intrinsics [3,3]; points [Q,3] in the camera's frame, inside
    [Q] 0 or 1. The same seed gives the same sample on the same shards.
    """

    def __init__(
        self, shards: Path, length: int, *, first: int = 0, size: int = 128, queries: int = 1024, exact: bool = False
    ) -> None:
        self.renders = Library(shards)
        self.length, self.first, self.size, self.queries, self.exact = length, first, size, queries, exact

    def __len__(self) -> int:
        return self.length

    def scene(self, index: int) -> Scene:
        rng = np.random.default_rng([self.first + index, 21])
        item = self.renders.item(int(rng.integers(len(self.renders))))
        return compose_scene(self.renders, item, self.first + index, self.size, MIX)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        scene = self.scene(index)
        if scene.mask.sum() < MIN_VISIBLE_PX:  # a needle seen end-on: take another scene
            return self[index + self.length]
        rng = np.random.default_rng([self.first + index, 22])
        given, image = scene.mask.astype(np.float32), scene.image
        if not self.exact:
            guessed = predicted_like(scene.mask, rng)
            given = guessed if guessed.sum() >= MIN_VISIBLE_PX else given
            image = jittered(image, rng)
        points, inside = self.renders.points(scene.item, self.queries, rng)
        pose = scene.world_to_camera
        arrays = {
            "image": image,
            "mask": scene.mask[None],
            "given_mask": given[None],
            "depth": (scene.depth * scene.mask)[None],
            "intrinsics": scene.intrinsics,
            "points": points @ pose[:3, :3].T + pose[:3, 3],
            "inside": inside,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in arrays.items()}


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Horizontal flip of a batch of samples."""
    flipped = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    intrinsics = batch["intrinsics"].clone()
    intrinsics[:, 0, 2] = batch["image"].shape[-1] - intrinsics[:, 0, 2]
    points = batch["points"] * torch.tensor([-1.0, 1.0, 1.0], device=intrinsics.device)
    return {**batch, **flipped, "intrinsics": intrinsics, "points": points}
