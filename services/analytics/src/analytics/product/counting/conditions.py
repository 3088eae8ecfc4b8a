"""Conditions on what segments have of events. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.segments.event_rows import FIELDS, MAX_TEXT
from analytics.product.segments.segment import OF_ACCOUNT, OF_USER, PROPERTY, Column, Ints, Segment
from drishti.messages.product.cohorts import COHORT

Op = Literal["=", "!=", "in", "prefix", "exists", "<", "<=", ">", ">="]

Bools = NDArray[np.bool_]

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Condition(NamedTuple):
    """A condition on a column. ``=``, ``!=`` and ``in`` compare texts with texts, and numbers with what the text says as a
    number; ``<`` and the like compare numbers alone. An event without the value meets only ``!=``."""

    column: str
    op: Op
    values: tuple[str, ...] = ()


def column_of(name: str) -> str:
    """The column of what people call ``name``: a field of the event, whether the user is in a cohort, a property of the user or
    their account, or a key of its ``data``."""
    return name if name in FIELDS or name.startswith((PROPERTY, COHORT, OF_USER, OF_ACCOUNT)) else PROPERTY + name


def number_of(text: str) -> float | None:
    """What ``text`` is as a finite number; ``None``: it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def met(segment: Segment, at: Ints, condition: Condition) -> Bools:
    """Whether each of the rows ``at`` meets ``condition``."""
    column = segment.columns.get(condition.column)
    if condition.op == "!=":
        return ~_equal(column, at, condition.values)
    if condition.op in ("=", "in"):
        return _equal(column, at, condition.values)
    found = np.zeros(len(at), np.bool_)
    if column is None:
        return found
    if condition.op == "exists":
        found = column.codes[at] > 0
        return found if column.numbers is None else found | ~np.isnan(column.numbers[at])
    if condition.op == "prefix":
        wanted = condition.values[0][:MAX_TEXT]
        return _of_texts(column, at, lambda value: value.startswith(wanted))
    bound = number_of(condition.values[0])
    if column.numbers is None or bound is None:
        return found
    compared: Bools = _ORDER[condition.op](column.numbers[at], bound)  # NaN is never less nor more
    return compared


def _equal(column: Column | None, at: Ints, values: tuple[str, ...]) -> Bools:
    if column is None:
        return np.zeros(len(at), np.bool_)
    wanted = {value[:MAX_TEXT] for value in values}
    found = _of_texts(column, at, wanted.__contains__)
    if column.numbers is not None:
        numbers = [number for value in values if (number := number_of(value)) is not None]
        found |= np.isin(column.numbers[at], numbers)
    return found


def _of_texts(column: Column, at: Ints, is_wanted: Callable[[str], bool]) -> Bools:
    lut = np.array([False, *map(is_wanted, column.values)], np.bool_)
    return lut[column.codes[at]]
