"""What a dashboard is: a document of panels, each of which asks questions of the tenant's metrics. Pure.

Page, frames and API read the same document, so nothing about a dashboard is said anywhere else. A question is one field of one
metric (:mod:`drishti.measures.fields`), for all of it or for each value of a dimension:

    name: checkout
    title: Checkout
    panels:
      - kind: stat
        title: Orders
        value: {metric: orders, field: rate}
      - kind: time_series
        title: Orders by shop
        lines:
          - {metric: orders, field: rate, name: all}
          - {metric: orders, field: rate, by: shop}

``schema`` is the version of this form. A change that old documents do not fit gets the next number and a migration in
:data:`MIGRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.messages.field_types import Step, Token

SCHEMA = 1

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By the version that it begins with: what makes of a document one of the version after it."""

MAX_PANELS = 100
MAX_QUESTIONS = 20
"""Of one panel."""

OVER_S = 10
"""A mean this short follows a change at once and still does not jump with every request."""

Span = Literal["1h", "24h"]
Title = Annotated[str, Meta(min_length=1, max_length=300)]
Text = Annotated[str, Meta(max_length=2_000)]
Field = Annotated[str, Meta(min_length=1, max_length=64, description="a field of the metric: count, rate, avg, p95, …")]
Unit = Annotated[
    str, Meta(max_length=32, description="a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR")
]
Number = Annotated[float, Meta(ge=-1e300, le=1e300)]

MAX_VARIABLES = 8

MAX_VALUES = 50
"""Of one condition."""

Value = Annotated[str, Meta(min_length=1, max_length=256)]
Conditions = Annotated[
    dict[Token, Value | Annotated[tuple[Value, ...], Meta(min_length=1, max_length=MAX_VALUES)]],
    Meta(max_length=3, description="by dimension: one value of it, or several"),
]

MAX_BARS = 16
"""As many series of one dimension are kept live."""


class PanelQuestion(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One field of one metric: of all of it, or where ``by`` names a dimension, for each of its values.

    ``only`` are the values of dimensions that it is of, ``without`` those that are left out: ``only: {service: web}``,
    ``without: {status: ["500", "503"]}``.

    With ``by`` the number of all of it is in the frames too, but for ``total: false``, where it would say nothing. A number
    "now" is computed over the last ``over_s`` seconds, or with ``span`` added over the clock hours (UTC) of it; a line has a
    point each ``resolution``.
    """

    metric: Token
    field: Field
    by: Token | None = None
    only: Conditions = {}
    without: Conditions = {}
    total: bool = True
    resolution: Literal["1s", "1m"] = "1s"
    over_s: Annotated[int, Meta(ge=1, le=3_600)] = OVER_S
    span: Span | None = None


class Line(PanelQuestion, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lines of a chart. ``name`` is what the legend calls the line of all of it."""

    name: Annotated[str, Meta(max_length=200)] = ""


class Remark(PanelQuestion, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A further number in words: ``text`` is what is said behind it."""

    text: Title


class Column(PanelQuestion, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A column of a table, whose dimension is ``by``."""

    title: Title


GRID_COLUMNS = 12
"""Of the grid on which panels stand, on every width of the page."""

Columns = Annotated[int, Meta(ge=1, le=GRID_COLUMNS, description="of 12")]
Rows = Annotated[int, Meta(ge=1, le=24, description="76 px each, 12 px apart")]


class WidthLayout(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The size of a panel on narrower pages. ``hidden``: it is not shown there."""

    columns: Columns | None = None
    rows: Rows | None = None
    hidden: bool = False


class Layout(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The size of a panel on a grid of 12 columns, on which panels stand in their order, each at the first place with room.

    Without ``columns`` it is as wide as its kind usually is and takes free columns beside it; without ``rows`` it is as high
    as its content needs. ``x`` is the column at which it begins, 0 being the first. ``tablet`` is for pages of 721 to 1180 px,
    ``phone`` for narrower ones, on which panels are one below the other, or two of at most 6 columns side by side.
    """

    columns: Columns | None = None
    rows: Rows | None = None
    x: Annotated[int, Meta(ge=0, lt=GRID_COLUMNS)] | None = None
    tablet: WidthLayout | None = None
    phone: WidthLayout | None = None


class PanelBase(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every panel has. ``id`` names it within its dashboard; without one it follows from the title.

    Where no panel of a dashboard has a ``layout``, the page arranges them by their kinds.
    """

    id: Token | None = None
    title: Title
    description: Text = ""
    layout: Layout | None = None


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """From where on a number is good, a warning and bad, in the metric's own unit (a share: 0 to 1), as a KPI has them.

    ``direction`` is where better lies. Every limit may be left out.
    """

    direction: Literal["up", "down"] = "up"
    target: Number | None = None
    warn: Number | None = None
    bad: Number | None = None


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


class Threshold(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line over the whole width of a chart at ``value``, in the metric's own unit, with the word that is said at it."""

    value: Number
    word: Annotated[str, Meta(min_length=1, max_length=40)]
    tone: Literal["good", "warn", "bad"] = "warn"


class Band(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A coloured range of values, in the metric's own unit: from ``lower`` to ``upper``, or from one of them on."""

    lower: Number | None = None
    upper: Number | None = None
    word: Annotated[str, Meta(min_length=1, max_length=40)]
    tone: Literal["good", "warn", "bad"] = "good"


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
)

INSIGHT_PANELS = (EventsPanel, IncidentsPanel, ForecastScoresPanel)


class Variable(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something to choose above the panels: a value of ``dimension``, as ``metric`` has them, or ``several`` at once.

    Questions name it as ``$name`` (``only: {model: $model}``), titles too. Where nothing is chosen and there is no ``default``,
    they are of all values.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="a-z, 0-9 and _; begins with a letter")]
    title: Annotated[str, Meta(max_length=100)] = ""
    metric: Token
    dimension: Token
    default: Annotated[tuple[Value, ...], Meta(max_length=MAX_VALUES)] = ()
    several: bool = False


class DashboardDocument(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A dashboard. ``feed`` are questions that no panel shows, whose numbers are in the frames for programs."""

    schema: int = SCHEMA
    name: Token
    title: Title
    description: Text = ""
    variables: Annotated[tuple[Variable, ...], Meta(max_length=MAX_VARIABLES)] = ()
    panels: Annotated[tuple[Panel, ...], Meta(max_length=MAX_PANELS)] = ()
    feed: Annotated[tuple[PanelQuestion, ...], Meta(max_length=MAX_PANELS)] = ()


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
            pass  # words, what models say, and what is asked of stored spans and numbers: nothing that frames answer


def _numbered(name: str, asked: Iterable[PanelQuestion]) -> Iterator[tuple[str, PanelQuestion]]:
    return ((f"{name}[{index}]", question) for index, question in enumerate(asked))
