"""One step of filling history: metrics whose rows are read together, what came of the rows, and what is stored of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from analytics.event_metrics.extractors import Counted
from analytics.event_metrics.row_counts import Cells
from analytics.event_metrics.statements import dimensions_of
from analytics.rollup.cells import merge
from analytics.rollup.rollups import Row
from drishti.events import Resolution
from drishti.measures.definitions import EventSource

AT_ONCE = 16
"""Metrics that are filled by one read."""


class Fill(NamedTuple):
    """One metric whose history is filled, from ``filled_to`` back to ``start``; it began at ``end``."""

    id: int
    counted: Counted
    source: EventSource
    writer: UUID
    cut: str
    start: datetime
    end: datetime
    filled_to: datetime

    @property
    def reads(self) -> tuple[object, ...]:
        """What fills that are done by one read have in common."""
        labels = self.counted.definition.dimensions, dimensions_of(self.counted, self.source)
        return (self.counted.tenant, self.source.event, self.cut, labels, self.start, self.end, self.filled_to)


class Step:
    """Some hours, read: the ``cells`` of each metric whose cells are made here; ``rows`` were read, and there will be some
    ``size`` cells of all."""

    def __init__(self, starts: datetime, finest: Resolution, cells: list[Cells]) -> None:
        self.starts = starts
        self.finest = finest
        self.cells = cells
        self.rows = 0
        self.size = 0.0


class Made(NamedTuple):
    """What a step adds for one metric: ``rows``, or what says for which ``series`` its groups in PostgreSQL count, by ``hours``
    and ``labels``."""

    hours: Sequence[datetime]
    labels: Sequence[str]
    series: Sequence[int]
    rows: Sequence[Row]


def together(fills: Iterable[Fill]) -> list[list[Fill]]:
    """Those that are done by one read, together."""
    groups: dict[tuple[object, ...], list[Fill]] = {}
    for fill in fills:
        groups.setdefault(fill.reads, []).append(fill)
    return [group[at : at + AT_ONCE] for group in groups.values() for at in range(0, len(group), AT_ONCE)]


def add_cells(total: Cells, cells: Cells) -> None:
    """Adds ``cells`` to ``total``."""
    if not total:
        total.update(cells)
        return
    for place, cell in cells.items():
        there = total.get(place)
        total[place] = cell if there is None else merge(there, cell)
