"""Tree-structured graph convolution: from one vector, a root, level by level to a cloud of points.

After TreeGAN (Shu et al., ICCV 2019), as LIST decodes its coarse points (Arshad and Beksi 2023, section 3.1).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

from ...check import check_shape


class TreeGraphConv(nn.Module):
    """One level: every node branches into `degree` children, which also hear from all of their ancestors.

    features: widths of the levels so far, the root's first, and last that of the children. Named as in LIST's weights.
    """

    def __init__(self, features: Sequence[int], nodes: int, degree: int, support: int, last: bool) -> None:
        super().__init__()
        *ancestors, width, outputs = features
        self.degree, self.last = degree, last
        self.W_root = nn.ModuleList(Linear(each, outputs, bias=False) for each in (*ancestors, width))
        self.W_branch = nn.Parameter(torch.randn(nodes, width, width * degree) / math.sqrt(width))
        wide = width * support
        self.W_loop = nn.Sequential(Linear(width, wide, bias=False), Linear(wide, outputs, bias=False))
        self.bias = nn.Parameter(torch.zeros(1, degree, outputs))

    def forward(self, tree: Sequence[Tensor]) -> Tensor:
        """tree: the levels [B,n,C] so far -> the next level [B, nodes * degree, outputs], siblings side by side."""
        parents = tree[-1]
        batch, nodes, width = parents.shape
        branches = F.leaky_relu(torch.einsum("bni,nio->bno", parents, self.W_branch), 0.2)
        children = self.W_loop(branches.reshape(batch, nodes * self.degree, width))
        heard = [
            root(level).repeat_interleave(nodes // level.shape[1], 1)
            for root, level in zip(self.W_root, tree, strict=True)
        ]
        children = children + torch.stack(heard).sum(0).repeat_interleave(self.degree, 1)
        return children if self.last else F.leaky_relu(children + self.bias.repeat(1, nodes, 1), 0.2)


class TreeDecoder(nn.Module):
    """A vector [B,features[0]] -> prod(degrees) points [B,P,features[-1]]."""

    def __init__(self, features: Sequence[int], degrees: Sequence[int], support: int = 10) -> None:
        super().__init__()
        self.gcn, nodes = nn.Sequential(), 1
        for level, degree in enumerate(degrees):
            last = level == len(degrees) - 1
            layer = TreeGraphConv(features[: level + 2], nodes, degree, support, last)
            self.gcn.add_module(f"TreeGCN_{level}", layer)
            nodes *= degree
        self.points = nodes

    def forward(self, root: Tensor) -> Tensor:
        check_shape("root", root, "B", "C")
        tree = [root[:, None]]
        for layer in self.gcn:
            tree.append(layer(tree))
        return tree[-1]


class PointFeatures(nn.Module):
    """Points [B,P,3] -> one vector [B,widths[-1]] that does not depend on their order (Qi et al., "PointNet", 2017)."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.blocks = len(widths)
        for index, (inputs, outputs) in enumerate(pairwise((3, *widths)), 1):
            convolution = nn.Conv2d(inputs, outputs, 1)
            block = nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
            self.add_module(f"block{index}", block)

    def forward(self, points: Tensor) -> Tensor:
        check_shape("points", points, "B", "P", 3)
        x = points.mT[..., None]
        for index in range(1, self.blocks + 1):
            x = self.get_submodule(f"block{index}")(x)
        return x[..., 0].amax(-1)
