"""Values for what has none, from its nearest neighbours."""

import numpy as np
import torch
from torch import Tensor


def fill_nearest(image: Tensor, known: Tensor) -> Tensor:
    """`image` [C,H,W] with every pixel outside `known` [H,W] bool replaced by the nearest known one."""
    if not known.any():
        return image
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~known.cpu().numpy(), return_distances=False, return_indices=True)
    rows, columns = torch.from_numpy(np.asarray(nearest)).long().to(image.device)
    return image[:, rows, columns]


def continued(images: Tensor, known: Tensor, without: float = 0.5) -> Tensor:
    """`fill_nearest` of each of `images` [B,C,H,W], known [B,1,H,W] bool; `without` where one knows nothing at all."""
    filled = [
        fill_nearest(image, where[0]) if where.any() else torch.full_like(image, without)
        for image, where in zip(images, known, strict=True)
    ]
    return torch.stack(filled)


def nearest_values(points: Tensor, positions: Tensor, values: Tensor) -> Tensor:
    """The value [C] of the nearest of `positions` [N,3] (values [N,C]) for each of `points` [P,3] -> [P,C]."""
    from scipy.spatial import KDTree

    _, nearest = KDTree(positions.cpu().numpy()).query(points.cpu().numpy())
    return values[torch.from_numpy(nearest).long().to(values.device)]
