"""Train a model of a system: `train SYSTEM --help` lists the system's own options."""

from argparse import REMAINDER, ArgumentParser, Namespace

from ..parsing import number, whole_number
from ..registry import find_system, load_part, systems
from .arguments import Parser, check_arguments

LIMITS = {  # least and most of the options that trainers have
    "steps": (whole_number, 1, 10**9),
    "batch": (whole_number, 1, 10**5),
    "save_every": (whole_number, 1, 10**9),
    "workers": (whole_number, 0, 1024),
    "seed": (whole_number, 0, 2**31 - 1),
    "minutes": (number, 0, 10**7),
    "rate": (number, 0, 100),
    "muon_rate": (number, 0, 100),
}


def add_arguments(parser: ArgumentParser) -> None:
    names = sorted(row.name for row in systems("trainer"))
    parser.add_argument("system", choices=names, help="the system to train")
    parser.add_argument("options", nargs=REMAINDER, help="the system's own options")


def run(args: Namespace) -> int:
    from ..console import ConsoleProgress

    trainer = load_part(find_system(args.system).trainer)
    parser = Parser(prog=f"python -m recon_lib train {args.system}", description=trainer.__doc__)
    trainer.add_arguments(parser)
    options = parser.parse_args(args.options)
    check_arguments(vars(options))
    for name, (parse, *limits) in LIMITS.items():
        if getattr(options, name, None) is not None:
            parse(getattr(options, name), f"--{name.replace('_', '-')}", *limits)
    settings = trainer.settings_from(options)
    progress = ConsoleProgress()
    try:
        trainer.train(settings, progress)
    finally:
        progress.close()
    return 0
