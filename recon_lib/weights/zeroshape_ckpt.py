"""ZeroShape's published checkpoint (`shape.ckpt`): read without running code, checked, written as safetensors.

The file is a pickled dict whose `graph` holds the network's tensors with the training's state. It is opened by
torch's weights-only reader alone. `convert_zeroshape` needs it only once: the safetensors file takes its place.
"""

from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the name of torch.load's refusal; nothing is unpickled here

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..files import check_output, write_json, written_whole
from ..networks.zeroshape_w.model import ZEROSHAPE, ZeroShapeW
from ..parsing import is_file
from .card import card_path
from .registry import read_state

SOURCE = "ZeroShape (Huang et al., CVPR 2024), published checkpoint shape.ckpt"
LICENCE = "unstated by its authors"
TRAINED_ON = "ShapeNet55 and Objaverse-LVIS renders, by its authors"


def read_zeroshape(path: Path | str) -> dict[str, Tensor]:
    """The network's 813 tensors, float32, from `shape.ckpt` or from its safetensors conversion.

    Raises `BadInput` when the file is missing or damaged, needs more than the weights-only reader, or holds
    another network.
    """
    path = Path(path)
    state = read_state(path) if path.suffix.lower() == ".safetensors" else _read_pickled(path)
    with torch.device("meta"):
        check_state(state, published_network(), path.name)
    return state


def published_network() -> ZeroShapeW:
    """ZeroShape: the base size without the occluder's parts."""
    return ZeroShapeW(ZEROSHAPE)


def convert_zeroshape(source: Path | str, target: Path | str) -> Path:
    """Write the tensors of the checkpoint `source` to the safetensors file `target`, atomically, and its card."""
    from safetensors.torch import save_file

    target = check_output(target, (".safetensors",))
    state = {key: value.contiguous().clone() for key, value in read_zeroshape(source).items()}
    with written_whole(target) as part:
        save_file(state, str(part), metadata={"source": SOURCE})
    facts = {"system": "zeroshape-w", "size": "base", "licence": LICENCE, "source": SOURCE, "trained_on": TRAINED_ON}
    write_json(card_path(target), {**facts, "config": ZEROSHAPE.to_dict()})
    return target


def check_state(state: dict[str, Tensor], network: nn.Module, name: str) -> None:
    """Raise `BadInput` unless `state` has exactly the keys and shapes of `network` and only finite numbers."""
    wanted = {key: value.shape for key, value in network.state_dict().items()}
    wrong = [key for key in wanted if key not in state] + [key for key in state if key not in wanted]
    wrong = wrong or [key for key in wanted if state[key].shape != wanted[key]]
    if wrong:
        raise BadInput(
            f"{name} is no ZeroShape checkpoint: {len(wrong)} tensors are missing, unknown or of another shape, "
            f"the first is {wrong[0]}; use the published shape.ckpt."
        )
    broken = next((key for key, value in state.items() if not torch.isfinite(value).all()), None)
    if broken:
        raise BadInput(f"{name} holds NaN or infinite weights in {broken}; get it again.")


def _read_pickled(path: Path) -> dict[str, Tensor]:
    """`graph` of a checkpoint written by torch.save."""
    if not is_file(path):
        raise BadInput(f"There is no file {path}; check the checkpoint's path.")
    try:
        with torch.serialization.safe_globals(_number_types()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise BadInput(
            f"{path.name} is damaged or holds more than weights, so that opening it could run code; "
            "get it again or use a safetensors file."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path.name} is truncated or no checkpoint; get it again.") from error
    graph = content.get("graph") if isinstance(content, dict) else None
    if not isinstance(graph, dict) or not all(isinstance(value, Tensor) for value in graph.values()):
        raise BadInput(f"{path.name} has no tensors under 'graph'; use ZeroShape's published shape.ckpt.")
    if any(value.is_complex() for value in graph.values()):
        raise BadInput(f"{path.name} holds complex numbers; use ZeroShape's published shape.ckpt.")
    return {key: value.float() if value.is_floating_point() else value for key, value in graph.items()}


def _number_types() -> list:
    """NumPy's plain numbers: a checkpoint may carry its best validation figure as one."""
    import numpy as np

    return [np.float32(0).__reduce__()[0], np.dtype, type(np.dtype("float32")), type(np.dtype("float64"))]
