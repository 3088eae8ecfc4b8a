"""A tenant's own metrics as a dashboard: it follows from their definitions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from drishti.dashboards.document_reading import with_ids
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.panel_parts import Line, PanelQuestion
from drishti.dashboards.panels import Panel, Stat, TimeSeries
from drishti.measures.definitions import OTLP, TENANT, Kind, MetricDefinition
from drishti.measures.fields import FIELDS

MAX_OWN = 16
"""Metrics of its own that a tenant sees live: what they keep in memory is bounded for everybody. The page Metrics draws all."""

_FIRST = {Kind.DERIVED: "value", Kind.COUNTER: "rate", Kind.GAUGE: "avg", Kind.DISTRIBUTION: "p95", Kind.UNIQUE: "uniques"}
_OF_MINUTES = frozenset({Kind.DERIVED, Kind.UNIQUE})
"""Of one second these say little: a quotient of few, and the distinct of a moment."""


OF_DRISHTI = "drishti."
"""What Drishti's own services send about themselves by OTLP begins so: it is no tenant's own, and takes no place from it."""


def own_metrics(metrics: Mapping[str, MetricDefinition]) -> DashboardDocument:
    """A tile and a chart for each metric of the tenant: KPIs first, then what is drawn from events, then what came by OTLP."""
    own = [
        (token, metric)
        for token, metric in metrics.items()
        if metric.enabled
        and metric.origin in (TENANT, OTLP)
        and not (metric.origin == OTLP and metric.name.startswith(OF_DRISHTI))
    ]
    own.sort(key=lambda item: (item[1].kind is not Kind.DERIVED, item[1].source is None, item[1].origin, item[1].name))
    shown = own[:MAX_OWN]
    panels: list[Panel] = [_tile(token, metric) for token, metric in shown]
    panels += (_chart(token, metric) for token, metric in shown)
    return with_ids(
        DashboardDocument(
            name="own_metrics",
            title="Own metrics",
            description="KPIs, and what is drawn from your events and sent by OpenTelemetry.",
            panels=tuple(panels),
        )
    )


def _tile(token: str, metric: MetricDefinition) -> Stat:
    question = PanelQuestion(metric=token, field=_FIRST[metric.kind], resolution=_resolution(metric))
    return Stat(title=_title(metric), value=question)


def _chart(token: str, metric: MetricDefinition) -> TimeSeries:
    return TimeSeries(title=_title(metric), lines=tuple(_lines(token, metric)))


def _lines(token: str, metric: MetricDefinition) -> Iterator[Line]:
    field, resolution = _FIRST[metric.kind], _resolution(metric)
    yield Line(metric=token, field=field, resolution=resolution, name="all")
    labels = [labels[0] for labels in metric.published if len(labels) == 1]
    if labels:
        yield Line(metric=token, field=field, resolution=resolution, by=labels[0])


def _resolution(metric: MetricDefinition) -> Literal["1s", "1m"]:
    return "1m" if metric.kind in _OF_MINUTES else "1s"


def _title(metric: MetricDefinition) -> str:
    """What people called the metric, and its field as they call that."""
    field = _FIRST[metric.kind]
    return f"{metric.name} {FIELDS[field].label if field in FIELDS else field}".strip()
