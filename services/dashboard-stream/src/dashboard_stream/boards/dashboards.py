"""The dashboards, as data: which readings each one carries, and what a tenant's registry says of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from dashboard_stream.boards.own_metrics import own_readings
from dashboard_stream.boards.readings import RARE_S, Reading, Span
from drishti.measures.definitions import BUILT_IN, Kind, MetricDefinition
from drishti.measures.fields import has_field, unit_of

Metrics = Mapping[str, MetricDefinition]
"""A tenant's metrics by token, as its registry has them."""


class Dashboard(Struct, frozen=True, kw_only=True):
    """One page: its readings, and through their metrics the insights it shows.

    ``more`` are readings that follow from the tenant's own metrics.
    """

    name: str
    title: str
    description: str
    readings: tuple[Reading, ...] = ()
    more: Callable[[Metrics], Iterable[Reading]] | None = None

    def of(self, metrics: Metrics) -> Dashboard:
        """The dashboard of a tenant with these metrics: without readings of what it does not have."""
        named = (*self.readings, *(self.more(metrics) if self.more is not None else ()))
        readings = tuple(
            msgspec.structs.replace(reading, definition=definition)
            for reading in named
            if (definition := metrics.get(reading.metric)) is not None and has_field(definition, reading.field)
        )
        return msgspec.structs.replace(self, readings=readings, more=None)

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(r.metric for r in self.readings)


def _totals(metric: str, field: str, by: tuple[str, ...] = (), spans: Iterable[Span] = ("1h", "24h")) -> tuple[Reading, ...]:
    return tuple(Reading(metric=metric, field=field, by=by, span=span) for span in spans)


_ACTIVE_USERS = Reading(metric="active_users", field="uniques", resolution="1m")
_HIT_RATE = Reading(metric="cache_requests", field="hit_rate")
_SATISFACTION = Reading(metric="satisfaction", field="avg", resolution="1m", over_s=RARE_S)
_EVENTS = Reading(metric="events", field="rate", by=("event_type",))

SYSTEM_OVERVIEW = Dashboard(
    name="system_overview",
    title="System overview",
    description="Traffic, errors and latency of the services, the models behind them, and what the machines use.",
    readings=(
        Reading(metric="requests", field="rate", by=("service", "status")),
        Reading(metric="requests", field="error_rate", by=("service",)),
        Reading(metric="request_duration_ms", field="p50"),
        Reading(metric="request_duration_ms", field="p95", by=("service",)),
        Reading(metric="request_duration_ms", field="p99"),
        Reading(metric="llm_requests", field="rate", by=("model",)),
        Reading(metric="llm_requests", field="error_rate"),
        Reading(metric="llm_duration_ms", field="p95", by=("model",)),
        Reading(metric="llm_time_per_output_token_ms", field="avg", by=("model",)),
        _HIT_RATE,
        Reading(metric="cpu_utilization", field="avg", by=("service",), total=False),
        Reading(metric="memory_usage_bytes", field="avg", by=("service",), total=False),
        Reading(metric="events", field="rate"),
        _ACTIVE_USERS,
        *_totals("requests", "count", ("service",)),
        *_totals("requests", "errors"),
        *_totals("events", "count"),
        *_totals("llm_requests", "count"),
    ),
)

USER_ANALYTICS = Dashboard(
    name="user_analytics",
    title="User analytics",
    description="Who is here, what they do, what they ask about, and how content they are.",
    readings=(
        _ACTIVE_USERS,
        Reading(metric="sessions", field="uniques", resolution="1m"),
        _EVENTS,
        Reading(metric="requests", field="rate"),
        _SATISFACTION,
        Reading(metric="active_users", field="uniques", span="1h"),
        Reading(metric="sessions", field="uniques", span="1h"),
        *_totals("events", "count", ("event_type",)),
        *_totals("satisfaction", "count"),
        *_totals("topics", "count", ("topic",)),
    ),
)

DHARMA_INSIGHTS = Dashboard(
    name="dharma_insights",
    title="Dharma insights",
    description="The quality of the wisdom given, its topics, and what the language models do for it.",
    readings=(
        Reading(metric="wisdom_score", field="avg", resolution="1m", over_s=RARE_S),
        _SATISFACTION,
        Reading(metric="topics", field="count", by=("topic",), resolution="1m", value=False),
        Reading(metric="llm_requests", field="rate", by=("model",)),
        Reading(metric="llm_requests", field="error_rate", by=("model",)),
        Reading(metric="llm_duration_ms", field="p50"),
        Reading(metric="llm_duration_ms", field="p95", by=("model",)),
        Reading(metric="llm_time_per_output_token_ms", field="avg", by=("model",)),
        Reading(metric="llm_tokens", field="sum_rate", by=("direction",)),
        _HIT_RATE,
        _EVENTS,
        *_totals("topics", "count", ("topic",)),
        *_totals("llm_tokens", "sum", ("direction",)),
        *_totals("llm_requests", "count", ("model",)),
        *_totals("llm_requests", "errors", ("model",), ("24h",)),
        *_totals("cache_requests", "count", ("result",), ("24h",)),
        *_totals("wisdom_score", "count", (), ("24h",)),
        *_totals("events", "count", ("event_type",), ("24h",)),
    ),
)

OWN_METRICS = Dashboard(
    name="own_metrics",
    title="Own metrics",
    description="KPIs, and what is drawn from your events and sent by OpenTelemetry.",
    more=own_readings,
)

DASHBOARDS: dict[str, Dashboard] = {d.name: d for d in (SYSTEM_OVERVIEW, USER_ANALYTICS, DHARMA_INSIGHTS, OWN_METRICS)}


def describe(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard of a tenant as JSON: what can appear in its frames, with what its registry says of each metric."""
    return {
        "name": dashboard.name,
        "title": dashboard.title,
        "description": dashboard.description,
        "path": f"/api/dashboard/dashboard/{dashboard.name}",
        "ws": f"/api/dashboard/ws/{dashboard.name}",
        "series": [_describe(r) for r in dashboard.readings if r.span is None],
        "values": [_describe(r) for r in dashboard.readings if r.value],
    }


def _describe(reading: Reading) -> dict[str, Any]:
    metric = reading.definition
    entry = {
        "name": reading.name,
        "metric": reading.metric,
        "field": reading.field,
        "unit": unit_of(metric, reading.field),
        "kind": metric.kind,
        "labels": list(reading.by),
        "total": reading.total,
    }
    if metric.origin != BUILT_IN:
        entry["title"] = metric.name
    if reading.share is not None:
        entry["ratio"] = True
    if metric.kind is Kind.DERIVED:
        entry["direction"] = metric.direction
        entry |= {name: value for name in ("target", "warn", "bad") if (value := getattr(metric, name)) is not None}
    if reading.span:
        return entry | {"span": reading.span}
    window = {} if reading.window_s is None else {"window_s": reading.window_s}
    return entry | {"resolution": reading.resolution} | window
