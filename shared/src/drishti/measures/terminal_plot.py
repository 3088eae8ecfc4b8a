"""Series as text: a line of bars, or a plot of some lines. Pure. Where there is no value, there is a space."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 72, 8
SPARK = 40


def sparkline(values: Sequence[float | None], width: int = SPARK) -> str:
    """One character for each value, of more than ``width`` values for the mean of some."""
    columns = _columns([(place, value) for place, value in enumerate(values)], 0, max(1, len(values)), min(width, len(values)))
    low, high = _ends(columns)
    return "".join(" " if value is None else BARS[_level(value, low, high, len(BARS))] for value in columns).rstrip()


def plot(
    points: Sequence[tuple[int, float | None]], begins: int, ends: int, width: int = WIDTH, height: int = HEIGHT
) -> list[str]:
    """Lines of bars over ``[begins, ends)``, with the smallest and the largest value beside them."""
    columns = _columns(points, begins, ends, width)
    low, high = _ends(columns)
    if low is None or high is None:
        return ["(no value)"]
    # Bars stand on 0, or on the lowest value below it: what never changes is a line at its own height, not in the middle.
    low = min(0.0, low)
    high = max(0.0, high) if high == low else high
    levels = [None if value is None else _level(value, low, high, height * len(BARS)) for value in columns]
    names = [f"{high:.4g}" if high > low else "", *[""] * (height - 2), f"{low:.4g}"]
    wide = max(map(len, names))
    drawn = []
    for line in range(height):
        floor = (height - 1 - line) * len(BARS)
        bars = "".join(" " if level is None or level < floor else BARS[min(level - floor, len(BARS) - 1)] for level in levels)
        drawn.append(f"{names[line]:>{wide}} ┤{bars}".rstrip())
    return drawn


def _columns(points: Sequence[tuple[int, float | None]], begins: int, ends: int, width: int) -> list[float | None]:
    """The mean of the values in each of ``width`` equal parts of the range."""
    parts: list[list[float]] = [[] for _ in range(width)]
    for at, value in points:
        place = (at - begins) * width // max(1, ends - begins)
        if value is not None and 0 <= place < width:
            parts[place].append(value)
    return [sum(part) / len(part) if part else None for part in parts]


def _ends(columns: Sequence[float | None]) -> tuple[float | None, float | None]:
    known = [value for value in columns if value is not None]
    return (min(known), max(known)) if known else (None, None)


def _level(value: float, low: float | None, high: float | None, levels: int) -> int:
    if low is None or high is None or high <= low:
        return levels // 2 if value else 0
    return min(levels - 1, int((value - low) / (high - low) * levels))
