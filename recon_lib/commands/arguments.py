"""Arguments of the command line: their parser, and checks that need no knowledge of the command."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..parsing import check_path, check_text, number
from .standard_output import write_stdout


def check_arguments(values: Mapping[str, object]) -> None:
    """`BadInput` for paths that no file system takes, text that no file can hold, NaN and infinite numbers."""
    for name, value in values.items():
        told = f"The argument {name}"
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, Path):
                check_path(told, each)
            elif isinstance(each, str):
                check_text(each, told)
            elif isinstance(each, float):
                number(each, told)


class Parser(argparse.ArgumentParser):
    """A parser whose help is not lost silently where standard output cannot be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            write_stdout(message)
        elif message:
            sys.stderr.write("".join(map(printable, message.splitlines(keepends=True))))


def printable(text: str) -> str:
    """The text on one line, with escapes for what no terminal should get; the last line end stays."""
    body = text.removesuffix("\n")
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in body)
    return shown + text[len(body) :]
