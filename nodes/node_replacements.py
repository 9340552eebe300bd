"""What became of renamed nodes: ComfyUI puts the new node in place of an old one when an older graph is opened.

A row per renamed node, as the fields of ComfyUI's `NodeReplace`; rows are never taken away again:

    {
        "old_node_id": "Recon3D_Old",
        "new_node_id": "Recon3D_New",
        "old_widget_ids": ["steps", "seed"],  # in the order in which the old node saved their values
        "input_mapping": [{"new_id": "rounds", "old_id": "steps"}, {"new_id": "grid", "set_value": 128}],
        "output_mapping": [{"new_idx": 0, "old_idx": 0}],
    }

Versions of ComfyUI that cannot replace nodes, such as 0.3.64, show the old node as missing.
"""

from typing import Any

from comfy_api import latest
from comfy_api.latest import io

REPLACEMENTS: tuple[dict[str, Any], ...] = ()


async def register_replacements(rows: tuple[dict[str, Any], ...] = REPLACEMENTS) -> None:
    """Tell ComfyUI about renamed nodes, where it has a place for that."""
    host, make = getattr(latest, "ComfyAPI", None), getattr(io, "NodeReplace", None)
    if not rows or host is None or make is None:
        return
    known = getattr(host(), "node_replacement", None)
    for row in rows if known is not None else ():
        await known.register(make(**row))
