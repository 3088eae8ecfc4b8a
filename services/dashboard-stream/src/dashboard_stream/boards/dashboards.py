"""A dashboard as it is for one tenant: without what the tenant has no metric for, with the readings that it asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from dashboard_stream.boards.readings import Reading
from drishti.dashboards.conditions import filters_of, where_of
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.panel_parts import PanelQuestion
from drishti.dashboards.panels import (
    INSIGHT_PANELS,
    Bar,
    Gauge,
    Heatmap,
    HistogramPanel,
    Panel,
    Pie,
    Stat,
    Table,
    TimeSeries,
    questions,
)
from drishti.dashboards.product_panels import FunnelPanel
from drishti.dashboards.variables import PARAMETER, Chosen, resolved, values_by_name
from drishti.measures.definitions import BUILT_IN, Kind, MetricDefinition
from drishti.measures.fields import OF_KIND, has_field, unit_of

Metrics = Mapping[str, MetricDefinition]
"""A tenant's metrics by token, as its registry has them."""


class View(NamedTuple):
    """A dashboard by its name, with what was chosen for its variables, and of which panels; none: all."""

    dashboard: str
    chosen: Chosen = ()
    panels: tuple[str, ...] = ()


class Dashboard(Struct, frozen=True, kw_only=True):
    """``document`` is what is shown; ``readings`` are what its frames hold, and through their metrics its insights.

    ``chosen`` was chosen for the variables, and is in the document already; fields ``counted_by`` have their values asked.
    """

    document: DashboardDocument
    readings: tuple[Reading, ...]
    followed: Mapping[str, MetricDefinition] = {}
    """Further metrics whose insights it shows: those that its panels of insights name, by token."""
    chosen: Chosen = ()
    counted_by: Mapping[str, str] = {}
    left_out: Mapping[str, tuple[str, ...]] = {}
    """Titles of the panels that are not shown, with the metrics that the tenant does not have."""

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def funnels(self) -> frozenset[str]:
        """The saved funnels that its panels show."""
        return frozenset(panel.saved for panel in self.document.panels if isinstance(panel, FunnelPanel) and panel.saved)

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(r.metric for r in self.readings) | self.followed.keys()


def dashboard_of(document: DashboardDocument, metrics: Metrics, chosen: Chosen = (), panels: tuple[str, ...] = ()) -> Dashboard:
    """The dashboard of a tenant with these metrics: without panels and questions of what it does not have, and with what was
    ``chosen`` for its variables. ``panels``: the ids of those alone that are asked for."""
    document = resolved(document, chosen)
    if panels:
        asked = tuple(panel for panel in document.panels if panel.id in panels)
        document = msgspec.structs.replace(document, panels=asked, feed=())

    def known(question: PanelQuestion) -> bool:
        definition = metrics.get(question.metric)
        return definition is not None and has_field(definition, question.field)

    kept_panels = [(panel, _without(panel, known)) for panel in document.panels]
    shown_panels = tuple(kept for _, kept in kept_panels if kept is not None)
    shown = msgspec.structs.replace(document, panels=shown_panels, feed=tuple(filter(known, document.feed)))
    counted_by = {
        variable.name: OF_KIND[definition.kind][0]
        for variable in document.variables
        if (definition := metrics.get(variable.metric)) is not None and variable.dimension in definition.dimensions
    }
    return Dashboard(
        document=shown,
        readings=tuple(_readings(shown, metrics)),
        followed=_followed(shown, metrics),
        chosen=chosen,
        counted_by=counted_by,
        left_out={panel.title: _not_measured(panel, known) for panel, kept in kept_panels if kept is None},
    )


def _not_measured(panel: Panel, known: Any) -> tuple[str, ...]:
    if isinstance(panel, HistogramPanel):
        return (panel.values.metric,)
    return tuple(dict.fromkeys(question.metric for _, question in questions(panel) if not known(question)))


def _followed(document: DashboardDocument, metrics: Metrics) -> Metrics:
    panels = [panel for panel in document.panels if isinstance(panel, INSIGHT_PANELS)]
    if any(panel.all_metrics for panel in panels):
        return metrics
    return {token: metrics[token] for panel in panels for token in panel.metrics if token in metrics}


def _without(panel: Panel, known: Any) -> Panel | None:
    """``panel`` without the questions that are not known; ``None`` where nothing is left of it."""
    match panel:
        case Stat():
            return msgspec.structs.replace(panel, more=tuple(filter(known, panel.more))) if known(panel.value) else None
        case TimeSeries():
            lines = tuple(filter(known, panel.lines))
            return msgspec.structs.replace(panel, lines=lines) if lines else None
        case Heatmap():
            return panel if known(panel.rows) else None
        case Gauge():
            return panel if known(panel.value) else None
        case Bar():
            return panel if known(panel.bars) else None
        case Pie():
            return panel if known(panel.parts) else None
        case Table():
            columns = tuple(filter(known, panel.columns))
            return msgspec.structs.replace(panel, columns=columns) if columns else None
        case HistogramPanel():
            return panel if known(PanelQuestion(metric=panel.values.metric, field="p50")) else None
        case _:
            return panel


def _readings(document: DashboardDocument, metrics: Metrics) -> Iterable[Reading]:
    """What all questions together ask: one reading for each metric, field, span and conditions."""
    readings: dict[str, Reading] = {}
    for question, has_value in _asked(document):
        reading = Reading(
            metric=question.metric,
            field=question.field,
            by=(question.by,) if question.by is not None else (),
            where=where_of(question),
            total=question.by is None or question.total,
            resolution=question.resolution,
            over_s=question.over_s,
            span=question.span,
            value=has_value,
            definition=metrics[question.metric],
        )
        known = readings.get(reading.name)
        readings[reading.name] = reading if known is None else _merged(known, reading)
    return readings.values()


def _asked(document: DashboardDocument) -> Iterable[tuple[PanelQuestion, bool]]:
    """Every question, and whether its number "now" is wanted: a heat map shows none."""
    for panel in document.panels:
        for _, question in questions(panel):
            yield question, not isinstance(panel, Heatmap)
    for question in document.feed:
        yield question, True


def _merged(one: Reading, other: Reading) -> Reading:
    return msgspec.structs.replace(
        one,
        by=tuple(dict.fromkeys((*one.by, *other.by))),
        total=one.total or other.total,
        value=one.value or other.value,
    )


def describe(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard of a tenant as JSON: its panels, and what can appear in its frames with what its registry says of it."""
    document = dashboard.document
    values = values_by_name(document, dashboard.chosen)
    variables = [
        {**msgspec.to_builtins(one), "values": values[one.name], "counted_by": dashboard.counted_by.get(one.name, "")}
        for one in document.variables
    ]
    query = urlencode([(f"{PARAMETER}{name}", value) for name, chosen in dashboard.chosen for value in chosen or ("",)])
    return {
        "name": document.name,
        "title": document.title,
        "description": document.description,
        "path": f"/api/dashboard/dashboard/{document.name}",
        "ws": f"/api/dashboard/ws/{document.name}" + (f"?{query}" if query else ""),
        **({"variables": variables} if variables else {}),
        "panels": msgspec.to_builtins(document.panels),
        "series": [_describe(r) for r in dashboard.readings if r.span is None],
        "values": [_describe(r) for r in dashboard.readings if r.value],
        "units": {r.metric: r.definition.unit for r in dashboard.readings}
        | {token: metric.unit for token, metric in dashboard.followed.items()},
        "left_out": dashboard.left_out,
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
    if reading.where:
        entry["filters"] = filters_of(reading.where)
    if not reading.is_live:
        entry["live"] = False
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
