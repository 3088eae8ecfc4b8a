"""Every kind of panel, and the questions that each asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.dashboards.panel_parts import (
    MAX_QUESTIONS,
    MAX_VALUES,
    Band,
    Column,
    Conditions,
    Limits,
    Line,
    Number,
    PanelBase,
    PanelQuestion,
    Remark,
    Threshold,
    Title,
    Unit,
)
from drishti.dashboards.product_panels import ProductPanel
from drishti.messages.field_types import Step, Token

MAX_PANELS = 100
"""Of one dashboard."""

MAX_BARS = 16
"""As many series of one dimension are kept live."""


class Stat(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="stat"):
    """One number that matters now, with the line it came along unless ``sparkline`` is false. ``out_of``: "of 5".

    ``limits`` are the panel's own; without them those of a KPI hold.
    """

    value: PanelQuestion
    limits: Limits | None = None
    unit: Unit = ""
    sparkline: bool = True
    more: Annotated[tuple[Remark, ...], Meta(max_length=MAX_QUESTIONS)] = ()
    out_of: Annotated[str, Meta(max_length=32)] = ""


class Gauge(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="gauge"):
    """One number on a scale from ``min`` to ``max``; without ``max`` the scale of a share ends at the whole."""

    value: PanelQuestion
    min: Number = 0.0
    max: Number | None = None
    limits: Limits | None = None
    unit: Unit = ""


class TimeSeries(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="time_series"):
    """Lines over time. ``measures`` says what is counted, in the corner; ``range`` fixes the ends of the axis.

    ``stacked`` puts the values of a dimension on each other, ``bars`` beside each other; the line of all of them stays a line.
    """

    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=MAX_QUESTIONS)]
    measures: Annotated[str, Meta(max_length=200)] = ""
    range: tuple[float, float] | None = None
    style: Literal["line", "area", "stacked", "bars"] = "line"
    thresholds: Annotated[tuple[Threshold, ...], Meta(max_length=8)] = ()
    bands: Annotated[tuple[Band, ...], Meta(max_length=8)] = ()
    unit: Unit = ""


class Heatmap(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="heatmap"):
    """A row for each value of the question's ``by``, the darker the more."""

    rows: PanelQuestion
    measures: Annotated[str, Meta(max_length=200)] = ""


class Table(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="table"):
    """A row for each value of the dimension ``by``, the largest of the first column first; ``head`` is its title."""

    by: Token
    head: Title
    columns: Annotated[tuple[Column, ...], Meta(min_length=1, max_length=MAX_QUESTIONS)]


class Bar(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="bar"):
    """The values of the question's ``by`` as bars, the ``top`` largest first."""

    bars: PanelQuestion
    top: Annotated[int, Meta(ge=1, le=MAX_BARS)] = 10
    unit: Unit = ""


class Pie(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="pie"):
    """What each value of the question's ``by`` is of the whole: as a ring, or as areas (``treemap``)."""

    parts: PanelQuestion
    style: Literal["ring", "treemap"] = "ring"
    unit: Unit = ""


class TextPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="text"):
    """Words: headings, lists, emphasis, code and links of Markdown. HTML is shown as it is written."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000)]


Words = Annotated[str, Meta(max_length=200)]
Alternatives = Annotated[tuple[Words, ...], Meta(max_length=MAX_VALUES, description="several, of which any is meant")]
Top = Annotated[int, Meta(ge=1, le=50, description="at most so many rows")]


class InsightPanelBase(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What models say about ``metrics``, with ``all_metrics`` about any; without either about what the dashboard shows."""

    metrics: Annotated[tuple[Token, ...], Meta(max_length=MAX_PANELS)] = ()
    all_metrics: bool = False


class EventsPanel(InsightPanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="events"):
    """Anomalies, the newest first: those that are or were at least as grave as ``severity``."""

    severity: Literal["info", "warning", "critical"] = "info"
    top: Top = 20


class IncidentsPanel(
    InsightPanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="incidents"
):
    """Anomalies that began together as one incident: open ones first, then the newest."""

    top: Top = 10


class ForecastScoresPanel(
    InsightPanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="forecast_scores"
):
    """How accurate forecasts were."""


class TracesPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="traces"):
    """Traces with a span that meets all conditions; ``failed``: one that failed, ``root``: the root of its trace.

    Of ``service`` and ``services`` together any is meant, and so of operations and texts. One of ``attributes`` that is a JSON
    list of conditions is met where any of them is."""

    service: Words = ""
    services: Alternatives = ()
    operation: Words = ""
    operations: Alternatives = ()
    failed: bool = False
    root: bool = False
    min_duration_ms: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    text: Words = ""
    texts: Alternatives = ()
    attributes: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=1_024)], ...], Meta(max_length=8)] = ()
    order: Literal["newest", "slowest"] = "newest"
    top: Top = 10


class ErrorsPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="errors"):
    """Kinds of errors, with how often they came; ``text`` is in their titles or places.
    Of ``service`` and ``services`` together any is meant, and so of texts."""

    service: Words = ""
    services: Alternatives = ()
    status: Literal["any", "open", "resolved", "ignored"] = "open"
    text: Words = ""
    texts: Alternatives = ()
    order: Literal["last_seen", "first_seen", "count"] = "last_seen"
    top: Top = 10


class ServiceMapPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="service_map"):
    """Who calls whom; with ``service`` whom it calls and who calls it, with ``services`` what any of them has to do with."""

    service: Words = ""
    services: Alternatives = ()


class Distribution(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All values of a metric of the kind ``distribution``, or those with or without some values of dimensions."""

    metric: Token
    only: Conditions = {}
    without: Conditions = {}


class HistogramPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="histogram"):
    """How the values of a metric are spread over the range of time that is shown; as a ``heatmap`` also when they came."""

    values: Distribution
    style: Literal["bars", "heatmap"] = "bars"
    unit: Unit = ""


MAX_QUERIES = 16
"""As many are answered at once."""

QueryText = Annotated[str, Meta(max_length=2_048)]


class StoredQuery(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A question to stored numbers: an ``aggregate`` of a ``metric``, or an ``expression`` over several (docs/query.md).

    ``only``, ``without`` and ``where`` are conditions on the labels of a ``metric``; an ``expression`` has its own inside. In
    both, ``$name`` after ``=``, ``!=`` or within ``in (…)`` is what was chosen for a variable. ``group_by`` lists labels to
    keep apart; with ``top`` only so many groups, and the rest together as "other". ``name`` is what the legend calls it.
    """

    name: Annotated[str, Meta(max_length=200)] = ""
    metric: Annotated[str, Meta(max_length=128)] = ""
    aggregate: Annotated[str, Meta(max_length=64)] = ""
    expression: QueryText = ""
    only: Conditions = {}
    without: Conditions = {}
    where: QueryText = ""
    group_by: Annotated[tuple[Token, ...], Meta(max_length=3)] = ()
    top: Annotated[int, Meta(ge=1, le=100)] | None = None


class QueryPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="query"):
    """Anything that stored numbers answer, asked over the range that is shown and drawn as ``show`` says.

    ``stat`` is the total of the first query, with those of further ones in words; ``bar``, ``pie`` and ``table`` are of totals,
    too. ``resolution`` is the width of a point; as fits the range without one. ``limits`` are those of a ``stat``.
    """

    queries: Annotated[tuple[StoredQuery, ...], Meta(min_length=1, max_length=MAX_QUERIES)]
    show: Literal["line", "area", "bars", "stacked", "stat", "bar", "pie", "table"] = "line"
    unit: Unit = ""
    resolution: Step | None = None
    thresholds: Annotated[tuple[Threshold, ...], Meta(max_length=8)] = ()
    limits: Limits | None = None


Panel = (
    Stat
    | TimeSeries
    | Heatmap
    | Table
    | Gauge
    | Bar
    | Pie
    | TextPanel
    | EventsPanel
    | IncidentsPanel
    | ForecastScoresPanel
    | TracesPanel
    | ErrorsPanel
    | ServiceMapPanel
    | HistogramPanel
    | QueryPanel
    | ProductPanel
)

INSIGHT_PANELS = (EventsPanel, IncidentsPanel, ForecastScoresPanel)


def questions(panel: Panel) -> Iterator[tuple[str, PanelQuestion]]:
    """Everything that ``panel`` asks, each with its place in the panel, in its order."""
    match panel:
        case Stat():
            yield "value", panel.value
            yield from _numbered("more", panel.more)
        case TimeSeries():
            yield from _numbered("lines", panel.lines)
        case Heatmap():
            yield "rows", panel.rows
        case Gauge():
            yield "value", panel.value
        case Bar():
            yield "bars", panel.bars
        case Pie():
            yield "parts", panel.parts
        case Table():
            for place, column in _numbered("columns", panel.columns):
                yield place, msgspec.structs.replace(column, by=panel.by)
        case _:
            pass  # words, what models say, and what is asked of stored spans, numbers and events: nothing that frames answer


def _numbered(name: str, asked: Iterable[PanelQuestion]) -> Iterator[tuple[str, PanelQuestion]]:
    return ((f"{name}[{index}]", question) for index, question in enumerate(asked))
