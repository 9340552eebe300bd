"""States on disk: whole or not there, and only for their own input."""

import math
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.errors import BadInput, Interrupted, OutOfMemory
from recon_lib.stages.fitting.checkpoint import HEADER, Checkpoint, encoded, fingerprint, seeded
from tests.helpers.stop_button import files

STATE = {"done": 3, "values": torch.arange(5.0)}


def read(path, key="key"):
    return Checkpoint(path, key).resume(lambda state: state)


def test_a_state_comes_back(tmp_path):
    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    found = read(tmp_path / "state")
    assert found["done"] == 3 and torch.equal(found["values"], STATE["values"])


def test_no_file_is_no_state(tmp_path):
    assert read(tmp_path / "state") is None


def test_another_inputs_state_is_passed_over(tmp_path):
    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    assert read(tmp_path / "state", "other") is None
    assert list(files(tmp_path)) == ["state"]


def set_aside(path, caplog) -> bool:
    """Whether the file is recognised as damaged, in one sentence, and renamed."""
    caplog.clear()
    found, aside = read(path), path.with_name(f"{path.name}.damaged")
    return found is None and caplog.text.count("is damaged (") == 1 and aside.is_file() and not path.exists()


@pytest.mark.parametrize("content", [b"", b"garbage", HEADER, HEADER + b"0" * 64 + b"\n", None])
def test_a_damaged_state_is_set_aside_and_told(tmp_path, caplog, content):
    path = tmp_path / "state"
    Checkpoint(path, "key", pause=0).write(lambda: STATE)
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    assert set_aside(path, caplog)


def test_every_changed_byte_or_bit_is_recognised(tmp_path, caplog):
    path, dice = tmp_path / "state", random.Random(0)
    Checkpoint(path, "key", pause=0).write(lambda: STATE)
    whole = path.read_bytes()
    for trial in range(80):
        changed, at = bytearray(whole), dice.randrange(len(whole))
        changed[at] ^= dice.randrange(1, 256) if trial % 2 else 1 << dice.randrange(8)
        path.write_bytes(changed)
        assert set_aside(path, caplog), at
    path.write_bytes(whole)
    assert read(path)["done"] == 3


@given(st.binary(max_size=300))
def test_no_bytes_at_all_are_taken_for_a_state(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "state"
    path.write_bytes(content)
    assert read(path) is None and not path.exists()


@pytest.mark.parametrize("state", [{"loss": math.nan}, {"a": [{"b": torch.tensor([1.0, math.nan])}]}])
def test_nan_is_damage(tmp_path, caplog, state):
    Checkpoint(tmp_path / "state", "key").write(lambda: state, now=True)
    assert set_aside(tmp_path / "state", caplog)


@pytest.mark.parametrize(
    "error", [KeyError("grid"), TypeError("no"), ValueError("no"), RuntimeError("shape"), BadInput("x")]
)
def test_what_cannot_be_loaded_is_damage(tmp_path, caplog, error):
    def load(state):
        raise error

    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    assert Checkpoint(tmp_path / "state", "key").resume(load) is None
    assert list(files(tmp_path)) == ["state.damaged"]


@pytest.mark.parametrize("error", [Interrupted(), OutOfMemory("x"), MemoryError(), torch.OutOfMemoryError()])
def test_what_is_no_damage_is_passed_on(tmp_path, error):
    def load(state):
        raise error

    Checkpoint(tmp_path / "state", "key", pause=0).write(lambda: STATE)
    with pytest.raises(type(error)):
        Checkpoint(tmp_path / "state", "key").resume(load)
    assert list(files(tmp_path)) == ["state"]


def test_a_state_that_could_run_code_is_not_opened(tmp_path):
    (tmp_path / "state").write_bytes(b"".join(encoded({"key": "key", "state": Checkpoint})))
    assert read(tmp_path / "state") is None


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

    with monkeypatch.context() as full, pytest.raises(BadInput, match="No space left"):
        full.setattr(Path, "open", broken)
        checkpoint.write(lambda: STATE)
    assert files(tmp_path) == before


def test_it_goes_with_all_that_its_run_kept_beside_it(tmp_path):
    checkpoint = Checkpoint(tmp_path / ".o.glb.fit", "key", pause=0)
    checkpoint.write(lambda: STATE)
    own = [".o.glb.fit.damaged", ".o.glb.fit-1a-3.safetensors", "..o.glb.fit.12345678.part.fit", ".o.glb.fit-fit"]
    others = ["o.glb", ".o.glb.fitter", ".o.glb", "..o.glb.12345678.part.glb"]
    for name in own + others:
        (tmp_path / name).touch()
    checkpoint.remove()
    checkpoint.remove()
    assert sorted(files(tmp_path)) == sorted(others)


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_seeded_numbers_leave_the_callers_alone(seed):
    before = torch.get_rng_state()
    with seeded(seed):
        first = torch.rand(3)
    with seeded(seed):
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.get_rng_state(), before)


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
