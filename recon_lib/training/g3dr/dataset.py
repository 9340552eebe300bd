"""Training samples of G3DR: single views of masked objects with depth; nothing else of the objects is used."""

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
STRETCH = 0.12  # standard deviation of the logarithm of the factor that a sample's relief is multiplied by


class SingleViews(Dataset[dict[str, Tensor]]):
    """Sample i is the object crop of seed `first` + i, with a mask as slightly wrong as predicted ones are.

    Its relief is flattened or deepened a little, as estimated depth is: the sample is then another object. The same
    seed gives the same sample on the same shards.
    """

    def __init__(self, shards: Path, length: int, *, first: int = 0, size: int = 128, exact: bool = False) -> None:
        self.renders = Library(shards)
        self.length, self.first, self.size, self.exact = length, first, size, exact

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
        given, depth, image = scene.mask.astype(np.float32), scene.depth * scene.mask, scene.image
        if not self.exact:
            guessed = predicted_like(scene.mask, rng)
            given = guessed if guessed.sum() >= MIN_VISIBLE_PX else given
            depth, image = stretched(depth, float(np.exp(rng.normal(0, STRETCH)))), jittered(image, rng)
        arrays = {
            "image": image,
            "mask": scene.mask[None],
            "given_mask": given[None],
            "depth": depth[None],
            "intrinsics": scene.intrinsics,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in arrays.items()}


def stretched(depth: np.ndarray, factor: float) -> np.ndarray:
    """z-depth [S,S] (0 = none) whose ratio to its geometric mean is raised to `factor`."""
    known = depth > 0
    logarithm = np.log(np.where(known, depth, 1))
    mean = logarithm[known].mean() if known.any() else 0.0
    return np.where(known, np.exp(mean + factor * (logarithm - mean)), 0).astype(np.float32)


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Horizontal flip of a batch of samples."""
    flipped = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    intrinsics = batch["intrinsics"].clone()
    intrinsics[:, 0, 2] = batch["image"].shape[-1] - intrinsics[:, 0, 2]
    return {**batch, **flipped, "intrinsics": intrinsics}
