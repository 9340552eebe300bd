from dataclasses import dataclass

import numpy as np
import pytest

from recon_lib.data.shards.array_shard import ArrayShard, by_column
from recon_lib.errors import BadInput


@dataclass(frozen=True)
class Pair(ArrayShard):
    a: np.ndarray
    b: np.ndarray

    marker, command = "a", "--pairs"


ROWS = [{"a": np.int8([1, 2]), "b": np.float32(0.5)}, {"a": np.int8([3, 4]), "b": np.float32(1.5)}]


def test_rows_are_stacked_in_files_of_their_names(tmp_path):
    Pair.write(tmp_path / "new" / "x", by_column(ROWS))
    assert np.load(tmp_path / "new" / "x" / "a.npy").tolist() == [[1, 2], [3, 4]]
    assert np.load(tmp_path / "new" / "x" / "b.npy").tolist() == [0.5, 1.5]
    assert Pair.find(tmp_path) == [tmp_path / "new" / "x"]
    shard = Pair.open(tmp_path / "new" / "x")
    assert len(shard) == 2 and isinstance(shard.a, np.memmap)


def test_rows_that_do_not_fit_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="same shape"):
        Pair.write(tmp_path / "x", {"a": [np.zeros(2)], "b": [np.zeros(2), np.zeros(3)]})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="could not be written"):
        Pair.write(tmp_path / "file" / "x", by_column(ROWS))


def test_none_and_parts_are_told(tmp_path):
    Pair.write(tmp_path / "x.part", by_column(ROWS))
    assert Pair.find(tmp_path) == []
    with pytest.raises(BadInput, match="make some with `data --pairs`"):
        Pair.find_some(tmp_path)


def test_another_versions_shard_is_told(tmp_path):
    Pair.write(tmp_path / "x", by_column(ROWS))
    (tmp_path / "x" / "b.npy").unlink()
    with pytest.raises(BadInput, match=r"has no b\.npy; it is of another version"):
        Pair.open(tmp_path / "x")
