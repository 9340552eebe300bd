"""Nearest-neighbour fill of missing values."""

import numpy as np
import torch
from torch import Tensor


def fill_nearest(image: Tensor, known: Tensor) -> Tensor:
    """Image [C,H,W] with every pixel outside `known` [H,W] bool replaced by the nearest one inside."""
    if not known.any():
        return image
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~known.cpu().numpy(), return_distances=False, return_indices=True)
    rows, columns = torch.from_numpy(np.asarray(nearest)).long().to(image.device)
    return image[:, rows, columns]


def continued(images: Tensor, known: Tensor, without: float = 0.5) -> Tensor:
    """`fill_nearest` of each of `images` [B,C,H,W], known [B,1,H,W] bool; `without` where none is known."""
    filled = [
        fill_nearest(image, mask[0]) if mask.any() else torch.full_like(image, without)
        for image, mask in zip(images, known, strict=True)
    ]
    return torch.stack(filled)


def nearest_values(points: Tensor, positions: Tensor, values: Tensor) -> Tensor:
    """Values [P,C] of the nearest of `positions` [N,3] (values [N,C]) for each of `points` [P,3]."""
    from scipy.spatial import KDTree

    _, nearest = KDTree(positions.cpu().numpy()).query(points.cpu().numpy())
    return values[torch.from_numpy(nearest).long().to(values.device)]
