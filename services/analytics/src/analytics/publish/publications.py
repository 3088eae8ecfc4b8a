"""The message of one window: computed from its cells, small enough for the bus, with an exemplar."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import NamedTuple

from analytics.overflow import Overflows
from analytics.publish.aggregates import PublishedLabels, aggregate_series, published_labels
from analytics.publish.display_names import DisplayNames
from analytics.publish.kpis import PublishedKpi, RowsOf
from analytics.publish.schedule import Due, Schedule
from analytics.publish.window_rows import WindowRows
from analytics.rollup.windows import Window
from drishti.events import RESOLUTION_MS, Aggregate, AggregateSeries, encode
from drishti.measures.definitions import Kind, MetricDefinition

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

    def choose(self, window: Window, exemplars: Iterable[str]) -> str | None:
        """A trace that goes on with this message: each once for each metric, and at seconds only, which both readers follow."""
        if window.resolution != "1s":
            return None
        return next((one for one in exemplars if (window.metric, one) not in self._published), None)

    def add(self, metric: str, exemplar: str) -> None:
        """``exemplar`` is on the bus."""
        self._published[metric, exemplar] = None
        if len(self._published) > MAX_EXEMPLARS:
            self._published.popitem(last=False)


class _Message(NamedTuple):
    """A payload with so many ``series``, of which each set of labels has at most ``limit``."""

    revision: int
    payload: bytes
    series: int
    limit: int


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

    def build(self, due: Due, metric: MetricDefinition, rows: WindowRows, now: int) -> Publication:
        """The message of one window of a metric that has rollups."""
        cells = rows.cells
        if due.window.resolution == "1s" and (metric.dimensions or metric.kind is Kind.COUNTER):
            seen = {published for labels, cell in cells if cell.count for published in published_labels(metric, labels)}
            self._note_active(due.window, seen)
        is_active = self._is_active(due.window)

        def series_of(limit: int) -> list[AggregateSeries]:
            return aggregate_series(metric, cells, due.silent, limit=limit, is_active=is_active)

        message = self._fitting(due, metric, series_of, now)
        if len(cells) > message.limit:
            known = {published for labels, _ in cells for published in published_labels(metric, labels)}
            self._overflows.note("published_series", max(0, len(known) - message.series), tenant=due.window.tenant)
        exemplar = self._exemplars.choose(due.window, rows.exemplars())
        return Publication(due, message.revision, message.payload, exemplar, max(rows.size, message.series))

    def build_kpi(self, due: Due, kpi: PublishedKpi, rows: RowsOf, now: int) -> Publication:
        """The message of one window of a KPI; ``rows`` are those of the metrics that it is computed from."""
        groups = kpi.groups(rows)
        if due.window.resolution == "1s" and groups:
            self._note_active(due.window, groups)
        is_active = self._is_active(due.window)
        seconds = RESOLUTION_MS[due.window.resolution] / 1000

        def series_of(limit: int) -> list[AggregateSeries]:
            return kpi.series(groups, seconds, due.silent, limit=limit, is_active=is_active)

        message = self._fitting(due, kpi.definition, series_of, now)
        if len(groups) > message.limit:
            self._overflows.note("published_series", max(0, len(groups) - message.series), tenant=due.window.tenant)
        return Publication(due, message.revision, message.payload, None, max(sum(map(len, rows.values())), message.series))

    def _note_active(self, window: Window, seen: Collection[PublishedLabels]) -> None:
        self._schedule.active.note(window.tenant, window.metric, seen, window.start, window.start)

    def _is_active(self, window: Window) -> Callable[[PublishedLabels], bool]:
        return partial(self._schedule.active.has, window.tenant, window.metric)

    def _fitting(
        self, due: Due, metric: MetricDefinition, series_of: Callable[[int], list[AggregateSeries]], now: int
    ) -> _Message:
        """The message of one window. Where it is too large for the bus, more of its series become ``other``."""
        window = due.window
        revision = self._schedule.revision(window, now)
        most = self._max_payload() - HEADER_BYTES
        limit = self._max_series
        while True:
            series = series_of(limit)
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
                service_names=self._names.of(window.tenant, series),
                version=metric.version,
            )
            payload = encode(aggregate)
            if len(payload) > most and aggregate.service_names:  # numbers go before names
                aggregate.service_names = {}
                payload = encode(aggregate)
            if len(payload) <= most or not limit:
                return _Message(revision, payload, len(series), limit)
            limit //= 2
