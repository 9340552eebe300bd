import pytest
import torch

from recon_lib.errors import Interrupted, OutOfMemory
from recon_lib.memory import SMALLEST_CHUNK, default_chunk, explain_oom, in_chunks, is_out_of_memory


class SmallMachine:
    """Doubles rows, but only `room` of them at once; records the sizes of its calls."""

    def __init__(self, room, error=None):
        self.room, self.sizes = room, []
        self.error = error or RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    def __call__(self, rows):
        self.sizes.append(len(rows))
        if len(rows) > self.room:
            raise self.error
        return rows * 2


@pytest.mark.parametrize("chunk", [1, 3, 10, 100])
def test_pieces_join_to_the_whole(chunk):
    rows = torch.arange(10.0)[:, None].expand(10, 3)
    assert torch.equal(in_chunks(lambda x: x.sum(-1), rows, chunk), rows.sum(-1))


def test_no_rows_give_no_answers_of_the_right_shape():
    assert in_chunks(lambda x: x[:, :1], torch.zeros(0, 3)).shape == (0, 1)


def test_out_of_memory_halves_the_chunk_and_goes_on_from_there():
    machine, rows = SmallMachine(room=3000), torch.arange(20000.0)
    assert torch.equal(in_chunks(machine, rows, 8000), rows * 2)
    assert machine.sizes == [8000, 4000, *[2000] * 10]  # halved twice, then never again


def test_the_first_retry_is_smaller_than_the_rows_there_are():
    machine = SmallMachine(room=4000)
    in_chunks(machine, torch.zeros(6000), 131072)
    assert machine.sizes == [6000, 3000, 3000]


def test_below_the_smallest_chunk_the_error_is_the_callers():
    machine = SmallMachine(room=10)
    with pytest.raises(RuntimeError, match="can't allocate"):
        in_chunks(machine, torch.zeros(5000), 4096)
    assert machine.sizes == [4096, 2048, SMALLEST_CHUNK]


def test_other_errors_pass_at_once():
    machine = SmallMachine(room=10, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        in_chunks(machine, torch.zeros(5000), 4096)
    assert machine.sizes == [4096]


def test_the_user_is_heard_before_every_piece():
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        in_chunks(lambda x: x, torch.zeros(100), 10, check)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("cannot allocate memory"), False),
    ],
)
def test_knows_the_ways_of_saying_it(error, expected):
    assert is_out_of_memory(error) is expected


def test_the_innermost_sentence_stands():
    with pytest.raises(OutOfMemory) as caught, explain_oom("dancing", "sit down"), explain_oom("singing", "hum"):
        raise MemoryError
    assert str(caught.value) == "Memory ran out while singing; hum, or close other programs."


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), Interrupted(), KeyboardInterrupt()])
def test_only_memory_is_told(error):
    with pytest.raises(type(error)) as caught, explain_oom("dancing", "sit down"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(("device", "points"), [(None, 16384), ("cpu", 16384), ("cuda:1", 131072)])
def test_chunks_by_device(device, points):
    assert default_chunk(device) == points
