"""Training samples of ZeroShape-W: composed scenes."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...data.backgrounds.bank import BackgroundBank
from ...data.shards.cutouts import Library
from ...data.shards.scenes import Scene, SceneMix, compose_scene

MIN_VISIBLE_PX = 24  # of the object's mask
CLOSE_MIX = SceneMix(clean=0.35, occluded=0.7, truncated=0.08, close=True)


class SceneDataset(Dataset[dict[str, Tensor]]):
    """Sample i is the scene of seed `first` + i; the same seed gives the same sample on the same shards.

    One sample of every `period` is a whole picture without input masks; the others are object crops with input masks
    that are slightly wrong, as predicted masks are: the two kinds of input that `stages.single_view` gives the network.
    """

    def __init__(
        self,
        shards: Path,
        length: int,
        *,
        first: int = 0,
        size: int = 128,
        queries: int = 768,
        mix: SceneMix = SceneMix(),  # noqa: B008 - frozen
        close_mix: SceneMix = CLOSE_MIX,
        period: int = 1,
        backgrounds: Path | None = None,
    ) -> None:
        self.renders = Library(shards)
        self.length, self.first, self.size, self.queries = length, first, size, queries
        self.mix, self.close_mix, self.period = mix, close_mix, period
        self.background = BackgroundBank(backgrounds) if backgrounds else None

    def __len__(self) -> int:
        return self.length

    def scene(self, index: int) -> Scene:
        rng = np.random.default_rng([self.first + index, 5])
        item = self.renders.item(int(rng.integers(len(self.renders))))
        mix = self.close_mix if self._is_crop(index) else self.mix
        return compose_scene(self.renders, item, self.first + index, self.size, mix, self.background)

    def _is_crop(self, index: int) -> bool:
        return (self.first + index) % self.period != 0

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        scene = self.scene(index)
        if scene.mask.sum() < MIN_VISIBLE_PX:  # a needle seen end-on, or outside the frame: take another scene
            return self[index + self.length * self.period]
        rng = np.random.default_rng([self.first + index, 6])
        points, inside = self.renders.points(scene.item, self.queries, rng)
        pose = scene.world_to_camera
        camera_points = points @ pose[:3, :3].T + pose[:3, 3]
        input_masks = np.zeros((2, self.size, self.size), np.float32)
        if self._is_crop(index):
            input_masks = np.stack([predicted_like(scene.mask, rng), predicted_like(scene.occluder, rng)])
            if input_masks[0].sum() < MIN_VISIBLE_PX:
                input_masks = np.stack([scene.mask, scene.occluder]).astype(np.float32)
        arrays = {
            "image": scene.image,
            "mask": scene.mask[None].astype(np.float32),
            "occluder": scene.occluder[None].astype(np.float32),
            "input_masks": input_masks,
            "amodal": scene.amodal[None].astype(np.float32),
            "depth": scene.depth[None],
            "thickness": scene.thickness[None],
            "normals": scene.normals,
            "intrinsics": scene.intrinsics,
            "points": camera_points,
            "inside": inside.astype(np.float32),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in arrays.items()}


def predicted_like(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    """The mask [S,S] with its edge displaced by a pixel or two, as a predicted mask's is; exact one time in four."""
    from scipy.ndimage import gaussian_filter, zoom

    if rng.random() < 0.25 or not mask.any():
        return mask.astype(np.float32)
    size = mask.shape[-1]
    coarse = rng.normal(0, rng.uniform(0.05, 0.25), (8, 8)).astype(np.float32)
    displacement = np.asarray(zoom(coarse, size / 8, order=1))[:size, :size].clip(-0.4, 0.4)  # no islands
    return (gaussian_filter(mask.astype(np.float32), size / 96) + displacement > 0.5).astype(np.float32)
