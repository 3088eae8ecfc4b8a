"""What items say about metrics: counted by series and second. Pure.

One :class:`Observations` takes a whole batch and keeps plain lists and sets; :meth:`Observations.cells` turns each series'
values into one cell at once, so that the arithmetic is done by numpy over many values and not for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from analytics.rollup import uniques
from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.histogram import Histogram
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind

LABEL_LENGTH = 128
"""Longer label values are cut: a label is a name, not a text."""

UNKNOWN = "unknown"

LARGEST = 1e150
"""Values beyond it, either way, are not measured: one of them would make the sums of its window infinite for all others."""

Labels = tuple[str, ...]
"""Label values in the order of the metric's dimensions."""


class Series(NamedTuple):
    """One series in one second."""

    tenant: str
    metric: str
    labels: Labels
    second: int


class _Tally:
    __slots__ = ("count", "errors", "exemplar", "items", "values")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.values: list[float] = []
        self.items: set[str] = set()
        self.exemplar: str | None = None


def label(text: object, default: str = UNKNOWN) -> str:
    """``text`` as a label value; ``default`` where it is no text or empty."""
    return text[:LABEL_LENGTH] if isinstance(text, str) and text else default


def number(value: Any) -> float | None:
    """``value`` as a number up to :data:`LARGEST`; ``None`` where it is none (truth values are none)."""
    if type(value) is float or (type(value) is int and value.bit_length() < 1000):
        as_float = float(value)
        return as_float if abs(as_float) <= LARGEST else None  # no comparison is true of NaN
    return None


class Observations:
    """Counts of one batch. ``exemplar`` is the trace context of one of those who say it."""

    __slots__ = ("_cells", "_kinds", "_tallies")

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._tallies: dict[Series, _Tally] = {}
        self._cells: dict[Series, list[Cell]] = {}

    def __len__(self) -> int:
        """How many series there are, each second by itself."""
        return len(self._tallies) + len(self._cells)

    def declare(self, metric: str, kind: str) -> None:
        """Says what ``metric`` is, of which series follow: one that is not built in."""
        self._kinds[metric] = kind

    def count(self, series: Series, count: int, *, errors: int = 0, exemplar: str | None = None) -> None:
        """``count`` more of a counter, of them ``errors`` failed."""
        self._tally(series, count, errors, exemplar)

    def values(self, series: Series, values: Sequence[float], *, errors: int = 0, exemplar: str | None = None) -> None:
        """Measured values, perhaps none."""
        if values:
            self._tally(series, len(values), errors, exemplar).values += values

    def seen(self, series: Series, items: Sequence[str], *, exemplar: str | None = None) -> None:
        """Distinct ``items`` (users, sessions), perhaps none; repetitions do not matter."""
        if items:
            self._tally(series, len(items), 0, exemplar).items.update(items)

    def _tally(self, series: Series, count: int, errors: int, exemplar: str | None) -> _Tally:
        tally = self._tallies.get(series)
        if tally is None:
            tally = self._tallies[series] = _Tally()
        tally.count += count
        tally.errors += errors
        if exemplar:  # "": of a trace that is not followed
            tally.exemplar = exemplar
        return tally

    def add(self, series: Series, cell: Cell) -> None:
        """What is known of a series already as a cell."""
        self._cells.setdefault(series, []).append(cell)

    def cells(self) -> dict[Series, Cell]:
        """Every series with what was seen of it."""
        kinds = self._kinds
        cells = {
            series: _CELLS[kinds.get(series.metric) or FED[series.metric].kind](tally)
            for series, tally in self._tallies.items()
        }
        for series, parts in self._cells.items():
            if series in cells:
                parts = [cells[series], *parts]
            cells[series] = parts[0] if len(parts) == 1 else merge_all(parts)
        return cells


def _counter(tally: _Tally) -> Cell:
    summed = sum(tally.values) if tally.values else float(tally.count)
    return Cell(count=tally.count, errors=tally.errors, sum=summed, exemplar=tally.exemplar)


def _gauge(tally: _Tally) -> Cell:
    values = tally.values
    return Cell(count=tally.count, sum=sum(values), min=min(values), max=max(values), exemplar=tally.exemplar)


def _value(tally: _Tally) -> Cell:
    values = tally.values
    return Cell(
        count=tally.count,
        errors=tally.errors,
        sum=sum(values),
        min=min(values),
        max=max(values),
        histogram=Histogram.of(values),
        exemplar=tally.exemplar,
    )


def _unique(tally: _Tally) -> Cell:
    return Cell(count=tally.count, sketch=uniques.sketch(tally.items), exemplar=tally.exemplar)


_CELLS: dict[str, Callable[[_Tally], Cell]] = {
    Kind.COUNTER: _counter,
    Kind.GAUGE: _gauge,
    Kind.DISTRIBUTION: _value,
    Kind.UNIQUE: _unique,
}
