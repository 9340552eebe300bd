"""Options of the systems on the command line, read off their dataclasses."""

from argparse import ArgumentParser, Namespace
from dataclasses import Field, fields
from typing import Any

from ..registry import System, load_part, systems


def add_system_options(parser: ArgumentParser) -> None:
    """Every option of every system once: the common ones plainly, the others in a group named after their systems."""
    owners: dict[str, list[str]] = {}
    described: dict[str, Field] = {}
    rows = systems("reconstruct")
    for row in rows:
        for each in _described(row):
            owners.setdefault(each.name, []).append(row.name)
            described.setdefault(each.name, each)
    groups: dict[str, Any] = {}
    for name, each in described.items():
        common = len(owners[name]) == len(rows)
        title = ", ".join(owners[name])
        where = parser if common else groups.setdefault(title, None) or parser.add_argument_group(title)
        if not common:
            groups[title] = where
        _add(where, each)


def system_options(args: Namespace, row: System) -> Any:
    """The dataclass of the system's options, filled with what was given. Raises `BadInput` for what cannot work."""
    values = {each.name: getattr(args, each.name) for each in _described(row)}
    return load_part(row.options)(**values)


def _described(row: System) -> list[Field]:
    return [each for each in fields(load_part(row.options)) if "help" in each.metadata]


def _add(where: Any, each: Field) -> None:
    how = dict(each.metadata)
    flag = how.pop("flag", f"--{each.name.replace('_', '-')}")
    where.add_argument(flag, dest=each.name, type=type(each.default), default=each.default, **how)
