"""Array shards: folders of arrays, one .npy file a column, written atomically and memory-mapped by readers.

So training can start while the data engine is still rendering, and the operating system decides what stays in memory.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput

Shard = TypeVar("Shard", bound="ArrayShard")


class ArrayShard:
    """Base of frozen dataclasses whose fields are the columns."""

    marker: ClassVar[str]  # a column with one row a sample, which other kinds of shard do not have
    command: ClassVar[str]  # that makes such shards, for messages

    def __len__(self) -> int:
        return len(getattr(self, self.marker))

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls))

    @classmethod
    def open(cls: type[Shard], folder: Path) -> Shard:
        """Map the arrays of a folder. Raises `BadInput` where one is missing."""
        try:
            return cls(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls.columns()})
        except FileNotFoundError as error:
            name = Path(str(error.filename)).name
            raise BadInput(f"{folder} has no {name}; it is of another version of the pack, make it again.") from error

    @classmethod
    def find(cls, folder: Path) -> list[Path]:
        """Finished shards below `folder`, sorted."""
        paths = sorted(path.parent for path in Path(folder).glob(f"**/{cls.marker}.npy"))
        return [path for path in paths if path.suffix != ".part"]

    @classmethod
    def find_some(cls, folder: Path) -> list[Path]:
        """Finished shards below `folder`, sorted; `BadInput` where there is none."""
        paths = cls.find(folder)
        if not paths:
            raise BadInput(f"There is nothing in {folder} to go on with; make some with `data {cls.command}`.")
        return paths

    @classmethod
    def write(cls, folder: Path, columns: Mapping[str, Sequence[NDArray]]) -> None:
        """Stack the rows of each column and write them into the new folder `folder`, atomically."""
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            for name in cls.columns():
                np.save(part / f"{name}.npy", np.stack(columns[name]))
            part.replace(folder)
        except OSError as error:
            raise BadInput(f"{folder} could not be written ({error.strerror}); check space and rights.") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


def by_column(rows: Sequence[Mapping[str, NDArray]]) -> dict[str, list[NDArray]]:
    """Rows of the same columns -> columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}
