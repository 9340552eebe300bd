"""Folders of arrays, one .npy file a column, written atomically and memory-mapped by readers."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput


def write_arrays(folder: Path, columns: Mapping[str, Sequence[NDArray]]) -> None:
    """Stack the rows of each column and write them as <name>.npy into the new folder `folder`, atomically."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        for name, rows in columns.items():
            np.save(part / f"{name}.npy", np.stack(rows))
        part.replace(folder)
    except OSError as error:
        raise BadInput(f"{folder} could not be written ({error.strerror}); check space and rights.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
