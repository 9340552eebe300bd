"""List the models that can be loaded: the embedded ones, then those in the folders of --folder."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .standard_output import write_stdout


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, action="append", default=[], help="search this folder too (repeatable)")
    parser.add_argument("--json", action="store_true", help="all cards as JSON, with checksums")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write each card as a Markdown page instead")
    parser.add_argument(
        "--convert", type=Path, nargs=2, metavar=("shape.ckpt", "OUT.safetensors"),
        help="write ZeroShape's published checkpoint as safetensors with its card, for models/recon3d",
    )  # fmt: skip


def run(args: Namespace) -> int:
    if args.convert:
        from ..weights.zeroshape_ckpt import convert_zeroshape

        convert_zeroshape(*args.convert)
        return 0
    from ..files import json_text
    from ..weights.card import card_markdown
    from ..weights.registry import find_models

    cards = find_models(args.folder)
    if args.pages:
        for card in cards:
            _write_page(args.pages / f"{card.name}.md", card_markdown(card))
    elif args.json:
        write_stdout(json_text([card.with_sha256().to_dict() for card in cards]))
    else:
        rows = [("name", "system", "size", "parameters", "file", "licence")]
        for card in cards:
            millions, megabytes = f"{card.parameters / 1e6:.1f} M", f"{card.bytes / 1e6:.1f} MB"
            rows.append((card.name, card.system, card.size, millions, megabytes, card.licence))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        write_stdout("".join(f"{line.rstrip()}\n" for line in lines))
    return 0


def _write_page(path: Path, text: str) -> None:
    from ..files import written_whole

    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
