"""Draw the table "F against hours" of docs/training.md as assets/f_against_hours.svg.

python tools/make_training_curve.py
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs" / "training.md", ROOT / "assets" / "f_against_hours.svg"
SERIES = (  # column of the table, colour, dashes, name
    (2, "#8ab4e8", "5 4", "plain, the network's lens"),
    (3, "#e8b48a", "5 4", "in scenes, the network's lens"),
    (4, "#1f5fa8", "", "plain"),
    (5, "#b5541c", "", "in scenes"),
)
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 360, 52, 40, 16, 12
LOWEST, HIGHEST, LINES = 0.30, 0.60, 0.05


def rows_of(page: str) -> list[list[str]]:
    """Cells of the table's rows, the heading and its rule left out."""
    table = page.split("## F against hours")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    return rows[2:]


def points_of(rows: list[list[str]], column: int) -> list[tuple[float, float]]:
    """(hours, F) of the versions that have the column."""
    hours = [float(re.match(r"[\d.]+", row[1]).group()) for row in rows]
    return [(h, float(row[column])) for h, row in zip(hours, rows, strict=True) if row[column]]


def drawn(rows: list[list[str]]) -> str:
    """The picture as SVG."""
    series = [(points_of(rows, column), *look) for column, *look in SERIES]
    last = max(hours for points, *_ in series for hours, _ in points) * 1.05

    def place(hours: float, value: float) -> tuple[float, float]:
        across = (WIDTH - LEFT - RIGHT) * hours / last
        up = (HEIGHT - BOTTOM - TOP) * (value - LOWEST) / (HIGHEST - LOWEST)
        return round(LEFT + across, 1), round(HEIGHT - BOTTOM - up, 1)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for number in range(round((HIGHEST - LOWEST) / LINES) + 1):
        value = LOWEST + number * LINES
        (x0, y), (x1, _) = place(0, value), place(last, value)
        parts.append(f'<path d="M{x0} {y}H{x1}" stroke="#ddd"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end">{value:.2f}</text>')
    for hour in range(0, int(last) + 1, 2):
        x, y = place(hour, LOWEST)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{hour}</text>')
    for number, (points, color, dashes, name) in enumerate(series):
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        style = f'stroke="{color}" stroke-width="2" fill="none" stroke-dasharray="{dashes}"'
        parts.append(f'<polyline points="{path}" {style}/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>' for x, y in (place(*p) for p in points)]
        y = TOP + 14 + 17 * number
        parts.append(f'<path d="M{LEFT + 14} {y - 4}h24" {style}/><text x="{LEFT + 44}" y="{y}">{name}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">hours of training</text>')
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    head = f'<svg {box} font-family="sans-serif" font-size="12">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def main() -> None:
    PICTURE.write_text(drawn(rows_of(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
