"""Train a model of a system: `train SYSTEM --help` lists the system's own options."""

from argparse import REMAINDER, ArgumentParser, Namespace

from ..registry import find_system, load_part, systems


def add_arguments(parser: ArgumentParser) -> None:
    names = sorted(row.name for row in systems("trainer"))
    parser.add_argument("system", choices=names, help="the system to train")
    parser.add_argument("options", nargs=REMAINDER, help="the system's own options")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress

    trainer = load_part(find_system(args.system).trainer)
    parser = ArgumentParser(prog=f"python -m recon_lib train {args.system}", description=trainer.__doc__)
    trainer.add_arguments(parser)
    settings = trainer.settings_from(parser.parse_args(args.options))
    progress = ConsoleProgress()
    try:
        trainer.train(settings, progress)
    finally:
        progress.close()
    return 0
