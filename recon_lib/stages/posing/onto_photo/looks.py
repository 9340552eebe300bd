"""Looks: what a photo and a render have in common whatever the light, as pictures that can be compared."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....color_space import LUMA, linear_to_srgb, srgb_to_linear
from ..pictures import gaussian_blur

LOCAL = 1 / 10  # of the picture's side: the surroundings that luminance is compared with
NOISE = 0.03  # sRGB contrast at which local contrast counts half
CHROMA, LIGHT = 4.0, 1.5  # weights of chroma and of luminance as it is, beside local contrast
LEAST_LIT = 30  # pixels from which light is estimated
EVEN = 0.01  # how strongly light is drawn towards even light
LEAST_STRENGTH = 0.02


@dataclass(frozen=True)
class Looks:
    """V pictures of one object."""

    mask: Tensor  # [V,1,S,S] 0-1
    color: Tensor | None  # [V,4,S,S]: local contrast, two of chroma, luminance; 0 off the mask
    edges: Tensor  # [V,1,S,S] strength of edges within the mask
    normals: Tensor | None  # [V,3,S,S] unit, camera frame, 0 off the mask


def color_features(images: Tensor, mask: Tensor) -> Tensor:
    """Images [V,3,S,S] sRGB, mask [V,1,S,S] -> [V,4,S,S], about 1 in size where there is contrast, 0 off the mask.

    Luminance over its surroundings within the mask, in units of their contrast; chroma over luminance, which shading
    leaves as it is; luminance itself. The last three without their mean over the mask.
    """
    light = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    sigma = LOCAL * images.shape[-1]
    weight = gaussian_blur(mask, sigma).clamp_min(1e-3)
    mean = gaussian_blur(light * mask, sigma) / weight
    spread = (gaussian_blur((light - mean).square() * mask, sigma) / weight).sqrt()
    local = (light - mean) / (spread + NOISE)
    red, green, blue = images.split(1, 1)
    chroma = torch.cat([red - green, (red + green) / 2 - blue], 1) / (light + 0.15)
    rest = torch.cat([CHROMA * chroma, LIGHT * light], 1)
    total = mask.sum((2, 3), keepdim=True).clamp_min(1)
    rest = rest - (rest * mask).sum((2, 3), keepdim=True) / total
    return torch.cat([local, rest], 1) * mask


def edge_strength(layers: Tensor, mask: Tensor) -> Tensor:
    """Length of the gradient of layers [V,C,S,S] within the mask [V,1,S,S] less its outermost pixels -> [V,1,S,S]."""
    padded = F.pad(layers, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    length = (across.square() + down.square()).sum(1, keepdim=True).sqrt()
    inner = -F.max_pool2d(-(mask > 0.5).float(), 5, 1, 2)
    return length.clamp_max(0.5) * inner


def looks_of_photo(images: Tensor, mask: Tensor, normals: Tensor | None) -> Looks:
    """images [V,3,S,S], mask [V,1,S,S], normals [V,3,S,S] camera frame or None."""
    solid = (mask > 0.5).float()
    edges = edge_strength(images, solid)
    return Looks(mask, color_features(images, solid), edges, None if normals is None else normals * solid)


def looks_of_render(albedo: Tensor | None, normals: Tensor, mask: Tensor) -> Looks:
    """albedo [V,3,S,S] or None, normals [V,3,S,S] camera frame, mask [V,1,S,S]."""
    color = None if albedo is None else color_features(albedo, mask)
    layers = normals / 2 if albedo is None else torch.cat([normals / 4, albedo], 1)
    return Looks(mask, color, edge_strength(layers, mask), normals * mask)


def relit(albedo: Tensor, normals: Tensor, photo: Tensor, both: Tensor) -> Tensor:
    """Albedo [1,3,S,S] sRGB under the light that makes it most like a photo -> [1,3,S,S] sRGB.

    Light of order one, a + b . normal (Basri & Jacobs 2003), by least squares on linear luminance over the pixels of
    `both` [1,1,S,S], drawn towards even light where these say little.
    """
    rows = both[0, 0] > 0.5
    linear = srgb_to_linear(albedo)
    if int(rows.sum()) < LEAST_LIT:
        return albedo
    own, wanted = linear.mean(1)[0][rows][:, None], srgb_to_linear(photo).mean(1)[0][rows][:, None]
    basis = own * torch.cat([torch.ones_like(own), normals[0, :, rows].T], 1)
    pull = EVEN * float(own.square().sum()) * torch.eye(4)
    pull[0, 0] *= 1e-3
    light = torch.linalg.solve(basis.T @ basis + pull, basis.T @ wanted)[:, 0]
    strength = (light[0] + (normals * light[1:].view(1, 3, 1, 1)).sum(1, keepdim=True)).clamp_min(LEAST_STRENGTH)
    return linear_to_srgb(linear * strength)
