"""The perceptual distance that this machine has weights for: LPIPS, else EfficientNet-Lite0's features."""

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the name of weights_only's own error, nothing is unpickled

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..networks.efficientnet_distance import EfficientNetDistance
from ..networks.lpips import Lpips
from .registry import EMBEDDED, read_state

log = logging.getLogger("recon3d")
LPIPS_FILE = "lpips_alex.safetensors"  # trunk and heads in one file
TRUNK_FILE = "alexnet-owt-7be5be79.pth"  # torchvision's name in torch.hub's cache
ENCODER_FILE = EMBEDDED / "zeroshape_w_mini.safetensors"
ENCODER_PART = "dpt_depth."  # of its names, before `encoder`


def lpips_weights(folders: Sequence[Path]) -> tuple[dict[str, Tensor] | None, str | None]:
    """State of `Lpips` and None, or None and the reason."""
    from safetensors.torch import load_file

    for folder in folders:
        path = Path(folder) / LPIPS_FILE
        if path.is_file():
            return load_file(path), None
    trunk = Path(torch.hub.get_dir()) / "checkpoints" / TRUNK_FILE
    package = importlib.util.find_spec("lpips")
    heads = Path(package.origin).parent / "weights" / "v0.1" / "alex.pth" if package and package.origin else None
    if not trunk.is_file() or heads is None or not heads.is_file():
        return None, f"No LPIPS weights on this machine ({LPIPS_FILE}, or {TRUNK_FILE} and the lpips package)."
    weights = torch.load(trunk, map_location="cpu", weights_only=True)
    weights = {name: value for name, value in weights.items() if name.startswith("features.")}
    return weights | torch.load(heads, map_location="cpu", weights_only=True), None


def load_perceptual(folders: Sequence[Path] = ()) -> nn.Module:
    """A frozen module: images a, b [V,3,H,W] in 0-1 -> distances [V].

    LPIPS if its weights are in `folders` or on this machine (see `stages.evaluation.images`); otherwise the distance of
    EfficientNet-Lite0's features, with the embedded ZeroShape-W's encoder. The log names which.
    """
    from safetensors import SafetensorError

    try:
        weights, reason = lpips_weights(folders)
    except (OSError, SafetensorError, UnpicklingError) as error:
        raise BadInput(f"The LPIPS weights could not be read ({error}); get them again or remove them.") from error
    with torch.random.fork_rng(devices=[]):
        network = EfficientNetDistance() if weights is None else Lpips()
    if weights is None:
        log.info("%s The perceptual distance is that of %s.", reason, EfficientNetDistance.name)
        state = {k.removeprefix(ENCODER_PART): v for k, v in read_state(ENCODER_FILE).items()}
        weights = {name: state[name] for name in network.state_dict()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise BadInput("The LPIPS weights are not AlexNet's with LPIPS heads; get them again.") from error
    return network.eval().requires_grad_(False)
