"""Arrays in npy files; nothing else is opened, and nothing in them is run."""

from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..parsing import is_file

if TYPE_CHECKING:
    import numpy as np


DAMAGE = (OSError, ValueError, EOFError, MemoryError, OverflowError, TypeError, SyntaxError, TokenError)


def read_array(path: Path) -> "np.ndarray":
    """The numbers or booleans of an npy file: bool, int, uint or float of any shape. Raises `BadInput`."""
    import numpy as np

    if not is_file(path):
        raise BadInput(f"{path} is missing; put the file back or take its frame out.")
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except DAMAGE as error:
        raise BadInput(f"{path} could not be read as an npy array ({str(error)[:120]}); write it again.") from error
    if array.dtype.kind not in "bfiu" or not array.size:
        raise BadInput(f"{path.name} holds {str(array.dtype)[:40]} {array.shape}; an array of numbers is needed.")
    return array
