"""A network's settings out of a model card's JSON."""

from typing import TypeVar

from ..errors import BadInput

SettingsT = TypeVar("SettingsT")


def from_card(settings: type[SettingsT], values: dict, network: str) -> SettingsT:
    """The dataclass `settings` with a card's `values`, lists as tuples; `network` is what a message calls it.

    Raises `BadInput` for settings that it does not have. What values they may have is for the caller to check.
    """
    unknown = set(values) - set(settings.__dataclass_fields__)  # pyright: ignore[reportAttributeAccessIssue]
    if unknown:
        raise BadInput(f"{network} has no setting {', '.join(sorted(unknown))}; update the pack.")
    return settings(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
