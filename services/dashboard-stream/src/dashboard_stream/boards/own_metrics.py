"""What a tenant's own metrics show live: readings that follow from their definitions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboard_stream.boards.readings import Reading
from drishti.measures.definitions import OTLP, TENANT, Kind, MetricDefinition

MAX_OWN = 16
"""Metrics of its own that a tenant sees live: what they keep in memory is bounded for everybody. The page Metrics draws all."""

_FIRST = {Kind.DERIVED: "value", Kind.COUNTER: "rate", Kind.GAUGE: "avg", Kind.DISTRIBUTION: "p95", Kind.UNIQUE: "uniques"}
_OF_MINUTES = frozenset({Kind.DERIVED, Kind.UNIQUE})
"""Of one second these say little: a quotient of few, and the distinct of a moment."""


OF_DRISHTI = "drishti."
"""What Drishti's own services send about themselves by OTLP begins so: it is no tenant's own, and takes no place from it."""


def own_readings(metrics: Mapping[str, MetricDefinition]) -> Iterator[Reading]:
    """One reading for each of the tenant's metrics, KPIs first, then what is drawn from events, then what arrived by OTLP."""
    own = [
        (token, metric)
        for token, metric in metrics.items()
        if metric.enabled
        and metric.origin in (TENANT, OTLP)
        and not (metric.origin == OTLP and metric.name.startswith(OF_DRISHTI))
    ]
    own.sort(key=lambda item: (item[1].kind is not Kind.DERIVED, item[1].source is None, item[1].origin, item[1].name))
    for token, metric in own[:MAX_OWN]:
        labels = [labels[0] for labels in metric.published if len(labels) == 1]
        yield Reading(
            metric=token,
            field=_FIRST[metric.kind],
            by=tuple(labels[:1]),
            resolution="1m" if metric.kind in _OF_MINUTES else "1s",
        )
