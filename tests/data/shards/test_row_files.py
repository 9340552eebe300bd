import numpy as np
import pytest

from recon_lib.data.shards.row_files import write_arrays
from recon_lib.errors import BadInput


def test_rows_are_stacked_in_files_of_their_names(tmp_path):
    write_arrays(tmp_path / "new" / "x", {"a": [np.int8([1, 2]), np.int8([3, 4])], "b": [np.float32(0.5)]})
    assert np.load(tmp_path / "new" / "x" / "a.npy").tolist() == [[1, 2], [3, 4]]
    assert np.load(tmp_path / "new" / "x" / "b.npy").tolist() == [0.5]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["x"]


def test_rows_that_do_not_fit_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="same shape"):
        write_arrays(tmp_path / "x", {"a": [np.zeros(2)], "b": [np.zeros(2), np.zeros(3)]})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="could not be written"):
        write_arrays(tmp_path / "file" / "x", {"a": [np.zeros(2)]})
