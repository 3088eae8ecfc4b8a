"""The metrics that Drishti computes: name, unit, kind, dimensions, and what is published of each.

One declaration serves analytics (what to roll up), the gateway's documentation (what can be asked), the predictor (what to
watch) and the dashboards (how to label). A **kind** decides what a rollup row holds and which aggregates can be asked:

========== =========================================== ==============================================
kind       a row holds                                 aggregates
========== =========================================== ==============================================
counter    count, errors, sum                          count, rate, errors, error_rate, sum
value      count, errors, sum, min, max, histogram     as counter, and avg, min, max, p50, p95, p99
gauge      count, sum, min, max                        avg, min, max
unique     HyperLogLog                                 uniques
========== =========================================== ==============================================
"""

from __future__ import annotations

import enum

from msgspec import Struct


class Kind(enum.StrEnum):
    COUNTER = "counter"
    VALUE = "value"
    GAUGE = "gauge"
    UNIQUE = "unique"


AGGREGATES: dict[Kind, tuple[str, ...]] = {
    Kind.COUNTER: ("count", "rate", "errors", "error_rate", "sum"),
    Kind.VALUE: ("count", "rate", "errors", "error_rate", "sum", "avg", "min", "max", "p50", "p95", "p99"),
    Kind.GAUGE: ("avg", "min", "max"),
    Kind.UNIQUE: ("uniques",),
}

OTHER = "other"
"""The label value under which the series beyond a metric's limit are counted together."""


class MetricSpec(Struct, frozen=True, kw_only=True):
    """One metric. ``dimensions`` are the labels of its rollup rows; ``published`` are the label sets that an AGGREGATES
    message carries, each a subset of the dimensions (the empty one is the total)."""

    name: str
    unit: str
    kind: Kind
    dimensions: tuple[str, ...]
    published: tuple[tuple[str, ...], ...]
    description: str

    def unit_of(self, aggregate: str) -> str:
        """The unit of ``count``, ``p95`` and so on: counts are of what the metric counts, the rest is in its unit."""
        counted = self.unit if self.unit.startswith("{") else "{observation}"
        units = {"count": counted, "errors": counted, "rate": f"{counted}/s", "sum_rate": f"{self.unit}/s"}
        return units.get(aggregate, "1" if aggregate in ("error_rate", "hit_rate") else self.unit)


def _spec(
    name: str, unit: str, kind: Kind, dimensions: str, description: str, published: tuple[str, ...] = ("",)
) -> MetricSpec:
    return MetricSpec(
        name=name,
        unit=unit,
        kind=kind,
        dimensions=tuple(dimensions.split()),
        published=tuple(tuple(p.split()) for p in published),
        description=description,
    )


METRICS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        _spec(
            "requests",
            "{request}",
            Kind.COUNTER,
            "service route status",
            "served requests",
            ("", "service", "service route", "status"),
        ),
        _spec(
            "request_duration_ms",
            "ms",
            Kind.VALUE,
            "service route status",
            "time to serve a request",
            ("", "service", "service route"),
        ),
        _spec("events", "{event}", Kind.COUNTER, "event_type service", "analytics events", ("", "event_type")),
        _spec("active_users", "{user}", Kind.UNIQUE, "", "distinct users seen in events and requests"),
        _spec("sessions", "{session}", Kind.UNIQUE, "", "distinct sessions seen in events and requests"),
        _spec("llm_requests", "{request}", Kind.COUNTER, "model", "calls to a language model", ("", "model")),
        _spec("llm_duration_ms", "ms", Kind.VALUE, "model", "time of a call to a language model", ("", "model")),
        _spec(
            "llm_time_per_output_token_ms",
            "ms",
            Kind.VALUE,
            "model",
            "how long a successful call took for each token of its answer, after the first one where that is known",
            ("", "model"),
        ),
        _spec(
            "llm_tokens",
            "{token}",
            Kind.VALUE,
            "model direction",
            "tokens per call, by direction input or output",
            ("", "model", "direction"),
        ),
        _spec(
            "cache_requests",
            "{request}",
            Kind.COUNTER,
            "cache result",
            "look-ups in a cache, by result hit or miss",
            ("", "result"),
        ),
        _spec("satisfaction", "1", Kind.VALUE, "event_type", "the satisfaction that users stated, 0 to 5"),
        _spec("wisdom_score", "1", Kind.VALUE, "event_type", "the quality score of answers, 0 to 1"),
        _spec("topics", "{event}", Kind.COUNTER, "topic", "events by topic", ("", "topic")),
        _spec("cpu_utilization", "1", Kind.GAUGE, "service", "share of one core that a process uses", ("", "service")),
        _spec("memory_usage_bytes", "By", Kind.GAUGE, "service", "resident memory of a process", ("", "service")),
    )
}
