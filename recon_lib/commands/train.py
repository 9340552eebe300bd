"""Train a model of a system: `train SYSTEM --help` lists the system's own options."""

from argparse import REMAINDER, ArgumentParser, Namespace
from importlib import import_module

SYSTEMS = {"outpainter": "outpainter.train", "zeroshape-w": "zeroshape_w.train"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("system", choices=sorted(SYSTEMS), help="the system to train")
    parser.add_argument("options", nargs=REMAINDER, help="the system's own options")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress

    module = import_module(f"..training.{SYSTEMS[args.system]}", __package__)
    parser = ArgumentParser(prog=f"python -m recon_lib train {args.system}", description=module.__doc__)
    module.add_arguments(parser)
    settings = module.settings_from(parser.parse_args(args.options))
    progress = ConsoleProgress()
    try:
        module.train(settings, progress)
    finally:
        progress.close()
    return 0
