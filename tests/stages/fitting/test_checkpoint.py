"""States on disk: whole or not there, and only for their own input."""

import logging

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.fitting.checkpoint import Checkpoint, fingerprint
from tests.helpers.stop_button import files

STATE = {"done": 3, "values": torch.arange(5.0)}


def test_a_state_comes_back(tmp_path):
    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    found = Checkpoint(tmp_path / "state", "key").read()
    assert found["done"] == 3 and torch.equal(found["values"], STATE["values"])


def test_no_file_is_no_state(tmp_path):
    assert Checkpoint(tmp_path / "state", "key").read() is None


def test_another_inputs_state_is_passed_over(tmp_path):
    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    assert Checkpoint(tmp_path / "state", "other").read() is None


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_state_is_passed_over_and_told(tmp_path, caplog, content):
    path = tmp_path / "state"
    Checkpoint(path, "key", pause=0).write(lambda: STATE)
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    with caplog.at_level(logging.WARNING, "recon3d"):
        assert Checkpoint(path, "key").read() is None
    assert "damaged" in caplog.text


def test_a_state_that_could_run_code_is_not_opened(tmp_path):
    torch.save({"key": "key", "state": Checkpoint}, tmp_path / "state")
    assert Checkpoint(tmp_path / "state", "key").read() is None


def test_states_are_written_now_and_then(tmp_path):
    written = []
    checkpoint = Checkpoint(tmp_path / "state", "key", pause=1000)
    checkpoint.write(lambda: written.append(1) or STATE)
    assert not written and not files(tmp_path)


def test_a_crash_while_writing_leaves_the_state_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "state", "key", pause=0)
    checkpoint.write(lambda: STATE)
    before = files(tmp_path)

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(BadInput, match="No space left"):
        checkpoint.write(lambda: STATE)
    assert files(tmp_path) == before


def test_it_is_gone_when_the_fit_is_done(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state", "key", pause=0)
    checkpoint.write(lambda: STATE)
    checkpoint.remove()
    checkpoint.remove()
    assert not files(tmp_path)


def test_a_blocked_place_is_told_at_once(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="choose another folder"):
        Checkpoint(tmp_path / "file" / "state", "key")


def test_fingerprints_tell_inputs_apart():
    base = (torch.arange(6.0).view(2, 3), None, "settings")
    assert fingerprint(*base) == fingerprint(torch.arange(6.0).view(2, 3), None, "settings")
    others = [
        (torch.arange(6.0).view(3, 2), None, "settings"),
        (torch.arange(6).view(2, 3), None, "settings"),
        (torch.arange(6.0).view(2, 3) + 1e-6, None, "settings"),
        (torch.arange(6.0).view(2, 3), torch.zeros(1), "settings"),
        (torch.arange(6.0).view(2, 3), None, "other"),
    ]
    assert len({fingerprint(*base), *(fingerprint(*other) for other in others)}) == 6
