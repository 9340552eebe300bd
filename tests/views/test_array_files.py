import zipfile

import numpy as np
import pytest

from recon_lib.errors import BadInput
from recon_lib.views.array_files import read_array


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_numbers_and_booleans(tmp_path, kind):
    np.save(tmp_path / "a.npy", np.ones((2, 3), kind))
    assert read_array(tmp_path / "a.npy").dtype == kind


@pytest.mark.parametrize("array", [np.array([{}]), np.ones(3, complex), np.array(["a"]), np.zeros((0, 3))])
def test_other_kinds(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(BadInput, match=r"a\.npy"):
        read_array(tmp_path / "a.npy")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(BadInput, match="is missing"):
        read_array(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")
    with pytest.raises(BadInput, match="could not be read"):
        read_array(path)
    np.save(path, np.zeros((4, 4)))
    content = path.read_bytes()
    for broken in (b"", content[:40], content[:-8], content.replace(b"(4, 4)", b"(1<<60")):
        path.write_bytes(broken)
        with pytest.raises(BadInput, match="could not be read"):
            read_array(path)
    head = content.replace(b"(4, 4), }          ", b"(99999999999, 9), }")
    path.write_bytes(head)
    with pytest.raises(BadInput, match="could not be read"):
        read_array(path)
