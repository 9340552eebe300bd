"""Masks from files and from transparency: a picture of two values is a mask, whatever stores it."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..color_space import LUMA
from ..errors import BadInput
from .array_files import read_array
from .image_files import Stored, read_stored

if TYPE_CHECKING:
    import numpy as np

OPAQUE = 0.999  # alpha from which a pixel counts as opaque
VISIBLE = 0.02  # alpha below which nothing is seen
SMALLEST_CONTRAST = 0.1  # between object and background of a mask with soft edges, of white
SOFT = 0.15  # of the contrast: pixels no further from object's or background's value are no edge
LARGEST_LABEL = 31  # several values, none above this one: numbers of classes, not greys
CLEARED_BORDER = 0.5  # of the picture's border that a cut-out leaves transparent,
CLEARED_BORDER_AND_AREA = (0.15, 0.1)  # or of border and area
FRAMED = (0.95, 0.6)  # a rectangle that fills its bounds, and the picture, so far is a picture with a margin


def read_mask(path: Path, *, upright: bool = True) -> Tensor:
    """[1,H,W] float32 in 0-1, 1 = object, of an image file or an npy array.

    Of two values (labels, palettes, one channel, one bit, 16 bits, floats ...) the brighter is the object. More are
    taken as grey, with soft edges. In a file with transparent parts the opaque part is the object.
    Raises `BadInput` for several labels.
    """
    if path.suffix.lower() == ".npy":
        stored = Stored(_planar(read_array(path), path.name), None)
    else:
        stored = read_stored(path, upright=upright)
    colors, indices, alpha = _parts(stored)
    if alpha is not None and float(alpha.min()) < OPAQUE and alpha.min() != alpha.max():
        of_two = _of_two_values(alpha, None)
        plane = torch.from_numpy(alpha.astype("float32") if of_two is None else of_two)
        if is_cut_out(plane) or _of_two_values(colors, indices) is None:
            return plane[None]
    if stored.lossy and int(colors.max()) - int(colors.min()) < SMALLEST_CONTRAST * 255:
        return torch.from_numpy(colors.astype("float32").reshape(*colors.shape[:2], -1).mean(-1))[None] / 255
    plane = _of_two_values(colors, indices)
    return torch.from_numpy(_soft(colors, indices, path.name) if plane is None else plane)[None]


def is_cut_out(alpha: Tensor) -> bool:
    """True if transparency [H,W] (1 = opaque) leaves an object: it clears a real part of the picture's border.

    Rounded corners, soft edges, noise, a margin around a picture, and alpha that is faint everywhere are no cut-out.
    """
    height, width = alpha.shape
    strength = alpha_strength(alpha)
    if not strength:
        return False
    kernel = max(3, min(height, width) // 32 * 2 + 1)
    padded = F.pad((alpha / strength).clamp(0, 1)[None, None], [kernel // 2] * 4, mode="replicate")
    cleared = F.avg_pool2d(padded, kernel, stride=1)[0, 0] < 0.4
    border = torch.cat([cleared[0], cleared[-1], cleared[:, 0], cleared[:, -1]]).float().mean()
    area = cleared.float().mean()
    if border < CLEARED_BORDER and not (border >= CLEARED_BORDER_AND_AREA[0] and area >= CLEARED_BORDER_AND_AREA[1]):
        return False
    rows, columns = ((~cleared).any(axis).nonzero().flatten() for axis in (1, 0))
    if not len(rows):
        return False
    bounds = float((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
    return not (float((~cleared).sum()) >= FRAMED[0] * bounds and bounds >= FRAMED[1] * height * width)


def alpha_strength(alpha: Tensor) -> float:
    """The alpha [...] that a picture's visible parts have, 0-1; 0 if nothing is visible."""
    seen = alpha[alpha > VISIBLE]
    if not len(seen):
        return 0.0
    return float(seen[:: max(1, len(seen) // 100_000)].quantile(0.9))


def _planar(values: "np.ndarray", name: str) -> "np.ndarray":
    """[H,W], [H,W,C] or [1,H,W] as [H,W] or [H,W,3]."""
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 and not (values.ndim == 3 and values.shape[-1] == 3):
        raise BadInput(f"{name} holds an array {values.shape}; a mask is height x width.")
    return values


def _parts(stored: Stored) -> "tuple[np.ndarray, np.ndarray | None, np.ndarray | None]":
    """Colours [H,W] or [H,W,3], palette indices [H,W], alpha [H,W] in 0-1."""
    import numpy as np

    values, alpha = stored.values, None
    if values.ndim == 3 and values.shape[-1] in (2, 4):
        values, alpha = values[..., :-1], values[..., -1] / 255
        values = values[..., 0] if values.shape[-1] == 1 else values
    if stored.palette is not None:
        known = stored.palette if len(stored.palette) else np.zeros((1, 4), np.uint8)
        looked_up = known[values.clip(0, len(known) - 1)]
        if looked_up[..., 3].min() < 255:
            alpha = looked_up[..., 3] / 255 * (1 if alpha is None else alpha)
        return looked_up[..., :3], values, alpha
    key = stored.alpha_key
    if isinstance(key, int) and values.ndim == 2:
        alpha = (values != key).astype(np.float32)
    elif isinstance(key, tuple) and values.ndim == 3 and len(key) == 3:
        alpha = (values != np.array(key)).any(-1).astype(np.float32)
    return values, None, alpha


def _of_two_values(colors: "np.ndarray", indices: "np.ndarray | None") -> "np.ndarray | None":
    """[H,W] float32 of 0 and 1 if there are at most two values, else None. One value is the object unless it is 0."""
    import numpy as np

    codes = colors
    if colors.ndim == 3:
        kind, base = (np.int32, 256) if colors.dtype == np.uint8 else (np.float64, 65536)
        codes = (colors[..., 0].astype(kind) * base + colors[..., 1]) * base + colors[..., 2]
    codes = np.nan_to_num(codes, nan=0.0, posinf=0.0, neginf=0.0) if codes.dtype.kind == "f" else codes
    if indices is not None and codes.min() == codes.max():
        codes = indices
    low, high = codes.min(), codes.max()
    if low == high:
        return np.full(codes.shape, float(high != 0), np.float32)
    above = codes == high
    if not (above | (codes == low)).all():
        return None
    if colors.ndim == 3:
        at = tuple(np.unravel_index(flat.argmax(), flat.shape) for flat in (above, ~above))
        if np.dot(colors[at[0]], LUMA) < np.dot(colors[at[1]], LUMA):
            above = ~above
    return above.astype(np.float32)


def _soft(colors: "np.ndarray", indices: "np.ndarray | None", name: str) -> "np.ndarray":
    """[H,W] float32 in 0-1 of many values: greys, of which the darkest and brightest may be neither 0 nor white."""
    import numpy as np

    if indices is not None and (colors[..., :1] != colors).any():
        raise BadInput(f"{name} holds {len(np.unique(indices))} labels; a mask has two, the object's and the rest.")
    grey = colors.astype(np.float32) if colors.ndim == 2 else colors.astype(np.float32).mean(-1)
    grey = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(grey.min()), float(grey.max())
    if colors.dtype.kind == "f" and high <= 1.5:
        white = 1.0
    elif high <= LARGEST_LABEL:
        raise BadInput(f"{name} holds numbers from {low:g} to {high:g}; a mask has two, the object's and the rest.")
    else:
        white = 255.0 if high <= 255 else 65535.0
    if low < 0 or high > 1.5 * white:
        raise BadInput(f"{name} holds numbers from {low:g} to {high:g}; a mask has two, the object's and the rest.")
    edge = (grey > low + SOFT * (high - low)) & (grey < high - SOFT * (high - low))
    if high - low >= SMALLEST_CONTRAST * white and edge.mean() < SMALLEST_CONTRAST:
        return (grey - low) / (high - low)
    return grey / white
