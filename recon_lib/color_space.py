"""Conversion between sRGB (images, textures) and linear light (glTF's vertex colours), after IEC 61966."""

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: Rec. 601


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Linear light [...] 0-1 of sRGB [...] 0-1."""
    srgb = srgb.clamp(0, 1)
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """sRGB [...] 0-1 of linear light [...] 0-1."""
    linear = linear.clamp(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
