"""Metrics that tenants draw from events: their definitions, compiled, and what events say about them. Pure.

Of each tenant and type of event there is a list of extractors, which is looked up once for each batch. Its events become
columns (:mod:`.columns`), those of one second side by side; then each condition is evaluated once and each property read once,
however many metrics there are. A condition is compiled to closures; nothing that a definition says is ever executed as code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate, compress
from typing import Any, NamedTuple, Protocol

import msgspec

from analytics.event_metrics.columns import EventColumns
from analytics.rollup.observations import Labels, Observations, Series
from drishti.measures.definitions import EventSource, MetricDefinition
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.matching import Column, Matcher, compiled
from drishti.measures.expressions.parser import parse_condition

_encode = msgspec.json.Encoder(order="sorted").encode

_NO_LABELS: Labels = ()


class Counted(NamedTuple):
    """One metric that is counted. ``stored`` is the name of its rollups, which no other metric and no other version has."""

    tenant: str
    stored: str
    definition: MetricDefinition


class Item(Protocol):
    """One event, as it is decoded."""

    @property
    def key(self) -> bytes: ...
    @property
    def tenant(self) -> str: ...
    @property
    def second(self) -> int: ...
    @property
    def body(self) -> Any: ...
    @property
    def traceparent(self) -> str | None: ...


class EventMetrics:
    """The metrics that are drawn from events now; :meth:`replace` takes others."""

    def __init__(self) -> None:
        self.epoch = 0
        """By which a transaction of the writer knows that these are the ones to be counted."""
        self._plans: dict[str, dict[str, _Plan]] = {}
        self._stored: dict[tuple[str, str], Counted] = {}
        self._by_tenant: dict[str, dict[str, MetricDefinition]] = {}

    def replace(self, epoch: int, counted: Sequence[Counted]) -> list[tuple[Counted, str]]:
        """``counted`` are all that are counted from ``epoch`` on. Returns those that cannot be, with the reason: a definition
        that this version cannot read must not keep it from storing events."""
        wrong: list[tuple[Counted, str]] = []
        extractors: defaultdict[str, defaultdict[str, list[_Extractor]]] = defaultdict(lambda: defaultdict(list))
        by_tenant: defaultdict[str, dict[str, MetricDefinition]] = defaultdict(dict)
        for one in counted:
            source = one.definition.source
            if source is not None:
                try:
                    extractors[one.tenant][source.event].append(_Extractor(one.stored, one.definition, source))
                except ExpressionError as error:
                    wrong.append((one, str(error)))
            by_tenant[one.tenant][one.stored] = one.definition
        self._plans = {
            tenant: {event: _Plan(extractors) for event, extractors in types.items()} for tenant, types in extractors.items()
        }
        self._stored = {(one.tenant, one.definition.token): one for one in counted}
        self._by_tenant = dict(by_tenant)
        self.epoch = epoch
        return wrong

    def stored(self, tenant: str, definition: MetricDefinition) -> str:
        """The name under which rollups of ``definition`` are kept: its token, but for metrics that are drawn from events."""
        if definition.source is None:
            return definition.token
        counted = self._stored.get((tenant, definition.token))
        return definition.token if counted is None else counted.stored

    def of(self, tenant: str) -> Mapping[str, MetricDefinition]:
        """The metrics of a tenant by the name of their rollups."""
        return self._by_tenant.get(tenant, {})

    def observe(self, items: Sequence[Item], exemplars: Mapping[bytes, str], observations: Observations) -> None:
        """What ``items``, events, say about the metrics that are drawn from them."""
        if not self._plans:
            return
        plans = self._plans
        groups: defaultdict[tuple[str, str, int], list[Item]] = defaultdict(list)
        for item in items:
            if item.tenant in plans:
                groups[item.tenant, item.body.event_type, item.second].append(item)
        seconds: defaultdict[tuple[str, str], list[_Second]] = defaultdict(list)
        for (tenant, event_type, second), some in groups.items():
            seconds[tenant, event_type].append((second, some))
        for (tenant, event_type), parts in seconds.items():
            plan = plans[tenant].get(event_type)
            if plan is not None:
                plan.observe(tenant, parts, exemplars, observations)


_Second = tuple[int, Sequence[Item]]
"""A second and the events in it."""


class _Part(NamedTuple):
    """The events of one second are those from ``start`` to ``end`` of the columns."""

    second: int
    start: int
    end: int


class _Plan:
    """The extractors of one type of event."""

    def __init__(self, extractors: Sequence[_Extractor]) -> None:
        self._extractors = extractors

    def observe(
        self, tenant: str, seconds: Sequence[_Second], exemplars: Mapping[bytes, str], observations: Observations
    ) -> None:
        items = [item for _, some in seconds for item in some]
        columns = EventColumns([item.body for item in items])
        ends = accumulate(len(some) for _, some in seconds)
        parts = [_Part(second, end - len(some), end) for (second, some), end in zip(seconds, ends, strict=True)]
        traces: Sequence[str | None] = ()
        if any(item.traceparent is not None for item in items):
            traces = [None if item.traceparent is None else exemplars.get(item.key, item.traceparent) for item in items]
        for extractor in self._extractors:
            extractor.observe(tenant, columns, parts, traces, observations)


class _Extractor:
    """What one metric takes from events of its type."""

    __slots__ = ("_dimensions", "_kind", "_matches", "_properties", "_source", "_stored")

    def __init__(self, stored: str, definition: MetricDefinition, source: EventSource) -> None:
        condition = parse_condition(source.where) if source.where else None
        self._stored = stored
        self._kind = definition.kind
        self._source = source
        self._matches: tuple[str, Matcher] | None = None if condition is None else (str(condition), compiled(condition))
        self._dimensions = definition.dimensions
        self._properties = tuple(source.dimensions.get(name, name) for name in definition.dimensions)

    def observe(
        self,
        tenant: str,
        columns: EventColumns,
        parts: Sequence[_Part],
        traces: Sequence[str | None],
        observations: Observations,
    ) -> None:
        """Adds what events say to ``observations``. ``traces``: that of each event, or none at all."""
        source = self._source
        met = None if self._matches is None else columns.met(*self._matches)
        taken: Column | None = None
        if source.value:
            taken = columns.numbers(source.value)
        elif source.unique:
            taken = columns.texts(source.unique)
        complete = taken is None or None not in taken
        labels = columns.labels(self._properties) if self._properties else None
        made: dict[Labels, Labels] = {}
        observations.declare(self._stored, self._kind)
        for second, start, end in parts:
            rows: Sequence[int] = range(start, end)
            if met is not None:
                rows = list(compress(rows, met[start:end]))
            if not complete and taken is not None:
                rows = [row for row in rows if taken[row] is not None]
            for values, some in _grouped(rows, labels).items():
                text = made.get(values)
                if text is None:
                    text = made[values] = labels_of(self._dimensions, values)
                series = Series(tenant, self._stored, text, second)
                trace = next((trace for row in reversed(some) if (trace := traces[row])), None) if traces else None
                if taken is None:
                    observations.count(series, len(some), exemplar=trace)
                elif source.value:
                    observations.values(series, [taken[row] for row in some], exemplar=trace)
                else:
                    observations.seen(series, [taken[row] for row in some], exemplar=trace)


def _grouped(rows: Sequence[int], labels: Sequence[Labels] | None) -> dict[Labels, Sequence[int]]:
    """Rows by the labels that each of them has."""
    if not rows:
        return {}
    if labels is None:
        return {_NO_LABELS: rows}
    groups: defaultdict[Labels, list[int]] = defaultdict(list)
    for row in rows:
        groups[labels[row]].append(row)
    return dict(groups)


def labels_of(dimensions: Sequence[str], values: Sequence[str]) -> Labels:
    """The labels of a series, as one text."""
    return (_encode(dict(zip(dimensions, values, strict=True))).decode(),)
