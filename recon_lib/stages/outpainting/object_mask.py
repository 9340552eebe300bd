"""Where the object is in a picture whose painter does not tell it."""

import torch
import torch.nn.functional as F
from torch import Tensor

PAPER = 1.0  # white: what stands around the object when nothing of the picture says so
LEAST, MOST = 0.06, 0.25  # differences from the background that are never, always, part of the object
SPECK = 0.01  # share of the object; smaller islands are dropped


def object_on_paper(
    image: Tensor,  # [1,3,H,W] sRGB 0-1
    silhouette: Tensor,  # [1,1,H,W] bool, the object can only be here
) -> Tensor:
    """The object's pixels [1,1,H,W] bool, within the silhouette.

    The painter was shown a white background, and there is no object outside the hull. So the background is the median
    colour out there, and what differs from it no more than those pixels do among themselves (at least `LEAST`, at most
    `MOST`, largest channel) may be background too. It is, if it hangs together with the outside: a white patch within
    the object stays object, unless it reaches the silhouette's border. Of a blended outline the outer
    half is background. The rule is chosen; POP3D's is unknown to us.
    """
    from scipy.ndimage import binary_propagation

    outside = ~silhouette
    paper, reach = torch.full((1, 3, 1, 1), PAPER), torch.tensor(LEAST)
    if outside.any():
        around = image.movedim(1, -1)[outside[:, 0]]  # [N,3]
        paper = around.median(0).values.view(1, 3, 1, 1)
        spread = (around - paper.view(3)).abs().amax(1).sort().values
        reach = spread[int(0.95 * (len(spread) - 1))].clamp(LEAST, MOST)
    difference = (image - paper).abs().amax(1, keepdim=True)
    like_paper = difference <= reach
    edge = torch.zeros_like(outside)
    edge[..., [0, -1], :] = edge[..., :, [0, -1]] = True
    start = outside | (edge & like_paper)  # where the hull fills the picture, the background comes in from its border
    reached = binary_propagation(start[0, 0].numpy(), mask=(outside | like_paper)[0, 0].numpy())
    background = torch.from_numpy(reached)[None, None]
    rim = F.max_pool2d(background.float(), 3, 1, 1) > 0
    thin = difference < F.max_pool2d(difference * silhouette, 3, 1, 1) / 2  # mostly background: a blended outline
    return silhouette & ~background & ~(rim & thin)


def drop_specks(mask: Tensor) -> Tensor:
    """A mask [1,1,H,W] bool without islands smaller than `SPECK` of it (4-connected)."""
    from scipy.ndimage import label

    islands, count = label(mask[0, 0].numpy())
    islands = torch.from_numpy(islands).long()
    sizes = torch.bincount(islands.flatten(), minlength=count + 1)
    large = sizes >= SPECK * sizes[1:].sum()
    large[0] = False
    return large[islands][None, None]
