"""Options of the command line that every training run has."""

from argparse import ArgumentParser
from pathlib import Path

from .run import RunSettings


def add_run_arguments(parser: ArgumentParser, defaults: type[RunSettings], batch: str = "a process") -> None:
    """Options by the names of `RunSettings`; `defaults` is the class of settings, `batch` what its size counts."""
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, weights; a run there is resumed")
    parser.add_argument("--validation", type=Path, help="the same of objects that are never trained on")
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--minutes", type=float, help="time limit; the learning-rate schedule ends then")
    parser.add_argument("--batch", type=int, default=defaults.batch, help=batch)
    parser.add_argument("--rate", type=float, default=defaults.rate, help="peak learning rate of AdamW")
    parser.add_argument(
        "--muon-rate", type=float, default=defaults.muon_rate, help="peak learning rate of Muon, for matrices"
    )
    parser.add_argument("--save-every", type=int, default=defaults.save_every, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", type=Path, help="weights to start from, such as the embedded ones")
