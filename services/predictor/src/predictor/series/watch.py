"""What is watched: one table, and how each line of it is read out of an aggregate.

Every watched series becomes two numbers a second, ``amount`` and ``weight``, whose sums over any window give the window's
value: requests and seconds, errors and requests, latency times observations and observations. So a window of any length costs
two additions, and a second without observations weighs nothing.

Not watched, on purpose: ``requests`` and ``request_duration_ms`` by route and ``topics`` by topic (each too sparse to be judged
by the second, and a fault there shows in the service's series); ``active_users`` and ``sessions`` (distinct counts of one
second follow the request rate); ``satisfaction`` and ``wisdom_score`` (stated a few times a minute at most).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drishti.events import Aggregate, AggregateSeries
from drishti.measures import fields
from drishti.measures.built_in import FED
from drishti.measures.definitions import Share
from predictor.errors import UnknownWatch

TINY = 1e-3
"""Stands for zero where a logarithm is taken."""


class Kind(enum.IntEnum):
    """How a series behaves, which decides how its windows are transformed and compared."""

    RATE = 0
    """Events per second; silence is a value."""
    SHARE = 1
    """Part of the observations, 0 to 1."""
    LEVEL = 2
    """A positive quantity of which each second has several observations; changes are ratios."""
    GAUGE = 3
    """A positive quantity reported now and then, once for each process."""


class Side(enum.IntEnum):
    """Which changes are bad news. Fewer errors, faster answers or a warmer cache wake nobody up."""

    DOWN = -1
    BOTH = 0
    UP = 1


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One line of the table: ``field`` of ``metric``, for the total and each single label in ``by``.

    A change by less than ``difference`` (in the metric's unit) is none that anybody would look at.
    """

    metric: str
    field: str
    kind: Kind
    by: tuple[str, ...] = ()
    side: Side = Side.UP
    difference: float = 0.0
    forecast: bool = False

    @property
    def name(self) -> str:
        return f"{self.metric}.{self.field}"

    @property
    def mixture(self) -> bool:
        """Whether its observations, too, are held against how they are usually distributed."""
        return self.kind is Kind.LEVEL and self.field == "avg"

    @property
    def saturation(self) -> float | None:
        """What the metric cannot exceed for long, where that is known without asking anybody."""
        return 1.0 if self.metric == "cpu_utilization" else None

    @property
    def unit(self) -> str:
        if self.kind is Kind.SHARE:
            return "%"
        unit = FED[self.metric].unit
        return f"{unit.strip('{}')}s/s" if self.kind is Kind.RATE else unit


POINTS = 0.08
"""Eight percentage points: of ten observations no less than one."""

WAIT_MS = 20.0
"""Nobody notices a few milliseconds more."""

BUSY = 0.3
"""Of a processor: a program at work may do that."""

WATCHES: tuple[Watch, ...] = (
    Watch(metric="requests", field="rate", kind=Kind.RATE, side=Side.BOTH, by=("service",), forecast=True),
    Watch(metric="requests", field="error_rate", kind=Kind.SHARE, difference=POINTS, forecast=True, by=("service",)),
    Watch(metric="request_duration_ms", field="p95", kind=Kind.LEVEL, difference=WAIT_MS, by=("service",), forecast=True),
    Watch(metric="request_duration_ms", field="avg", kind=Kind.LEVEL, difference=WAIT_MS, by=("service",)),
    Watch(metric="events", field="rate", kind=Kind.RATE, side=Side.BOTH, by=("event_type",), forecast=True),
    Watch(metric="llm_requests", field="rate", kind=Kind.RATE, side=Side.BOTH, by=("model",), forecast=True),
    Watch(metric="llm_requests", field="error_rate", kind=Kind.SHARE, difference=POINTS, forecast=True, by=("model",)),
    Watch(metric="llm_duration_ms", field="p95", kind=Kind.LEVEL, difference=WAIT_MS, by=("model",), forecast=True),
    Watch(metric="llm_duration_ms", field="avg", kind=Kind.LEVEL, difference=WAIT_MS, by=("model",)),
    Watch(metric="llm_time_per_output_token_ms", field="avg", kind=Kind.LEVEL, by=("model",)),
    Watch(metric="cache_requests", field="hit_rate", kind=Kind.SHARE, difference=POINTS, side=Side.DOWN, forecast=True),
    Watch(metric="cpu_utilization", field="avg", kind=Kind.GAUGE, difference=BUSY, by=("service",), forecast=True),
    Watch(metric="memory_usage_bytes", field="avg", kind=Kind.GAUGE, by=("service",), forecast=True),
)


@dataclass(frozen=True)
class SeriesKey:
    """Which series: stable, and the part of an insight's id that names it."""

    tenant: str
    metric: str
    field: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        labels = ",".join(f"{name}={value}" for name, value in self.labels)
        return f"{self.tenant}/{self.metric}.{self.field}" + (f"{{{labels}}}" if labels else "")


def select(names: Iterable[str]) -> tuple[Watch, ...]:
    """The lines of the table called ``names`` (``metric.field`` or ``metric``), or all; raises :class:`UnknownWatch`."""
    wanted = list(names)
    if not wanted:
        return WATCHES
    known = {w.name for w in WATCHES} | {w.metric for w in WATCHES}
    if unknown := [name for name in wanted if name not in known]:
        raise UnknownWatch(unknown, sorted(w.name for w in WATCHES))
    return tuple(w for w in WATCHES if w.name in wanted or w.metric in wanted)


def observe(
    watch: Watch, aggregate: Aggregate, seconds: int = 1
) -> Iterator[tuple[SeriesKey, float, float, AggregateSeries | None]]:
    """``(key, amount, weight, series)`` of every series of ``watch`` in one aggregate of its metric, ``seconds`` long."""
    share = FED[watch.metric].share(watch.field)
    if share is not None:
        yield _share(watch, share, aggregate)
        return
    for series in aggregate.series:
        labels = tuple(sorted(series.labels.items()))
        if len(labels) > 1 or (labels and labels[0][0] not in watch.by):
            continue
        read = _read(watch, series, seconds)
        if read is not None:
            yield SeriesKey(aggregate.tenant, watch.metric, watch.field, labels), *read, series


def _read(watch: Watch, series: AggregateSeries, seconds: int) -> tuple[float, float] | None:
    count = series.count
    if watch.kind in (Kind.RATE, Kind.SHARE):
        return fields.amounts(watch.field, series, seconds)
    value = fields.value(watch.field, series, seconds)
    if value is None or not math.isfinite(value) or value < 0 or not count:
        return (0.0, 0.0) if watch.kind is Kind.LEVEL else None
    weight = float(count) if watch.kind is Kind.LEVEL else 1.0
    return value * weight, weight


def _share(watch: Watch, share: Share, aggregate: Aggregate) -> tuple[SeriesKey, float, float, AggregateSeries | None]:
    part = total = 0
    for series in aggregate.series:
        if not series.labels:
            total = series.count
        elif series.labels == {share.dimension: share.value}:
            part = series.count
    return SeriesKey(aggregate.tenant, watch.metric, watch.field), float(min(part, total)), float(total), None
