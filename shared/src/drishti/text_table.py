"""Rows as a table of text, for terminals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def lines(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as needed; the last one is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
