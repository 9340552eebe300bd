"""Samples of a prior of views: some views of an object as targets, others as inputs, from rendered orbits."""

from bisect import bisect_right
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...data.shards.orbits import OrbitShard
from ...errors import BadInput
from ...views.views import Views

MOST_INPUTS = 8
INPUTS = {1: 1, 2: 2, 3: 4, 4: 2, 6: 2, 8: 1}  # number of input views -> how often
RECOLORED = 0.5  # fraction of samples whose colours are changed
GAMMA = 0.25  # standard deviation of the logarithm of a channel's gamma
Sample = dict[str, Tensor]  # images [V,3,S,S], masks, depth [V,1,S,S], camera_to_world [V,4,4], intrinsics [V,3,3]


class OrbitViews:
    """All orbits below a folder, as `Views`."""

    def __init__(self, folder: Path, side: int, views: int) -> None:
        self.shards = [OrbitShard.open(path) for path in OrbitShard.find_some(folder)]
        self.ends = np.cumsum([len(shard) for shard in self.shards]).tolist()
        for shard in self.shards:
            count, size = shard.rgb.shape[1:3]
            if size != side or count < views:
                raise BadInput(
                    f"{folder} holds orbits of {count} views of {size} px; {views} or more of {side} px are needed, "
                    f"make them with `data --orbits FOLDER --scattered 12`."
                )

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> Views:
        if not 0 <= index < len(self):
            raise IndexError(f"orbit {index} of {len(self)}")
        shard = bisect_right(self.ends, index)
        return self.shards[shard].views(index - (self.ends[shard - 1] if shard else 0))


def draw_inputs(rng: np.random.Generator) -> int:
    """A number of input views."""
    weights = np.array(list(INPUTS.values())) / sum(INPUTS.values())
    return int(rng.choice(list(INPUTS), p=weights))


def draw_sample(views: Views, count: int, rng: np.random.Generator) -> Sample:
    """`count` random views of an orbit, half of the time mirrored, half of the time in other colours."""
    views = views[torch.from_numpy(rng.permutation(len(views))[:count])]
    images = recolored(views.images, rng) if rng.random() < RECOLORED else views.images
    sample = {
        "images": images,
        "masks": views.masks,
        "depth": views.depth,
        "camera_to_world": views.cameras.camera_to_world,
        "intrinsics": views.cameras.intrinsics,
    }
    return mirrored(sample) if rng.random() < 0.5 else sample


def recolored(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures [V,3,H,W] with their channels in another order and another gamma each; white stays white."""
    gamma = torch.from_numpy(np.exp(rng.normal(0, GAMMA, 3))).to(images)
    return images[:, torch.from_numpy(rng.permutation(3))].clamp(0, 1) ** gamma[:, None, None]


def mirrored(sample: Sample) -> Sample:
    """The mirrored object: pictures flipped, the cameras' world and axes mirrored in x."""
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0, 1.0]))
    width = sample["images"].shape[-1]
    intrinsics = sample["intrinsics"].clone()
    intrinsics[:, 0, 2] = width - intrinsics[:, 0, 2]
    pictures = {name: sample[name].flip(-1) for name in ("images", "masks", "depth")}
    return {**pictures, "camera_to_world": flip @ sample["camera_to_world"] @ flip, "intrinsics": intrinsics}


def views_of(batch: Sample, row: int, part: slice) -> Views:
    """Some views of one row of a batch of samples."""
    images = batch["images"][row, part]
    pose, intrinsics = batch["camera_to_world"][row, part], batch["intrinsics"][row, part]
    cameras = Cameras(pose, intrinsics, *images.shape[-2:])
    return Views(images, cameras, batch["masks"][row, part], batch["depth"][row, part])
