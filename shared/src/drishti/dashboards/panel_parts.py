"""What panels are made of: questions of metrics, layouts, limits and the types of their fields. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import Token

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

MAX_VALUES = 50
"""Of one condition."""

Value = Annotated[str, Meta(min_length=1, max_length=256)]
Conditions = Annotated[
    dict[Token, Value | Annotated[tuple[Value, ...], Meta(min_length=1, max_length=MAX_VALUES)]],
    Meta(max_length=3, description="by dimension: one value of it, or several"),
]


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
