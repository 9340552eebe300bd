"""What a model is, where it comes from, and how well it does."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..errors import BadInput
from ..parsing import check_text, is_file, number, read_json, shown, whole_number

REQUIRED = ("system", "licence", "config")
TEXTS = ("system", "size", "licence", "trained_on", "source")
LARGEST_CARD, LONGEST_TEXT = 4 << 20, 2000  # bytes, characters
LARGEST_SETTING = 1e6  # magnitude of the numbers that describe a network


@dataclass(frozen=True)
class ModelCard:
    """Facts about one safetensors file; all but `name`, `path`, `bytes` and `sha256` are in the JSON beside it."""

    name: str  # the file's stem: what users choose by
    system: str  # "zeroshape-w", ...: the key of `networks.build`
    path: Path  # the .safetensors file
    size: str = ""  # "mini" or "base"
    licence: str = ""
    parameters: int = 0
    bytes: int = 0
    sha256: str | None = None  # known once the file has been read whole
    metrics: dict = field(default_factory=dict)  # benchmark -> measured figures, any nesting; null = undefined
    trained_on: str = ""
    source: str = ""  # the command or the publication that the weights come from
    config: dict = field(default_factory=dict)  # what `networks.build` needs

    def with_sha256(self) -> "ModelCard":
        """The card with its file's checksum (reads the file unless it is known)."""
        return self if self.sha256 else replace(self, sha256=file_sha256(self.path))

    def to_dict(self) -> dict:
        """Everything, ready for JSON; the path as its file name only, since folders differ between machines."""
        return {**asdict(self), "path": self.path.name}


def card_path(weights: Path) -> Path:
    """The JSON beside a safetensors file."""
    return weights.with_suffix(".json")


def read_card(weights: Path) -> ModelCard:
    """The card of `weights`. Raises `BadInput` when the JSON beside it is missing, damaged or lacks a key."""
    path = card_path(weights)
    if not is_file(path):
        raise BadInput(f"{weights.name} has no card; put the {path.name} that belongs to it into the same folder.")
    if path.stat().st_size > LARGEST_CARD:
        raise BadInput(f"The model card {path.name} has more than {LARGEST_CARD >> 20} MB; get it again.")
    facts = read_json(path, f"The model card {path.name}")
    facts = facts if isinstance(facts, dict) else {}
    missing = [key for key in REQUIRED if key not in facts]
    if missing:
        raise BadInput(
            f"The model card {path.name} lacks {', '.join(missing)}; get the card that came with the weights."
        )
    _check_facts(facts, f"the model card {path.name}")
    known = {key: facts[key] for key in ModelCard.__dataclass_fields__ if key in facts}
    return ModelCard(
        **{**known, "name": weights.stem, "path": weights, "bytes": weights.stat().st_size, "sha256": None}
    )


def _check_facts(facts: dict, card: str) -> None:
    """Raise `BadInput` for facts of another kind than a card's, and for numbers that no network or figure has."""
    for name in TEXTS:
        text = facts.get(name, "")
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise BadInput(f"{name} of {card} is {shown(text)}; a text is needed, get the card again.")
        check_text(text, f"{name} of {card}")
    whole_number(facts.get("parameters", 0), f"parameters of {card}", 0, 10**12)
    for name, largest in (("config", LARGEST_SETTING), ("metrics", math.inf)):
        if not isinstance(facts.get(name, {}), dict):
            raise BadInput(f"{name} of {card} is {shown(facts[name])}; an object is needed, get the card again.")
        _check_values(facts.get(name, {}), f"A number in {name} of {card}", largest)


def _check_values(value: object, name: str, largest: float) -> None:
    """Raise `BadInput` for a number in nested objects and lists that is not finite or beyond `largest`."""
    if isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            _check_values(each, name, largest)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number(value, name, -largest, largest)
    elif isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise BadInput(f"{name} stands beside a text of {len(value)} characters; get the card again.")


def file_sha256(path: Path) -> str:
    """Hexadecimal checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def card_markdown(card: ModelCard) -> str:
    """The card as a page to read."""
    rows = {
        "System": f"{card.system}, size {card.size or 'unnamed'}",
        "Licence": card.licence,
        "Parameters": f"{card.parameters:,}",
        "File": f"`{card.path.name}`, {card.bytes / 1e6:.1f} MB",
        "SHA-256": f"`{card.with_sha256().sha256}`",
        "Trained on": card.trained_on,
        "Source": card.source,
    }
    lines = [f"# {card.name}", "", "| | |", "|---|---|", *(f"| {key} | {text} |" for key, text in rows.items() if text)]
    if card.metrics:
        lines += ["", "## Measured", *_metric_tables(card.metrics)]
    lines += ["", "## Configuration", "", "```json", json.dumps(card.config, indent=2), "```", ""]
    return "\n".join(lines)


def _metric_tables(metrics: dict) -> list[str]:
    """Lines of one table for each benchmark, titled by its name; figures outside benchmarks come first, untitled."""
    loose = {name: value for name, value in metrics.items() if not isinstance(value, dict)}
    lines = _table([("", loose)]) if loose else []
    for benchmark, figures in metrics.items():
        if isinstance(figures, dict):
            lines += ["", f"### {benchmark}", *_table(_rows(figures))]
    return lines


def _rows(figures: dict, path: tuple[str, ...] = ()) -> list[tuple[str, dict]]:
    """Nested dicts as rows: the path to each innermost dict, and its figures."""
    own = {name: value for name, value in figures.items() if not isinstance(value, dict)}
    rows = [(" · ".join(path), own)] if own else []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows += _rows(value, (*path, name))
    return rows


def _table(rows: list[tuple[str, dict]]) -> list[str]:
    """A Markdown table with a column for each figure that any row has."""
    columns = list(dict.fromkeys(name for _, figures in rows for name in figures))
    lines = ["", f"| | {' | '.join(map(_cell, columns))} |", "|---" + "|---:" * len(columns) + "|"]
    return lines + [f"| {_cell(name)} | {' | '.join(_figure(row.get(c)) for c in columns)} |" for name, row in rows]


def _figure(value: object) -> str:
    """A figure to four digits; "–" where it is undefined (missing, null, NaN)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else _cell(str(value))


def _cell(text: str) -> str:
    return text.replace("|", "/")
