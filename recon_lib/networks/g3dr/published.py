"""The published layout of G3DR's weights, and its folding into `base.G3drBase`.

Folded are the standardisation of kernels, the embeddings of a time step that never changes, and the learned position
map, which enters the first convolution beside the picture.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadInput
from .base import WIDTH, WIDTHS, G3drBase
from .config import BASE

TENSORS = 279
POSITION, TIME = 256, 512  # channels of the position map, and of the time step's embedding
TIME_STEP = 1.0
EPSILON = 1e-5  # of the standardisation of kernels
PREFIX = "module."
Shapes = dict[str, tuple[int, ...]]


def published_shapes() -> Shapes:
    """Name and shape of every tensor of the published network."""
    with torch.device("meta"):
        own = {name: tuple(value.shape) for name, value in G3drBase(BASE).state_dict().items()}
    shapes: Shapes = {_published_name(name): shape for name, shape in own.items() if name != "position"}
    blocks = [name.removesuffix("block1.proj.weight") for name in shapes if name.endswith("block1.proj.weight")]
    for block in blocks:
        twice = 2 * shapes[f"{block}block1.proj.weight"][0]
        shapes |= {f"{block}mlp.1.weight": (twice, TIME), f"{block}mlp.1.bias": (twice,)}
    shapes["init_conv.weight"] = (WIDTH, POSITION + 4, 7, 7)
    shapes["pos_embed"] = (1, POSITION, BASE.image_size, BASE.image_size)
    for layer, inputs in (("1", WIDTH), ("3", TIME)):
        shapes |= {f"time_mlp.{layer}.weight": (TIME, inputs), f"time_mlp.{layer}.bias": (TIME,)}
    return shapes


def fold(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """State of `G3drBase` from the published one, whose names may begin with "module.". `BadInput` for any other."""
    state = {name.rpartition(PREFIX)[2]: value for name, value in state.items()}
    shapes = published_shapes()
    wrong = [name for name in shapes if name not in state or tuple(state[name].shape) != shapes[name]]
    wrong += [name for name in state if name not in shapes]
    if wrong:
        differ = f"{len(wrong)} tensors differ, such as {wrong[0]}"
        raise BadInput(f"These are not G3DR's published weights ({differ}); get them again.")
    with torch.device("meta"):
        names = list(G3drBase(BASE).state_dict())
    time = _time_embedding(state)
    folded = {name: state[_published_name(name)].float() for name in names if name != "position"}
    kernel = folded["init_conv.weight"]
    folded["position"] = F.conv2d(state["pos_embed"].float(), kernel[:, 4:], padding=3)
    folded["init_conv.weight"] = kernel[:, :4].contiguous()
    for name in names:
        if name.endswith("proj.weight"):
            folded[name] = standardized(folded[name])
        elif name.endswith("block1.norm.weight"):
            block = name.removesuffix("block1.norm.weight")
            _fold_time(folded, state, block, time)
    return folded


def standardized(kernel: Tensor) -> Tensor:
    """Kernels [O,I,h,w] with mean 0 and variance 1 each (Qiao et al. 2019, "Weight Standardization")."""
    variance, mean = torch.var_mean(kernel, (1, 2, 3), correction=0, keepdim=True)
    return (kernel - mean) * (variance + EPSILON).rsqrt()


def _fold_time(folded: dict[str, Tensor], state: dict[str, Tensor], block: str, time: Tensor) -> None:
    """Multiply the time step's scale and shift into the first normalisation of a residual block."""
    layer = _published_name(f"{block}block1.norm.weight").removesuffix("block1.norm.weight") + "mlp.1."
    scale, shift = F.linear(F.silu(time), state[layer + "weight"].float(), state[layer + "bias"].float()).chunk(2)
    weight, bias = f"{block}block1.norm.weight", f"{block}block1.norm.bias"
    folded[weight] = folded[weight] * (scale + 1)
    folded[bias] = folded[bias] * (scale + 1) + shift


def _time_embedding(state: dict[str, Tensor]) -> Tensor:
    """Embedding [512] of the constant time step (Vaswani et al. 2017, section 3.5; two layers)."""
    half = WIDTH // 2
    angles = TIME_STEP * torch.exp(torch.arange(half) * (-math.log(10000) / (half - 1)))
    x = torch.cat([angles.sin(), angles.cos()])
    x = F.linear(x, state["time_mlp.1.weight"].float(), state["time_mlp.1.bias"].float())
    return F.linear(F.gelu(x), state["time_mlp.3.weight"].float(), state["time_mlp.3.bias"].float())


def _published_name(name: str) -> str:
    """The published name of a tensor of `G3drBase`."""
    part, _, rest = name.partition(".")
    if part in ("downs", "ups"):
        level, block, leaf = rest.split(".", 2)
        number = {"block1": "0", "block2": "1", "attention": "2"}[block]
        return f"{part}.{level}.{number}.{_attention_name(leaf) if block == 'attention' else leaf}"
    if part in ("shrink", "grow"):
        level, leaf = rest.split(".")
        last = int(level) == len(WIDTHS) - 2
        return f"{'downs' if part == 'shrink' else 'ups'}.{level}.3.{leaf if last else f'1.{leaf}'}"
    return f"mid_attn.{_attention_name(rest)}" if part == "mid_attn" else name


def _attention_name(leaf: str) -> str:
    return f"fn.{leaf}" if leaf.startswith("norm") else f"fn.fn.{leaf}"
