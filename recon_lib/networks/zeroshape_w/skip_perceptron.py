"""The perceptron that ends ZeroShape's point decoder: softplus layers that see the input again and again."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

SHARPNESS = 100.0  # beta of the softplus
SKIPS = (2, 4, 6)  # these layers take (previous, input) / sqrt(2)
ROOT_HALF = 0.5**0.5


class SkipPerceptron(nn.Module):
    """Inputs [B,N,3+width] -> [B,N]; `depth` hidden layers of `width` channels."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.width = width
        inputs = 3 + width
        self.layers = nn.ModuleList(
            Linear((inputs if i == 0 else width) + (inputs if i in SKIPS else 0), width) for i in range(depth)
        )
        self.layers.append(Linear(width, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """The input's part of all layers is one product; activations are kept times `SHARPNESS` until the last."""
        rows = inputs.flatten(0, 1)
        hidden, last = self.layers[:-1], self.layers[-1]
        input_terms = self._input_terms(rows)
        x = softplus(input_terms[0])
        for index, layer in enumerate(hidden):
            if index in input_terms and index > 0:
                x = softplus(torch.addmm(input_terms[index], x, layer.weight[:, : self.width].T * ROOT_HALF))
            elif index > 0:
                x = softplus(F.linear(x, layer.weight, layer.bias * SHARPNESS))
        return last(x / SHARPNESS).view(inputs.shape[:-1])

    def _input_terms(self, rows: Tensor) -> dict[int, Tensor]:
        """What the input and the bias add to the layers that see it, times `SHARPNESS`: layer -> [R,width]."""
        fed = [i for i in range(len(self.layers) - 1) if i == 0 or i in SKIPS]
        weight = torch.cat([self.layers[i].weight[:, -rows.shape[-1] :] * (ROOT_HALF if i else 1.0) for i in fed])
        bias = torch.cat([self.layers[i].bias for i in fed])
        product = F.linear(rows, weight * SHARPNESS, bias * SHARPNESS)
        return dict(zip(fed, product.split(self.width, dim=-1), strict=True))


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), exact to float32's last digits.

    Without gradients the sum is done in place between -17 and 20, outside of which it is 0 or x in float32: PyTorch's
    own runs into denormal numbers on the CPU and takes ten times as long.
    """
    if x.requires_grad:
        return F.softplus(x)
    return torch.maximum(x.clamp(-17.0, 20.0).exp_().add_(1.0).log_(), x)
