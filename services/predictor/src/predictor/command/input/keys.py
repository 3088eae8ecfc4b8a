"""Several series in one file: which columns tell them apart. Pure.

A file in the long format has a row for each time and host, say; taken for one series it makes no sense. Rows that share a time
show it, and a column by which they no longer do is the one that names the series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

from predictor.command.input.account import SHARE
from predictor.command.input.columns import is_key
from predictor.command.input.rows import Row

SHOWN = 3
"""Values and columns that a message names."""

MOST_COLUMNS = 12
"""Columns that are tried in pairs."""

SAMPLE = 100
"""Rows that are looked at for words."""

FEW = 3
"""Rows that share a time from which a column of names is believed to tell series apart."""


def refusal(rows: Sequence[Row], names: Sequence[str], shared: int, why: str) -> str | None:
    """Why ``rows`` are more than one series, and what to do; ``None``: nothing says so.

    ``names`` are the columns of :attr:`.rows.Row.others`; ``shared`` of the rows have no place of their
    own, because of ``why``.
    """
    many = shared > SHARE * len(rows)
    candidates = columns(rows, names) if shared >= FEW or many else []
    if many or any(_names_series(rows, names, one) for one in candidates):
        first = next((row.line for before, row in pairwise(rows) if row.at <= before.at), None)
        place = f" (the first in line {first})" if first else ""
        said = f"{shared} of {len(rows)} rows {why}{place}: one series has one row at each time. "
        if candidates:
            return (
                said
                + " or ".join(_shown(rows, names, one) for one in candidates[:SHOWN])
                + ", or --merge mean|sum|last|... makes one row of them"
            )
        return said + "--merge mean|sum|last|first|min|max|median makes one row of them"
    if not shared:
        for k, name in enumerate(names):
            if is_key(name) and _alternates(rows, k):
                return f"its rows are of several series by turns: {_shown(rows, names, (k,))} (or --by none: they are one)"
    return None


def columns(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[int, ...]]:
    """The columns, or pairs of columns, by which rows no longer share times; names of series first, the fewest values first."""
    shared = len(rows) - len({row.at for row in rows})
    distinct = [len({row.others[k] for row in rows}) for k in range(len(names))]
    likely = [k for k in range(len(names)) if 2 <= distinct[k] <= len(rows) / 2]

    def left(some: tuple[int, ...]) -> int:
        return len(rows) - len({(row.at, *(row.others[k] for k in some)) for row in rows})

    candidates: list[tuple[int, ...]] = [(k,) for k in likely if left((k,)) <= SHARE * shared]
    if not candidates:
        candidates = [pair for pair in combinations(likely[:MOST_COLUMNS], 2) if left(pair) <= SHARE * shared]
    return sorted(candidates, key=lambda some: (not _names_series(rows, names, some), [distinct[k] for k in some]))


def changed(before: Row, row: Row, names: Sequence[str]) -> str | None:
    """A column that may name the series, in which two rows differ."""
    for k, name in enumerate(names):
        if before.others[k] != row.others[k] and _names_series((before, row), names, (k,)):
            return name
    return None


def _names_series(rows: Sequence[Row], names: Sequence[str], some: tuple[int, ...]) -> bool:
    """Whether columns look like names: by their own name, or because they hold words."""
    return all(is_key(names[k]) or all(math.isnan(_float(row.others[k])) for row in rows[:SAMPLE]) for k in some)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _alternates(rows: Sequence[Row], k: int) -> bool:
    """Whether few values of a column come again and again by turns."""
    values = [row.others[k] for row in rows]
    turns = sum(one != other for one, other in pairwise(values))
    return 2 <= len(set(values)) <= len(rows) / 4 and turns >= len(rows) / 4


def _shown(rows: Sequence[Row], names: Sequence[str], some: tuple[int, ...]) -> str:
    parts = []
    for k in some:
        values = list(dict.fromkeys(row.others[k] for row in rows))
        more = ", ..." if len(values) > SHOWN else ""
        parts.append(f"column {names[k]!r} ({len(values)} values: {', '.join(values[:SHOWN])}{more})")
    return f"{' and '.join(parts)}: " + " ".join(f"--by {_quoted(names[k])}" for k in some)


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f"'{name}'"
