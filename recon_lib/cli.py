"""The command line: `python -m recon_lib <command>`. Each command lives in `commands/<name>.py`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from .commands.arguments import Parser, check_arguments, printable
from .errors import BadInput, Interrupted, OutOfMemory

COMMANDS = {
    "reconstruct": "turn a photo into a mesh",
    "fit": "fit a mesh to posed pictures",
    "project": "put photos onto a mesh",
    "mesh": "clean, simplify or convert a mesh file",
    "evaluate": "measure a mesh against the true one",
    "models": "list the models that can be loaded",
    "data": "look at what the data engine makes",
    "train": "train a model",
}
BAD_INPUT, FAILED, INTERRUPTED, NO_READER = 2, 1, 130, 141


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options. Imports no torch, so that --help is quick."""
    parser = Parser(prog="python -m recon_lib", description="Image-to-3D reconstruction.")
    parser.add_argument("--verbose", action="store_true", help="tell what each stage does, on stderr")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        module = import_module(f".commands.{name}", __package__)
        sub = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. -> 0; 2 and one sentence on stderr for bad input; 130 when interrupted; 1 out of memory; 141,
    silently, when nobody reads standard output any more.

    What was asked for goes to stdout, progress and logs to stderr. Anything unforeseen is raised.
    """
    try:
        args = build_parser().parse_args(argv)
        level = logging.INFO if args.verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
        check_arguments(vars(args))
        return args.run(args)
    except BadInput as error:
        return _say(str(error), BAD_INPUT)
    except OutOfMemory as error:
        return _say(str(error), FAILED)
    except (Interrupted, KeyboardInterrupt):
        return _say("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        return NO_READER
    except (RuntimeError, MemoryError) as error:
        from .memory import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        return _say(f"Memory ran out ({error}); lower --resolution or close other programs.", FAILED)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(printable(f"{sentence}\n"))
    return code
