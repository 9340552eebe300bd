"""The frame of benchmarks that train variants of one network equally long and measure each."""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

Measure = Callable[[str], dict[str, float]]  # the figures of a variant


def ablations(
    description: str,
    variants: Iterable[str],
    add_arguments: Callable[[argparse.ArgumentParser], None],
    prepare: Callable[[argparse.Namespace, Path], Measure],  # arguments and a folder for the runs
) -> None:
    """Parse the command line, measure the variants that it names, print a line each and write them as JSON."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path, help="to train on")
    add_arguments(parser)
    parser.add_argument("--steps", type=int, default=200, help="of each variant")
    parser.add_argument("--only", nargs="+", choices=list(variants), default=list(variants))
    parser.add_argument("--out", type=Path, help="keeps the runs, and goes on with those there")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = {}
    with tempfile.TemporaryDirectory() as scratch:
        measure = prepare(args, args.out or Path(scratch))
        for name in args.only:
            table[name] = measure(name)
            print(f"{name:24s} " + "  ".join(f"{key} {value}" for key, value in table[name].items()), flush=True)
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
