"""What a window's message is computed from: the rows of its rollups, or their total as PostgreSQL merged it. Pure.

Of a metric whose total alone is published, which all are that registered themselves, no row is read: a window of 100 series
is one row then, and its histograms are merged together with those of all other windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from analytics.publish.aggregates import is_total_only
from analytics.rollup.buckets import Buckets
from analytics.rollup.cells import MOST, Cell
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from analytics.storage.rows import Record
from drishti.measures.definitions import Kind, MetricDefinition


class WindowRows(NamedTuple):
    """The cells of a window by the labels of their series; or one cell, of so many ``merged`` rows with these ``traces``."""

    cells: Sequence[tuple[Labels, Cell]]
    merged: int | None = None
    traces: Sequence[str] = ()

    @property
    def size(self) -> int:
        """Rows of rollups."""
        return len(self.cells) if self.merged is None else self.merged

    def exemplars(self) -> Iterator[str]:
        if self.merged is not None:
            yield from self.traces
        else:
            yield from (cell.exemplar for _, cell in self.cells if cell.exemplar is not None)


def has_merged_total(metric: MetricDefinition) -> bool:
    """Whether PostgreSQL can merge all that is published of ``metric``: sketches of distinct ones it cannot."""
    return metric.kind in (Kind.COUNTER, Kind.GAUGE, Kind.DISTRIBUTION) and is_total_only(metric)


def window_totals(windows: Sequence[Window], records: Sequence[Record]) -> Mapping[Window, WindowRows]:
    """Those of ``windows`` that have rows, of which ``records`` are the totals."""
    stored = [record for record in records if record["histograms"] is not None]
    buckets = Buckets.of_stored([record["histograms"] for record in stored], [record["lengths"] for record in stored])
    histograms = iter(buckets.histograms(len(stored)))
    totals: dict[Window, WindowRows] = {}
    for record in records:
        cell = Cell(
            count=min(int(record["count"]), MOST),
            errors=int(record["errors"]),
            sum=record["sum"],
            min=record["min"],
            max=record["max"],
            histogram=None if record["histograms"] is None else next(histograms),
        )
        totals[windows[record["place"] - 1]] = WindowRows([((), cell)], record["rows"], record["exemplars"] or ())
    return totals
