"""Conditions on properties of events, in questions about users. Pure."""

from __future__ import annotations

import math
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


ORDERED: tuple[PropertyOp, ...] = ("<", "<=", ">", ">=")
"""Operators that compare numbers."""


def wrong_comparison(condition: PropertyCondition) -> tuple[str, str] | None:
    """The field of a condition that its operator has no use for or cannot take, and why."""
    op = condition.op
    if op == "in":
        return None if condition.values else ("values", "must be a list of at least one value")
    if condition.values:
        return "values", f"is for the operator `in` only; `{op}` compares with `value`"
    if op == "exists" and condition.value:
        return "value", "`exists` compares with nothing: leave it out"
    if op in ORDERED and not _is_number(condition.value):
        return "value", f"must be a number: `{op}` compares numbers"
    return None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
