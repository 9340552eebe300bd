"""A found mask, corrected where a user's own depth shows another edge.

A network's mask is off by a pixel or two at the rim, where depth jumps: background that it takes in hangs on the object
as a flange that reaches back to the wall.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .depth_own import check_depth_size

STEEPEST = 85.0  # degrees between a surface's normal and the ray; what falls off more steeply is an edge
MIN_STEP = 0.01  # relative, smallest step between neighbours that is an edge: depth maps are noisy
MARGIN = 0.1  # how far beyond its edge the mask may grow, parts of the root of its area
LEAK = 0.1  # part of the mask's area below which a piece of another surface is no part of the object
OWNED = 0.25  # part of the mask's area that its own surfaces must have, to tell what is in front of them and behind
SLACK = 0.25  # sizes of the object, how far before and behind its own surfaces it may have others


def mask_by_depth(mask: Tensor, depth: Tensor, lens: Tensor) -> Tensor:
    """The mask [1,1,H,W] with its edge moved to the edges of the z-depth [1,1,H,W] (any scale, 0 = unknown).

    Depth is cut into connected surfaces. One that lies mostly in the mask belongs to it, with what of it is near; one
    that the mask only touches does not, nor does one in front of those or behind them. Where object and ground are
    one surface, and where depth is unknown, the mask stays. lens [1,3,3], pixels. Raises `BadInput` for a depth of
    another size.
    """
    check_depth_size(depth, mask)
    solid, values = (mask[0, 0] > 0.5).cpu().numpy(), depth[0, 0].cpu().numpy()
    if not solid.any():
        return mask
    size, focal = math.sqrt(solid.sum()), float(lens[0, 0, 0])
    surfaces = _connected_surfaces(values, max(math.tan(math.radians(STEEPEST)) / focal, MIN_STEP))
    owned, foreign = _owners(surfaces, solid, values, size / focal)
    moved = (solid & ~foreign[surfaces]) | (owned[surfaces] & _near(solid, math.ceil(MARGIN * size)))
    return torch.from_numpy(moved.astype(np.float32))[None, None].to(mask.device)


def _owners(
    surfaces: NDArray[np.int32], solid: NDArray[np.bool_], depth: NDArray[np.float32], size: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which surfaces [K] are the object's, and which are others' although the mask reaches onto them.

    size: of the object, in units of its distance.
    """
    area = np.bincount(surfaces.ravel())
    inside = np.bincount(surfaces[solid], minlength=len(area))
    owned = 2 * inside > area
    foreign = ~owned & (inside < LEAK * solid.sum())
    owned[0] = foreign[0] = False  # pixels without depth
    own = depth[solid & owned[surfaces]]
    if len(own) >= OWNED * solid.sum():
        slack = SLACK * size * np.median(own)
        nearest, farthest = np.quantile(own, 0.02) - slack, np.quantile(own, 0.98) + slack
        for number in range(1, len(area)):
            if not (owned[number] or foreign[number]):  # a few at most: each has a tenth of the mask
                middle = np.median(depth[solid & (surfaces == number)])
                foreign[number] = not nearest <= middle <= farthest
    return owned, foreign


def _connected_surfaces(depth: NDArray[np.float32], step: float) -> NDArray[np.int32]:
    """Number [H,W] of the surface that a pixel lies on, from 1; 0 without depth. Neighbours' log depths differ by less
    than `step` on one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    known = (depth > 0) & np.isfinite(depth)
    logs = np.log(np.where(known, depth, 1.0))
    index = np.arange(depth.size).reshape(depth.shape)
    pairs = []
    for here, there in (((slice(None), slice(1, None)), (slice(None), slice(-1))), ((slice(1, None),), (slice(-1),))):
        joined = known[here] & known[there] & (np.abs(logs[here] - logs[there]) < step)
        pairs.append(np.stack([index[here][joined], index[there][joined]]))
    rows, columns = np.concatenate(pairs, 1)
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), (depth.size, depth.size))
    labels = connected_components(graph, directed=False)[1].reshape(depth.shape)
    return np.where(known, labels + 1, 0)


def _near(solid: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(~solid)) <= reach
