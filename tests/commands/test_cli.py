"""The command line's exit codes and streams, in processes of their own where that matters."""

import logging
import subprocess
import sys

import pytest

from recon_lib import cli
from recon_lib.errors import BadInput, Interrupted


@pytest.fixture
def failing(monkeypatch):
    """A parser whose only command raises what it is told."""

    def use(error: BaseException) -> None:
        def run(args):
            raise error

        monkeypatch.setattr(cli, "build_parser", lambda: Parser(run))

    class Parser:
        def __init__(self, run):
            self.run, self.verbose = run, False

        def parse_args(self, argv):
            return self

    return use


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadInput("The mask is empty."), 2, "The mask is empty.\n"),
        (Interrupted(), 130, "Interrupted"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (MemoryError("32 GiB"), 1, "Memory ran out (32 GiB)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "Memory ran out"),
    ],
)
def test_foreseen_failures_are_a_sentence_and_a_code(failing, capsys, error, code, said):
    failing(error)
    assert cli.main([]) == code
    captured = capsys.readouterr()
    assert captured.err.startswith(said)
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_unforeseen_failures_are_raised(failing):
    failing(RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main([])


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert command in capsys.readouterr().out


def test_as_a_module(repo_root):
    ended = subprocess.run(
        [sys.executable, "-m", "recon_lib", "models"], cwd=repo_root, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0
    assert ended.stdout.split()[:3] == ["name", "system", "size"]


def test_train_hands_its_options_on(monkeypatch):
    from recon_lib.commands import train

    class Module:
        """A training module."""

        @staticmethod
        def add_arguments(parser):
            parser.add_argument("--size")

        @staticmethod
        def settings_from(args):
            return args.size

        @staticmethod
        def train(settings, progress):
            trained.append((settings, type(progress).__name__))

    trained: list = []
    monkeypatch.setattr(train, "load_part", lambda part: Module)
    assert cli.main(["train", "zeroshape-w", "--size", "mini"]) == 0
    assert trained == [("mini", "ConsoleProgress")]


@pytest.fixture(autouse=True)
def root_logger():
    """main() sets up logging for a process; leave none of it behind."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_sentence_is_one_line_of_printable_text(failing, capsys):
    failing(BadInput("There is no file a\nb\x1b[31m\udcff; check the path."))
    assert cli.main([]) == 2
    assert capsys.readouterr().err == "There is no file a\\nb\\x1b[31m\\udcff; check the path.\n"
