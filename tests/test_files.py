import errno
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from recon_lib.errors import BadInput
from recon_lib.files import check_output, check_output_folder, locked, remove_partial, write_json, written_whole

STANDS_IN = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in for msvcrt asks Linux for its locks")


def test_file_appears_whole(tmp_path):
    with written_whole(tmp_path / "new" / "a.txt") as beside:
        beside.write_text("all of it")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "all of it"
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), written_whole(tmp_path / "a.txt") as beside:
        beside.write_text("half")
        raise error
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_writers_see_the_ending(tmp_path):
    with written_whole(tmp_path / "a.glb") as beside:
        assert beside.suffix == ".glb"
        beside.touch()


def test_refuses_folders_endings_and_places_without_rights(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(BadInput, match=r"does not end in \.glb or \.obj"):
        check_output(tmp_path / "a.fbx", (".glb", ".obj"))
    with pytest.raises(BadInput, match="choose another folder"):
        check_output(tmp_path / "file" / "a.glb")


def test_upper_case_endings_count(tmp_path):
    assert check_output(tmp_path / "A.GLB", (".glb",)).name == "A.GLB"


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "r.json", {"größe": [1, 2.5]})
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == {"größe": [1, 2.5]}


class TestOutputs:
    def test_looking_leaves_no_folders(self, tmp_path):
        check_output(tmp_path / "a" / "b" / "c.glb")
        check_output_folder(tmp_path / "d" / "e")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", ["x" * 252 + ".glb", "a\0b.glb", "\ud800.glb", "/".join(["x" * 200] * 30)])
    def test_names_that_no_file_system_takes(self, tmp_path, name):
        with pytest.raises(BadInput, match=r"The output's name .*\.$"):
            check_output(tmp_path / name)

    def test_the_longest_name_is_written(self, tmp_path):
        path = tmp_path / ("ü" * 125 + "x.txt")
        with written_whole(path) as beside:
            beside.write_text("all of it")
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    @pytest.mark.parametrize("name", ["photo.png/v", "photo.png"])
    def test_a_folder_cannot_lie_in_a_file(self, tmp_path, name):
        (tmp_path / "photo.png").touch()
        with pytest.raises(BadInput, match="choose another folder"):
            check_output_folder(tmp_path / name)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"),
        RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_sentence_whoever_writes(tmp_path, error):
    message = r"could not be written \(.*\); check space and rights"
    with pytest.raises(BadInput, match=message), written_whole(tmp_path / "a.pt") as beside:
        beside.write_bytes(b"half")
        raise error
    assert not list(tmp_path.iterdir())


def test_torch_on_a_full_disk(tmp_path):
    if not Path("/dev/full").is_char_device():
        pytest.skip("the system has no /dev/full")
    told = pytest.raises(BadInput, match="check space and rights")
    with told, written_whole(tmp_path / "a.pt"), Path("/dev/full").open("wb") as full:
        torch.save({"a": torch.zeros(1_000_000)}, full)


def test_numbers_that_json_lacks_are_null(tmp_path):
    write_json(tmp_path / "r.json", {"psnr": float("inf"), "mean": [float("nan"), 1.5], "of": (1, {"x": -math.inf})})
    assert json.loads((tmp_path / "r.json").read_text()) == {"psnr": None, "mean": [None, 1.5], "of": [1, {"x": None}]}


@pytest.mark.parametrize("windows", [False, pytest.param(True, marks=STANDS_IN)], ids=["flock", "msvcrt"])
class TestLock:
    HOLD = "import sys; from pathlib import Path; from recon_lib import files\n"
    AS_WINDOWS = "from tests.helpers import msvcrt_standin; sys.modules['msvcrt'] = msvcrt_standin\n"
    AS_WINDOWS += "files.WINDOWS = True\n"
    WAIT = "with files.locked(Path(sys.argv[1]), Path('o.glb')): print('held', flush=True); sys.stdin.read()"

    @pytest.fixture(autouse=True)
    def system(self, windows, monkeypatch):
        if windows:
            from tests.helpers import msvcrt_standin

            monkeypatch.setitem(sys.modules, "msvcrt", msvcrt_standin)
            monkeypatch.setattr("recon_lib.files.WINDOWS", True)
        self.script = self.HOLD + (self.AS_WINDOWS if windows else "") + self.WAIT

    def hold(self, repo_root, path):
        process = subprocess.Popen(
            [sys.executable, "-c", self.script, str(path)], cwd=repo_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"held\n"
        return process

    def test_a_second_process_is_told_until_the_first_ends(self, repo_root, tmp_path):
        path = tmp_path / "lock"
        first = self.hold(repo_root, path)
        with pytest.raises(BadInput, match=r"Another run is writing o\.glb"), locked(path, Path("o.glb")):
            pass
        first.communicate()
        with locked(path, Path("o.glb")):
            assert path.exists()
        assert not list(tmp_path.iterdir())

    def test_the_lock_of_a_killed_process_is_free(self, repo_root, tmp_path):
        first = self.hold(repo_root, tmp_path / "lock")
        first.kill()
        first.communicate()
        with locked(tmp_path / "lock", Path("o.glb")):
            pass
        assert not list(tmp_path.iterdir())

    def test_the_same_process_twice(self, tmp_path):
        first, second = (locked(tmp_path / "lock", Path("o.glb")) for _ in range(2))
        with first, pytest.raises(BadInput, match="Another run"), second:
            pass
        with locked(tmp_path / "lock", Path("o.glb")):  # given back, so that it can be had at once
            pass
        assert not list(tmp_path.iterdir())

    def test_where_there_are_no_locks_nothing_is_locked(self, tmp_path, monkeypatch, windows):
        def refuse(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(*((sys.modules["msvcrt"], "locking") if windows else ("fcntl.flock",)), refuse)
        with locked(tmp_path / "lock", Path("o.glb")), locked(tmp_path / "lock", Path("o.glb")):
            pass


def test_what_a_killed_run_left_half_written_goes(tmp_path):
    with pytest.raises(KeyError), written_whole(tmp_path / "a.b.glb") as beside:
        left = beside.name
        raise KeyError
    for name in (left, "a.b.glb", ".a.b.glb", ".c.b.glb.12345678.part.glb"):
        (tmp_path / name).touch()
    remove_partial(tmp_path / "a.b.glb")
    assert {p.name for p in tmp_path.iterdir()} == {"a.b.glb", ".a.b.glb", ".c.b.glb.12345678.part.glb"}
