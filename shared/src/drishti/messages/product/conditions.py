"""Conditions on properties of events, in questions about users. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=1024)]
Name = Annotated[str, Meta(min_length=1, max_length=205)]
Values = Annotated[list[Text], Meta(max_length=100)]
PropertyOp = Literal["=", "!=", "in", "prefix", "exists", "<", "<=", ">", ">="]


class PropertyCondition(Struct, omit_defaults=True, kw_only=True):
    """A condition on a property of an event: a key of its `data`, or its `service` or `version`. ``value`` of all operators but
    ``in``, which has ``values``, and ``exists``, which has none. An event without the property meets only ``!=``."""

    property: Name
    op: PropertyOp = "="
    value: Text = ""
    values: Values = []
