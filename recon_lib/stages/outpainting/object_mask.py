"""Object masks of painted pictures whose painter returns none."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

DEFAULT_BACKGROUND = 1.0  # white: assumed where the hull fills the picture, so that no background pixel is known
MIN_TOLERANCE, MAX_TOLERANCE = 0.06, 0.25  # of the background's colour, largest channel, sRGB 0-1
MIN_COMPONENT_FRACTION = 0.01  # of the mask's area; smaller components are removed


def segment_on_background(
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    silhouette: Tensor,  # [1,1,H,W] bool, the object can only be here
) -> Tensor:
    """Object mask [1,1,H,W] bool, within the silhouette.

    The painter was shown a white background, and there is no object outside the hull. So the background is the median
    colour outside, and pixels that differ from it no more than those outside do (at least `MIN_TOLERANCE`, at most
    `MAX_TOLERANCE`, largest channel) may be background too. They are, if they are connected with the outside: a white
    patch within the object stays object, unless it touches the silhouette's border. The outer half of a blended
    outline is background. The rule is our choice; POP3D's is not known.
    """
    from scipy.ndimage import binary_propagation

    outside = ~silhouette
    background_rgb, tolerance = torch.full((1, 3, 1, 1), DEFAULT_BACKGROUND), torch.tensor(MIN_TOLERANCE)
    if outside.any():
        colors = image.movedim(1, -1)[outside[:, 0]]  # [N,3]
        background_rgb = colors.median(0).values.view(1, 3, 1, 1)
        spread = (colors - background_rgb.view(3)).abs().amax(1).sort().values
        tolerance = spread[int(0.95 * (len(spread) - 1))].clamp(MIN_TOLERANCE, MAX_TOLERANCE)
    difference = (image - background_rgb).abs().amax(1, keepdim=True)
    similar = difference <= tolerance
    border = torch.zeros_like(outside)
    border[..., [0, -1], :] = border[..., :, [0, -1]] = True
    start = outside | (border & similar)  # where the hull fills the picture, the background enters from its border
    connected = binary_propagation(start[0, 0].numpy(), mask=(outside | similar)[0, 0].numpy())
    background = torch.from_numpy(connected)[None, None]
    rim = F.max_pool2d(background.float(), 3, 1, 1) > 0
    thin = difference < F.max_pool2d(difference * silhouette, 3, 1, 1) / 2  # mostly background: a blended outline
    return silhouette & ~background & ~(rim & thin)


def remove_small_components(mask: Tensor) -> Tensor:
    """A mask [1,1,H,W] bool without 4-connected components below `MIN_COMPONENT_FRACTION` of its area."""
    from scipy.ndimage import label

    labels: Any = label(mask[0, 0].numpy())
    components, count = torch.from_numpy(labels[0]).long(), labels[1]
    sizes = torch.bincount(components.flatten(), minlength=count + 1)
    large = sizes >= MIN_COMPONENT_FRACTION * sizes[1:].sum()
    large[0] = False
    return large[components][None, None]
