"""LPIPS on AlexNet features: a perceptual distance between images (Zhang et al., CVPR 2018, arXiv 1801.03924).

Parameter names are those of the published weights: torchvision's AlexNet trunk (`features.N.*`) and the linear
heads (`linK.model.1.weight`), so both load as they are.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d

from ..check import check_shape

# the paper's inputs are in -1..1, normalised with these (ImageNet statistics on that scale)
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
CONVOLUTIONS = {
    0: (3, 64, 11, 4, 2),
    3: (64, 192, 5, 1, 2),
    6: (192, 384, 3, 1, 1),
    8: (384, 256, 3, 1, 1),
    10: (256, 256, 3, 1, 1),
}
POOLED_BEFORE = (3, 6)
SMALLEST = 32  # pixels per side that leave something after the trunk's strides


class Lpips(nn.Module):
    """images a, b [V,3,H,W] in 0-1, sides >= 32 -> distances [V], 0 = alike."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({str(i): Conv2d(*spec) for i, spec in CONVOLUTIONS.items()})
        for k, (_, channels, *_) in enumerate(CONVOLUTIONS.values()):
            head = nn.Sequential(nn.Dropout(), Conv2d(channels, 1, 1, bias=False))
            self.add_module(f"lin{k}", nn.ModuleDict({"model": head}))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        check_shape("a", a, "V", 3, "H", "W")
        check_shape("b", b, *a.shape)
        total = a.new_zeros(len(a))
        for k, (x, y) in enumerate(zip(self._layers(a), self._layers(b), strict=True)):
            head = self.get_submodule(f"lin{k}.model.1")
            total = total + head((F.normalize(x, dim=1) - F.normalize(y, dim=1)).square()).mean((1, 2, 3))
        return total

    def _layers(self, image: Tensor) -> list[Tensor]:
        shift, scale = (image.new_tensor(v)[:, None, None] for v in (SHIFT, SCALE))
        x, layers = (2 * image - 1 - shift) / scale, []
        for i in CONVOLUTIONS:
            x = F.max_pool2d(x, 3, 2) if i in POOLED_BEFORE else x
            x = F.relu(self.features[str(i)](x))
            layers.append(x)
        return layers
