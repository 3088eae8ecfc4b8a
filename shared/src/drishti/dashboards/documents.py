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

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from drishti.dashboards.panel_parts import MAX_VALUES, PanelQuestion, Text, Title, Value
from drishti.dashboards.panels import MAX_PANELS, Panel
from drishti.messages.field_types import Token

SCHEMA = 1

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By the version that it begins with: what makes of a document one of the version after it."""

MAX_VARIABLES = 8


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
