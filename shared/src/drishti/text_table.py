"""Rows as a table of text, for terminals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drishti.plain_text import escaped


def lines(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as needed; the last one is not padded. What would be a command to the terminal is escaped."""
    rows = [tuple(map(escaped, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
