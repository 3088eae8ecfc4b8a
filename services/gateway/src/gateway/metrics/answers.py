"""What is answered about a tenant's metrics and packs. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from drishti.events import Backfill, MetricSeen
from drishti.measures.definition_checks import Fault
from drishti.measures.definitions import EventSource, Kind, MetricDefinition, Share, WatchPolicy
from drishti.measures.fields import fields_of, unit_of
from gateway.metrics.definition_parts import Part


class Metric(Struct, omit_defaults=True, kw_only=True):
    """One metric of a tenant: its definition, where it comes from, and what was seen of it.

    ``revision`` is that of the tenant's own definition, to be named by whoever changes it; 0: it has none. ``fields`` are what
    can be asked, with their units. ``series`` of the newest hour that has any, ``last_seen`` and ``services`` (those who send
    it) are absent where nothing was seen, or where analytics does not answer. ``made_of``: of one metric that is computed or
    drawn from events, what from.
    """

    name: str
    token: str
    kind: str
    unit: str
    dimensions: list[str]
    description: str
    published: list[list[str]]
    shares: list[Share] = []
    fields: dict[str, str]
    enabled: bool
    watched: bool
    forecast: bool
    max_series: int
    retention_days: int | None = None
    watch_policy: WatchPolicy = WatchPolicy()
    origin: str
    source: EventSource | None = None
    expression: str = ""
    direction: str = "up"
    target: float | None = None
    warn: float | None = None
    bad: float | None = None
    owner: str = ""
    version: int = 1
    backfill: Backfill | None = None
    revision: int
    series: int | None = None
    last_seen: int | None = None
    services: list[str] = []
    made_of: list[Part] = []


class Pack(Struct, kw_only=True):
    """One pack: whether it is on, the revision of the switch (0: as from the start), and the metrics that it brings."""

    name: str
    enabled: bool
    revision: int
    metrics: list[str]


class Metrics(Struct, omit_defaults=True, kw_only=True):
    """Every metric of the tenant, sorted by name. ``problem`` says why nothing is known of what was seen."""

    metrics: list[Metric]
    packs: list[Pack]
    problem: str = ""


class DefinitionProblem(Struct, omit_defaults=True, kw_only=True):
    """Why a definition was not taken: the first fault, and all of them. ``character`` counts from 0."""

    error: str
    field: str
    character: int | None = None
    faults: list[Fault] = []


class UnknownMetric(Struct, kw_only=True):
    """There is no metric of that name; ``nearest`` are those that may be meant."""

    error: str
    field: str
    nearest: list[str]


class RevisionProblem(Struct, kw_only=True):
    """Somebody else changed it: ``theirs`` (``null``: none) is there, at ``revision``, and ``yours`` was not stored."""

    error: str
    field: str
    revision: int
    yours: dict[str, Any] | None
    theirs: dict[str, Any] | None


def described(metric: MetricDefinition, revision: int, seen: MetricSeen | None, backfill: Backfill | None = None) -> Metric:
    """A definition with what was seen of the metric."""
    return Metric(
        name=metric.name,
        token=metric.token,
        kind=metric.kind,
        unit=metric.unit,
        dimensions=list(metric.dimensions),
        description=metric.description,
        published=[list(labels) for labels in metric.published],
        shares=list(metric.shares),
        fields=_units(metric.kind, metric.unit, metric.shares),
        enabled=metric.enabled,
        watched=metric.watched,
        forecast=metric.forecast,
        max_series=metric.max_series,
        retention_days=metric.retention_days,
        watch_policy=metric.watch_policy,
        origin=metric.origin,
        source=metric.source,
        expression=metric.expression,
        direction=metric.direction,
        target=metric.target,
        warn=metric.warn,
        bad=metric.bad,
        owner=metric.owner,
        version=metric.version,
        backfill=backfill,
        revision=revision,
        series=seen.series if seen is not None else None,
        last_seen=seen.last_seen if seen is not None else None,
        services=seen.services if seen is not None else [],
    )


@lru_cache(1_024)
def _units(kind: Kind, unit: str, shares: tuple[Share, ...]) -> dict[str, str]:
    """The unit of each field of such metrics, of which a tenant has many."""
    such = MetricDefinition(name="any", kind=kind, unit=unit, shares=shares)
    return {field: unit_of(such, field) for field in fields_of(such)}


def invalid(faults: list[Fault]) -> DefinitionProblem:
    first = faults[0]
    return DefinitionProblem(error=first.error, field=first.field, character=first.character, faults=faults)


def conflicting(error: str, revision: int, yours: object | None, theirs: object | None) -> RevisionProblem:
    return RevisionProblem(
        error=error,
        field="revision",
        revision=revision,
        yours=msgspec.to_builtins(yours),
        theirs=msgspec.to_builtins(theirs),
    )
