"""What a metric is: its definition. Pure.

A **kind** decides what a rollup row holds and which fields can be asked (:mod:`drishti.measures.fields`):

============= ===============================================
kind          a row holds
============= ===============================================
counter       count, errors, sum
gauge         count, sum, min, max
distribution  count, errors, sum, min, max, histogram
unique        HyperLogLog
derived       no rows: it is computed from those of others
============= ===============================================

A metric with a **source** is drawn from events (:class:`EventSource`), by analytics, from the moment of its definition on.

A metric has the **name** that people gave it (``http.server.request.duration``) and a **token** made of it, by which subjects,
rollups and aggregates know it. Two names with one token cannot both be metrics of a tenant.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages import subjects

OTHER = "other"
"""The label value under which the series beyond a metric's limit are counted together."""

BUILT_IN, PACK, OTLP, TENANT = "built_in", "pack:", "otlp", "tenant"
"""Where a definition comes from: Drishti itself, one of its packs (``pack:wisdom``), metrics that arrived by OTLP, people."""

MAX_NAME = 255
MAX_UNIT = 63
"""As OpenTelemetry limits the names and units of instruments."""

MAX_DESCRIPTION = 1024
MAX_DIMENSIONS = 8
MAX_DIMENSION = 128
MAX_PUBLISHED = 16
MAX_SHARES = 8
MAX_SERIES = 10_000
MAX_RETENTION_DAYS = 3_650
MAX_LABEL = 128
"""Characters of a label's value; analytics cuts longer ones."""


class Kind(enum.StrEnum):
    """What is measured, which decides what is kept of it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    DISTRIBUTION = "distribution"
    UNIQUE = "unique"
    DERIVED = "derived"


class Share(Struct, frozen=True, kw_only=True):
    """A field that is a part of the whole: the count where ``dimension`` is ``value``, over the count of all.

    ``hit_rate`` of ``cache_requests`` is the share with ``result`` ``hit``. A ratio, 0 to 1.
    """

    name: str
    dimension: str
    value: str


class EventSource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The events that a metric is drawn from, and what is taken of each.

    Events of the type ``event`` whose properties meet ``where`` (a condition of the expression language; empty: all). Of each,
    ``value`` is a numeric property: what a distribution or a gauge measures, or what a counter sums up, which without one
    counts events. ``unique`` is the property of which a unique metric counts distinct values. ``dimensions`` says which
    property each label is taken from, where that has another name than the label.

    The properties of an event are those of its data and, where that has none of the name, its ``user_id``, ``session_id``,
    ``service`` and ``version``. An event whose property is of another type than is asked for is no observation.
    """

    event: str
    where: str = ""
    value: str = ""
    unique: str = ""
    dimensions: dict[str, str] = {}

    def __hash__(self) -> int:
        return hash((self.event, self.where, self.value, self.unique, tuple(sorted(self.dimensions.items()))))


class WatchPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the predictor looks at a metric that is watched or forecast, where its kind does not say enough.

    ``fields`` that are judged (empty: those of the kind), of the total and of each series with one of the labels ``by``
    (``None``: of every published series). ``side``: which changes are bad news (``None``: as kind, unit and ``direction``
    say). A change by less than ``smallest_change``, in the metric's unit, is none that anybody would look at. ``by_factor``: of
    a gauge that is always above zero, twice as much counts the same at every size. ``saturation`` is what its value cannot
    exceed for long.
    """

    fields: tuple[str, ...] = ()
    by: tuple[str, ...] | None = None
    side: Literal["up", "down", "both"] | None = None
    smallest_change: float | None = None
    by_factor: bool = False
    saturation: float | None = None


class MetricDefinition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric.

    ``unit`` is UCUM's; what is counted is in braces (``{request}``). ``dimensions`` are the labels of its rollup rows;
    ``published`` are the label sets that go live, each a subset of the dimensions (the empty one is the total). ``shares`` are
    named parts of the count. A metric that is not ``enabled`` is not counted. ``watched``: anomalies are looked for;
    ``forecast``: it is forecast; ``watch_policy`` says how. ``max_series`` in one hour; further ones are counted together as
    ``other``. ``retention_days``: how long its rollups are kept, never longer than those of others. ``source``: the events that
    it is drawn from; another source, kind or dimensions make another ``version``, which is counted anew.

    A KPI has the kind ``derived`` and an ``expression`` over metrics and events; a change of it is another ``version``.
    ``direction`` says whether a higher value is better (``up``) or a lower one (``down``); ``target`` is what it should reach,
    ``warn`` and ``bad`` are the thresholds of a warning and of a bad value. ``owner`` answers for it.
    """

    name: str
    kind: Kind
    unit: str = "1"
    dimensions: tuple[str, ...] = ()
    description: str = ""
    published: tuple[tuple[str, ...], ...] = ((),)
    shares: tuple[Share, ...] = ()
    enabled: bool = True
    watched: bool = False
    forecast: bool = False
    watch_policy: WatchPolicy = WatchPolicy()
    max_series: Annotated[int, Meta(ge=1, le=MAX_SERIES)] = 1_000
    retention_days: Annotated[int, Meta(ge=1, le=MAX_RETENTION_DAYS)] | None = None
    origin: str = TENANT
    source: EventSource | None = None
    expression: str = ""
    direction: Literal["up", "down"] = "up"
    target: float | None = None
    warn: float | None = None
    bad: float | None = None
    owner: str = ""
    version: Annotated[int, Meta(ge=1)] = 1

    @property
    def token(self) -> str:
        """What subjects, rollups and aggregates call it."""
        return token_of(self.name)

    @property
    def counted(self) -> str:
        """The unit of a count: of what the metric counts, where its unit says that."""
        return self.unit if self.unit.startswith("{") else "{observation}"

    def share(self, field: str) -> Share | None:
        """The share called ``field``, where this metric has it."""
        for share in self.shares:
            if share.name == field:
                return share
        return None


token_of = lru_cache(16_384)(subjects.token)
"""The token of a metric's name; remembered, since it is asked for again and again."""
