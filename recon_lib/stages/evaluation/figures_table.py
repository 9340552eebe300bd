"""The figures of a comparison as a small table for people; the JSON has them all."""

from collections.abc import Mapping
from typing import Any

ROWS = {  # of `compare_meshes`
    "Chamfer distance": "chamfer_unsquared",
    "F-score at 2 %": "f_score_0.02",
    "F-score at 5 %": "f_score_0.05",
    "F-score at 10 %": "f_score_0.1",
    "normal consistency": "normal_consistency",
    "volume overlap (IoU)": "volumetric_iou",
}
PARTS = ("seen", "unseen")


def figures_table(figures: Mapping[str, Any]) -> str:
    """A Markdown table, a line a figure: of the whole, and of what cameras see and don't see where that was asked for.

    Lengths are in the truth's units; F-scores count what is nearer than that share of the truth's bounding sphere.
    A figure that is undefined, or not measured of a part, is a dash.
    """
    columns: dict[str, Mapping[str, Any]] = {"all": figures} | {
        part: figures[part] for part in PARTS if isinstance(figures.get(part), Mapping)
    }
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for title, name in ROWS.items():
        if any(name in column for column in columns.values()):
            lines.append(f"| {title} | {' | '.join(_shown(column.get(name)) for column in columns.values())} |")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–"
