"""Which parameters are decayed, and how weights are written."""

from pathlib import Path

from torch import nn

from ..files import written_whole


def decay_groups(model: nn.Module, decay: float) -> list[dict]:
    """Weight decay for matrices and kernels, none for vectors (ZeroShape, section 4.1)."""
    wide = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    narrow = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": wide, "weight_decay": decay}, {"params": narrow, "weight_decay": 0.0}]


def save_weights(model: nn.Module, path: Path) -> None:
    """Half-precision safetensors, written beside and renamed."""
    from safetensors.torch import save_file

    tensors = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    with written_whole(path) as beside:
        save_file(tensors, beside)
