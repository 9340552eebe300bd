"""Averages the weights of two models that were trained one from the other: python tools/average_weights.py A B OUT
[SHARE]

A model soup (Wortsman et al., ICML 2022): the mean is often better than either, and steadier on pictures that neither
was trained on. SHARE is B's, 0-1, one half by default. Both files need the same tensors.
"""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file


def average(first: Path, second: Path, target: Path, share: float = 0.5) -> None:
    """Write (1 - share) of `first` and `share` of `second`, in the number types of `first`."""
    one, other = load_file(first), load_file(second)
    if {k: v.shape for k, v in one.items()} != {k: v.shape for k, v in other.items()}:
        raise SystemExit(f"{first} and {second} do not hold the same tensors.")
    save_file(
        {
            name: value.float().lerp(other[name].float(), share).to(value.dtype) if value.is_floating_point() else value
            for name, value in one.items()
        },
        target,
    )


if __name__ == "__main__":
    average(*map(Path, sys.argv[1:4]), *map(float, sys.argv[4:5]))
