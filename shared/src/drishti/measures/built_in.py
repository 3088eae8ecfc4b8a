"""The metrics that Drishti itself computes, and the packs: those of a domain, which a tenant switches on. Pure.

Analytics draws them from events, requests and metrics of processes (``analytics/ingest``). A tenant may switch each off, and
choose what of it goes live, is watched and forecast; its kind, unit and dimensions are as they are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drishti.measures.definitions import BUILT_IN, MAX_SERIES, PACK, Kind, MetricDefinition, Share, WatchPolicy
from drishti.messages.subjects import DEFAULT_TENANT

_FORECAST = {
    "requests", "request_duration_ms", "events", "llm_requests", "llm_duration_ms", "cache_requests", "cpu_utilization",
    "memory_usage_bytes",
}  # fmt: skip
_WATCHED = _FORECAST | {"llm_time_per_output_token_ms"}
"""Not watched, on purpose: distinct counts of a second follow the request rate, and what users state comes too rarely."""

_POLICIES = {
    # by route and status, series are too sparse to be judged by the second, and a fault there shows in the service's
    "requests": WatchPolicy(fields=("rate", "error_rate"), by=("service",)),
    "request_duration_ms": WatchPolicy(fields=("p95", "avg"), by=("service",)),
    "events": WatchPolicy(fields=("rate",), by=("event_type",)),
    "llm_requests": WatchPolicy(fields=("rate", "error_rate"), by=("model",)),
    "llm_duration_ms": WatchPolicy(fields=("p95", "avg"), by=("model",)),
    "llm_time_per_output_token_ms": WatchPolicy(fields=("avg",), by=("model",), smallest_change=0.0),
    "cache_requests": WatchPolicy(fields=("hit_rate",), by=()),
    # not watched unless a tenant says so: most of these calls are among the requests already
    "span_duration_ms": WatchPolicy(fields=("error_rate", "p95"), by=("service",)),
    "db_duration_ms": WatchPolicy(fields=("error_rate", "p95"), by=("system",)),
    # a program at work may take a third of a processor
    "cpu_utilization": WatchPolicy(by=("service",), side="up", smallest_change=0.3, by_factor=True, saturation=1.0),
    "memory_usage_bytes": WatchPolicy(by=("service",), side="up", smallest_change=0.0, by_factor=True),
}


def _metric(
    name: str,
    unit: str,
    kind: Kind,
    dimensions: str,
    description: str,
    published: tuple[str, ...] = ("",),
    *,
    origin: str = BUILT_IN,
    shares: tuple[Share, ...] = (),
) -> MetricDefinition:
    return MetricDefinition(
        name=name,
        unit=unit,
        kind=kind,
        dimensions=tuple(dimensions.split()),
        published=tuple(tuple(labels.split()) for labels in published),
        description=description,
        origin=origin,
        shares=shares,
        watched=name in _WATCHED,
        forecast=name in _FORECAST,
        watch_policy=_POLICIES.get(name, WatchPolicy()),
        max_series=MAX_SERIES,  # so that the operator's ANALYTICS_MAX_SERIES decides
    )


HIT_RATE = Share(name="hit_rate", dimension="result", value="hit")

METRICS: Mapping[str, MetricDefinition] = MappingProxyType(
    {
        definition.token: definition
        for definition in (
            _metric(
                "requests",
                "{request}",
                Kind.COUNTER,
                "service route status",
                "served requests, as drishti.instrument reports them",
                ("", "service", "service route", "status"),
            ),
            _metric(
                "request_duration_ms",
                "ms",
                Kind.DISTRIBUTION,
                "service route status",
                "time to serve a request",
                ("", "service", "service route"),
            ),
            _metric("events", "{event}", Kind.COUNTER, "event_type service", "analytics events", ("", "event_type")),
            _metric("active_users", "{user}", Kind.UNIQUE, "", "distinct users seen in events and requests"),
            _metric("sessions", "{session}", Kind.UNIQUE, "", "distinct sessions seen in events and requests"),
            _metric(
                "llm_requests",
                "{request}",
                Kind.COUNTER,
                "model",
                "calls to a language model: events of the type llm_call, and spans of generative AI",
                ("", "model"),
            ),
            _metric(
                "llm_duration_ms",
                "ms",
                Kind.DISTRIBUTION,
                "model",
                "time of a call to a language model",
                ("", "model"),
            ),
            _metric(
                "llm_time_per_output_token_ms",
                "ms",
                Kind.DISTRIBUTION,
                "model",
                "how long a successful call took for each token of its answer, after the first one where that is known",
                ("", "model"),
            ),
            _metric(
                "llm_tokens",
                "{token}",
                Kind.DISTRIBUTION,
                "model direction",
                "tokens per call, by direction input or output",
                ("", "model", "direction"),
            ),
            _metric(
                "llm_time_to_first_token_ms",
                "ms",
                Kind.DISTRIBUTION,
                "model",
                "time until the first part of a model's answer, where that is known",
                ("", "model"),
            ),
            _metric(
                "llm_cost_usd",
                "USD",
                Kind.DISTRIBUTION,
                "model",
                "what a call to a language model cost, by the table of prices; nothing of models that it does not name",
                ("", "model"),
            ),
            _metric(
                "span_duration_ms",
                "ms",
                Kind.DISTRIBUTION,
                "service operation kind",
                "time of an operation: every span of every service, failed ones as errors",
                ("", "service"),
            ),
            _metric(
                "db_duration_ms",
                "ms",
                Kind.DISTRIBUTION,
                "service system statement",
                "time of a call of a database, by its system and the class of the statement: spans of clients",
                ("", "system"),
            ),
            _metric(
                "cache_requests",
                "{request}",
                Kind.COUNTER,
                "cache result",
                "look-ups in a cache, by result hit or miss: cache and hit of events of the type cache_access",
                ("", "result"),
                shares=(HIT_RATE,),
            ),
            _metric(
                "log_records",
                "{record}",
                Kind.COUNTER,
                "service severity",
                "log records, by severity trace, debug, info, warn, error, fatal or unset; errors are those of error and fatal",
                ("", "service", "severity"),
            ),
            _metric("cpu_utilization", "1", Kind.GAUGE, "service", "share of one core that a process uses", ("", "service")),
            _metric("memory_usage_bytes", "By", Kind.GAUGE, "service", "resident memory of a process", ("", "service")),
        )
    }
)
"""Every tenant's metrics, by token."""


PACKS: Mapping[str, tuple[MetricDefinition, ...]] = MappingProxyType(
    {
        "wisdom": (
            _metric(
                "satisfaction",
                "1",
                Kind.DISTRIBUTION,
                "event_type",
                "the satisfaction that users stated, 0 to 5: satisfaction of any event",
                origin=f"{PACK}wisdom",
            ),
            _metric(
                "wisdom_score",
                "1",
                Kind.DISTRIBUTION,
                "event_type",
                "the quality score of answers, 0 to 1: wisdom_score of any event",
                origin=f"{PACK}wisdom",
            ),
            _metric(
                "topics",
                "{event}",
                Kind.COUNTER,
                "topic",
                "events by topic: topic of any event",
                ("", "topic"),
                origin=f"{PACK}wisdom",
            ),
        )
    }
)
"""Definitions of a domain, by the pack's name."""

PACKS_ON: Mapping[str, frozenset[str]] = MappingProxyType({DEFAULT_TENANT: frozenset({"wisdom"})})
"""The packs that a tenant has on from the start; the others have none."""

FED: Mapping[str, MetricDefinition] = MappingProxyType(
    {**METRICS, **{definition.token: definition for pack in PACKS.values() for definition in pack}}
)
"""Every metric that Drishti itself draws from what arrives, those of the packs among them, by token."""
