"""What is watched of a metric, by its definition, and how it is read out of an aggregate. Pure.

Every watched series becomes two numbers a second, ``amount`` and ``weight``, whose sums over any window give the window's
value: requests and seconds, errors and requests, latency times observations and observations. So a window of any length costs
two additions, and a second without observations weighs nothing.

The kind of a metric says which of its fields are judged, and how:

============= ================================================== =======================
metric        fields                                             judged as
============= ================================================== =======================
counter       ``rate`` where it counts; its shares               ``RATE``, ``SHARE``
counter       ``sum_rate`` where it adds up amounts              ``FLOW``
distribution  ``p95`` and ``avg``                                ``LEVEL``
gauge         ``avg``                                            ``VALUE`` or ``GAUGE``
unique        ``uniques``                                        ``VALUE``
derived       ``value``                                          ``VALUE``
============= ================================================== =======================

A counter that arrives by OpenTelemetry, or takes a property of events, adds up amounts; any other counts. Only metrics that
Drishti feeds count errors: their definitions name ``error_rate``. A definition's
:class:`~drishti.measures.definitions.WatchPolicy` says what its kind does not.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass

from drishti.events import Aggregate, AggregateSeries
from drishti.measures import definitions, fields
from drishti.measures.built_in import FED
from drishti.measures.definitions import OTLP, MetricDefinition, Share, WatchPolicy

TINY = 1e-3
"""Stands for zero where a logarithm is taken, of milliseconds and of whatever is no duration."""


class Kind(enum.IntEnum):
    """How a series behaves, which decides how its windows are transformed and compared."""

    RATE = 0
    """Events per second; silence is a value."""
    SHARE = 1
    """Part of the observations, 0 to 1."""
    LEVEL = 2
    """A positive quantity of which each second has several observations; changes are ratios."""
    GAUGE = 3
    """A positive quantity reported now and then, once for each process; changes are ratios."""
    VALUE = 4
    """Any number, reported now and then; changes are differences."""
    FLOW = 5
    """An amount per second, of which some seconds have much and others nothing."""


class Side(enum.IntEnum):
    """Which changes are bad news. Fewer errors, faster answers or a warmer cache wake nobody up."""

    DOWN = -1
    BOTH = 0
    UP = 1


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How ``field`` of ``metric`` (a token) is judged: of the total and each series with one of the labels ``by`` (``None``:
    each series that is published).

    A change by less than ``difference`` (in the metric's unit) is none that anybody would look at; of a ``VALUE`` that is
    ``relative``, nor is one that is small beside the value. ``watched``: anomalies are looked for. A series of another
    ``version`` is another series.
    """

    metric: str
    field: str
    kind: Kind
    by: tuple[str, ...] | None = ()
    side: Side = Side.UP
    difference: float = 0.0
    relative: bool = True
    watched: bool = True
    forecast: bool = False
    title: str = ""
    """What people call the metric."""
    unit: str = ""
    """Of the values, as people read it."""
    counted: str = "observations"
    """What its windows hold."""
    saturation: float | None = None
    """What the value cannot exceed for long, where that is known without asking anybody."""
    per_ms: float | None = None
    """Of a duration: how much of its unit a millisecond is."""
    share: Share | None = None
    version: int = 1

    @property
    def name(self) -> str:
        return f"{self.metric}.{self.field}"

    def takes(self, labels: tuple[tuple[str, str], ...]) -> bool:
        """Whether a series with these labels is judged."""
        return self.by is None or not labels or (len(labels) == 1 and labels[0][0] in self.by)

    @property
    def mixture(self) -> bool:
        """Whether its observations, too, are held against how they are usually distributed."""
        return self.kind is Kind.LEVEL and self.field == "avg" and self.per_ms is not None

    @property
    def tiny(self) -> float:
        """Stands for zero where a logarithm is taken of a value."""
        return TINY if self.per_ms is None else TINY * self.per_ms

    @property
    def series_of(self) -> tuple[str, Kind, int]:
        """Equal for watches whose series go on as they are when the one replaces the other."""
        return self.field, self.kind, self.version


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


POINTS = 0.08
"""Eight percentage points: of ten observations no less than one."""

WAIT_MS = 20.0
"""Nobody notices a few milliseconds more."""

COUNTED = 2.0
"""Of things that are counted, one more or less is no news."""

PER_MS = {"ns": 1e6, "us": 1e3, "ms": 1.0, "s": 1e-3, "min": 1e-3 / 60, "h": 1e-3 / 3600}
"""Units of durations (UCUM): how many of each a millisecond is."""


def watches_of(definition: MetricDefinition) -> tuple[Watch, ...]:
    """How a metric is judged; nothing where it is off, or neither watched nor forecast."""
    if not definition.enabled or not (definition.watched or definition.forecast):
        return ()
    policy = _policy(definition)
    names = policy.fields or _fields(definition)
    return tuple(_watch(definition, policy, field, names) for field in names if _judged(definition, field))


def _policy(definition: MetricDefinition) -> WatchPolicy:
    """A tenant that says nothing on how a metric is judged which Drishti feeds leaves that as it is."""
    fed = FED.get(definition.token)
    return fed.watch_policy if fed is not None and definition.watch_policy == WatchPolicy() else definition.watch_policy


def _fields(definition: MetricDefinition) -> tuple[str, ...]:
    if definition.kind is definitions.Kind.COUNTER:
        published = {labels for labels in definition.published if len(labels) == 1}
        shares = [share.name for share in definition.shares if (share.dimension,) in published]
        return ("sum_rate" if _adds_up(definition) else "rate", *shares)
    return {
        definitions.Kind.DISTRIBUTION: ("p95", "avg"),
        definitions.Kind.GAUGE: ("avg",),
        definitions.Kind.UNIQUE: ("uniques",),
        definitions.Kind.DERIVED: (fields.VALUE,),
    }[definition.kind]


def _adds_up(definition: MetricDefinition) -> bool:
    return definition.origin == OTLP or (definition.source is not None and bool(definition.source.value))


def _judged(definition: MetricDefinition, field: str) -> bool:
    """Whether an aggregate has ``field`` of this metric, or what it is taken of."""
    if not fields.has_field(definition, field):
        return False
    percentile = fields.percentile(field)
    return percentile is None or percentile in fields.PUBLISHED_PERCENTILES.values()


def _watch(definition: MetricDefinition, policy: WatchPolicy, field: str, names: tuple[str, ...]) -> Watch:
    kind = _kind(definition, policy, field)
    per_ms = PER_MS.get(definition.unit) if kind is Kind.LEVEL else None
    fed = definition.token in FED
    by = policy.by if policy.by is not None or not fed else ()
    difference, relative = _smallest_change(definition, policy, kind)
    return Watch(
        metric=definition.token,
        field=field,
        kind=kind,
        by=by,
        side=_side(definition, policy, field, kind),
        difference=difference,
        relative=relative,
        watched=definition.watched,
        # of a distribution the percentile says more than the mean
        forecast=definition.forecast and not (field == "avg" and kind is Kind.LEVEL and any(map(fields.percentile, names))),
        title=definition.name,
        unit=_unit(definition, field, kind),
        counted=_counted(definition, kind),
        saturation=policy.saturation,
        per_ms=per_ms,
        share=definition.share(field),
        version=definition.version,
    )


def _kind(definition: MetricDefinition, policy: WatchPolicy, field: str) -> Kind:
    if field == "rate":
        return Kind.RATE
    if field == "sum_rate":
        return Kind.FLOW
    if fields.meaning(definition, field).is_ratio:
        return Kind.SHARE
    if definition.kind is definitions.Kind.DISTRIBUTION:
        return Kind.LEVEL
    return Kind.GAUGE if policy.by_factor else Kind.VALUE


def _side(definition: MetricDefinition, policy: WatchPolicy, field: str, kind: Kind) -> Side:
    if field == "error_rate":
        return Side.UP
    if policy.side is not None:
        return Side[policy.side.upper()]
    if kind is Kind.SHARE or definition.kind is definitions.Kind.DERIVED:
        return Side.DOWN if definition.direction == "up" else Side.UP
    return Side.UP if kind is Kind.LEVEL and definition.unit in PER_MS else Side.BOTH


def _smallest_change(definition: MetricDefinition, policy: WatchPolicy, kind: Kind) -> tuple[float, bool]:
    """The smallest change that matters, and whether one must be large beside the value, too."""
    if kind is Kind.SHARE:
        return POINTS, False
    if policy.smallest_change is not None:
        return policy.smallest_change, not policy.smallest_change
    if kind is Kind.LEVEL and definition.unit in PER_MS:
        return WAIT_MS * PER_MS[definition.unit], True
    if kind is not Kind.VALUE:
        return 0.0, True
    if definition.target is not None and definition.warn is not None and definition.target != definition.warn:
        return abs(definition.target - definition.warn), False
    if definition.unit == "%":
        return 100 * POINTS, False
    return COUNTED if definition.unit.startswith("{") else 0.0, True


def _unit(definition: MetricDefinition, field: str, kind: Kind) -> str:
    if kind is Kind.SHARE:
        return "%"
    unit = fields.unit_of(definition, field)
    if kind in (Kind.RATE, Kind.FLOW):
        thing = unit.removesuffix("/s")
        return f"{_things(thing)}/s" if thing.startswith("{") else unit
    return unit if not unit.startswith("{") else _things(unit)


def _counted(definition: MetricDefinition, kind: Kind) -> str:
    if kind in (Kind.GAUGE, Kind.VALUE, Kind.FLOW):
        return "reports"
    return _COUNTED.get(definition.token) or (_things(definition.unit) if definition.unit.startswith("{") else "observations")


_COUNTED = {"request_duration_ms": "requests", "cache_requests": "look-ups"}
_COUNTED |= dict.fromkeys(("llm_duration_ms", "llm_time_per_output_token_ms"), "requests")
"""What these measure: their units do not say it."""


def _things(unit: str) -> str:
    """``requests`` of ``{request}``."""
    return f"{unit.strip('{}')}s"


def observe(
    watch: Watch, aggregate: Aggregate, seconds: int = 1
) -> Iterator[tuple[SeriesKey, float, float, AggregateSeries | None]]:
    """``(key, amount, weight, series)`` of every series of ``watch`` in one aggregate of its metric, ``seconds`` long."""
    if watch.share is not None:
        yield _share(watch, watch.share, aggregate)
        return
    for series in aggregate.series:
        labels = tuple(sorted(series.labels.items()))
        if not watch.takes(labels):
            continue
        read = _read(watch, series, seconds)
        if read is not None:
            yield SeriesKey(aggregate.tenant, watch.metric, watch.field, labels), *read, series


def _read(watch: Watch, series: AggregateSeries, seconds: int) -> tuple[float, float] | None:
    count = series.count
    if watch.kind in (Kind.RATE, Kind.SHARE, Kind.FLOW):
        return fields.amounts(watch.field, series, seconds)
    value = fields.value(watch.field, series, seconds)
    if watch.kind is Kind.VALUE:
        return (value, 1.0) if value is not None and math.isfinite(value) else None
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
