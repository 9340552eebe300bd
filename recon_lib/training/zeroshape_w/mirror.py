"""Mirror images of scenes."""

import torch
from torch import Tensor


def mirrored(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Horizontal flip of a batch of `SceneDataset` samples: pictures, camera, normals and points."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=batch["image"].device)
    pictures = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    pictures["normals"] = pictures["normals"] * flip[:, None, None]
    intrinsics = batch["intrinsics"].clone()
    intrinsics[:, 0, 2] = batch["image"].shape[-1] - intrinsics[:, 0, 2]
    return {**batch, **pictures, "intrinsics": intrinsics, "points": batch["points"] * flip}
