import io
from contextlib import redirect_stderr

import pytest
import torch

from recon_lib.console import ConsoleProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def walk(progress: ConsoleProgress) -> None:
    for title in ("Segment", "Extract"):
        progress.start(title, 3)
        for _ in range(3):
            progress.step(preview=lambda: pytest.fail("a console draws no preview") or torch.zeros(3, 1, 1))


def test_each_stage_has_its_bar_on_stderr_alone(capsys):
    with redirect_stderr(Terminal()) as stderr:
        walk(ConsoleProgress())
    assert "Segment:   0%" in stderr.getvalue()
    assert "Extract:   0%" in stderr.getvalue()
    assert not capsys.readouterr().out


def test_a_line_for_each_stage_where_no_terminal_watches():
    with redirect_stderr(io.StringIO()) as stderr:
        walk(ConsoleProgress())
    assert stderr.getvalue() == "Segment\nExtract\n"


def test_a_stage_of_unknown_length_can_be_closed():
    progress = ConsoleProgress()
    with redirect_stderr(Terminal()) as stderr:
        progress.start("Search", 0)
        progress.step()
        progress.close()
        progress.close()
    assert "Search: 0it" in stderr.getvalue()
