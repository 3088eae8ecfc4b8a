"""The message of one window: computed from its cells, small enough for the bus, with an exemplar."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from analytics.overflow import Overflows
from analytics.publish.aggregates import aggregate_series, published_labels
from analytics.publish.display_names import DisplayNames
from analytics.publish.schedule import Due, Schedule
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from drishti.events import Aggregate, AggregateSeries, encode
from drishti.measures.definitions import MetricDefinition

HEADER_BYTES = 1_024
"""Bytes of a message that are left for its headers."""

MAX_EXEMPLARS = 10_000


class Publication(NamedTuple):
    """One publication. ``rows`` of rollups it was computed from, or series that it has where those are more."""

    due: Due
    revision: int
    payload: bytes
    exemplar: str | None
    rows: int


class PublishedExemplars:
    """Traces that aggregates have carried already, the latest ones."""

    def __init__(self) -> None:
        self._published: OrderedDict[tuple[str, str], None] = OrderedDict()

    def choose(self, window: Window, cells: Iterable[Cell]) -> str | None:
        """A trace that goes on with this message: each once for each metric, and at seconds only, which both readers follow."""
        if window.resolution != "1s":
            return None
        for cell in cells:
            if cell.exemplar is not None and (window.metric, cell.exemplar) not in self._published:
                return cell.exemplar
        return None

    def add(self, metric: str, exemplar: str) -> None:
        """``exemplar`` is on the bus."""
        self._published[metric, exemplar] = None
        if len(self._published) > MAX_EXEMPLARS:
            self._published.popitem(last=False)


class PublicationBuilder:
    """Builds messages of at most ``max_payload()`` bytes, with at most ``max_series`` series of each set of labels."""

    def __init__(
        self,
        schedule: Schedule,
        names: DisplayNames,
        exemplars: PublishedExemplars,
        overflows: Overflows,
        *,
        max_series: int,
        max_payload: Callable[[], int],
    ) -> None:
        self._schedule = schedule
        self._names = names
        self._exemplars = exemplars
        self._overflows = overflows
        self._max_series = max_series
        self._max_payload = max_payload

    def build(self, due: Due, metric: MetricDefinition, cells: list[tuple[Labels, Cell]], now: int) -> Publication:
        """The message of one window. Where it is too large for the bus, more of its series become ``other``."""
        window = due.window
        if window.resolution == "1s" and metric.dimensions:
            seen = {published for labels, cell in cells if cell.count for published in published_labels(metric, labels)}
            self._schedule.note_active(window.tenant, window.metric, seen, window.start, window.start)
        revision = self._schedule.revision(window, now)
        most = self._max_payload() - HEADER_BYTES
        limit = self._max_series
        while True:
            series = aggregate_series(
                metric,
                cells,
                due.silent,
                limit=limit,
                is_active=lambda published: self._schedule.is_active(window.tenant, window.metric, published),
            )
            aggregate = Aggregate(
                tenant=window.tenant,
                metric=metric.token,
                unit=metric.unit,
                resolution=window.resolution,
                window_start=window.start,
                revision=revision,
                final=due.final,
                published_at=now,
                series=series,
                service_names=self._names.of(window.tenant, metric, series),
            )
            payload = encode(aggregate)
            if len(payload) > most and aggregate.service_names:  # numbers go before names
                aggregate.service_names = {}
                payload = encode(aggregate)
            if len(payload) <= most or not limit:
                break
            limit //= 2
        if len(cells) > limit:
            self._overflows.note("published_series", max(0, _folded(metric, cells, series)), tenant=window.tenant)
        exemplar = self._exemplars.choose(window, (cell for _, cell in cells))
        return Publication(due, revision, payload, exemplar, max(len(cells), len(series)))


def _folded(metric: MetricDefinition, cells: Iterable[tuple[Labels, Cell]], series: Sequence[AggregateSeries]) -> int:
    """How many series of ``cells`` are not published by name."""
    return len({published for labels, _ in cells for published in published_labels(metric, labels)}) - len(series)
