"""sRGB and linear light for arrays of the file readers, as `color_space` does it for tensors."""

import numpy as np
import torch

from ...color_space import linear_to_srgb, srgb_to_linear


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """[...] 0-1 -> [...] 0-1, float64."""
    return srgb_to_linear(torch.from_numpy(np.array(srgb, np.float64))).numpy()


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """[...] 0-1 -> [...] 0-1, float64."""
    return linear_to_srgb(torch.from_numpy(np.array(linear, np.float64))).numpy()
