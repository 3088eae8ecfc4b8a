"""The statement that counts rows of events as :mod:`.extractors` counts events, for several metrics in one read. Pure.

How this works
--------------
The rows are read once. An inner query says of each row and metric whether the metric takes it, and what; the outer one groups
by window and dimensions, and adds up. What depends on arithmetic that only Python does in the same way, histograms and distinct
counts, comes as the values themselves, packed, in one field of each group.

The text is composed of the fixed fragments below and of numbered parameters; no name and no value that a definition holds is
ever part of it. Fragments never give null where a truth value is wanted: what is absent meets no comparison.

Numbers are compared as 64-bit floats. The column holds each as the shortest decimal that names it, or as an integer; such
decimals are ordered as the floats are, up to :data:`EXACT`. What is compared with a larger number is converted first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from analytics.event_metrics.columns import OWN
from analytics.event_metrics.extractors import Counted
from analytics.rollup.observations import LARGEST
from drishti.measures.definitions import EventSource, Kind
from drishti.measures.expressions.parser import parse_condition
from drishti.measures.expressions.tree import (
    FURTHEST,
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    Literals,
    Member,
    Not,
    Prefix,
)

EXACT = 2.0**53
"""Below it, either way, every integer is a float."""

_MIDDLE = (int(LARGEST) + int(math.nextafter(LARGEST, math.inf))) // 2
_MEASURED = _MIDDLE if float(_MIDDLE) <= LARGEST else _MIDDLE - 1
"""The largest integer whose float is not beyond :data:`LARGEST`."""

NUL = "\0"
"""In no text of the column, and in no parameter."""

_WIDTHS = {"1s": "1 second", "1m": "1 minute", "1h": "1 hour"}

_STATEMENT = """
SELECT date_bin('{width}', time, '2000-01-01 00:00:00+00') AS at, count(*) AS rows{dimensions}, {results}
FROM (
    SELECT time{columns}
    FROM events
    WHERE time >= {starts} AND time < {ends} AND tenant = {tenant} AND event_type = {event}
      AND age(xmin) > age({cut}::text::xid8::xid)
    OFFSET 0
) AS taken
GROUP BY 1{places}
"""


class _Parameters:
    """Parameters in order, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def text(self, value: str) -> str:
        return self._add(value, "text")

    def other(self, value: Any, sort: str) -> str:
        return self._add(value, sort)

    def _add(self, value: Any, sort: str) -> str:
        for place, there in enumerate(self.values):
            if type(there) is type(value) and there == value:
                return f"${place + 1}::{sort}"
        self.values.append(value)
        return f"${len(self.values)}::{sort}"


def dimensions_of(counted: Counted, source: EventSource) -> tuple[str, ...]:
    """The properties that labels are taken from, in the order of the definition's dimensions."""
    return tuple(source.dimensions.get(name, name) for name in counted.definition.dimensions)


def statement(
    counted: Sequence[tuple[Counted, EventSource]], *, resolution: str, starts: Any, ends: Any, cut: str
) -> tuple[str, list[Any]]:
    """The text and its parameters. All of ``counted`` have the tenant, type of event and properties of labels in common.

    Each row of the answer is a window ``at`` of ``resolution`` with some labels ``d0``, ``d1`` …: as JSON, ``None`` where it is
    no label. ``rows`` were read for it. Of the metric ``k``, ``c{k}`` observations, and by its kind ``s{k}`` (sum), ``l{k}``
    and ``m{k}`` (least and most), ``v{k}`` (values, each eight bytes, big-endian) or ``i{k}`` (a list of items, each as JSON).
    """
    parameters = _Parameters()
    first, source = counted[0]
    columns: list[str] = []
    dimensions = dimensions_of(first, source)
    for place, name in enumerate(dimensions):
        columns.append(f"{_scalar(_property(name, parameters))} AS d{place}")
    results: list[str] = []
    for number, (one, source) in enumerate(counted):
        condition = parse_condition(source.where) if source.where else None
        meets = "true" if condition is None else _predicate(condition, parameters)
        if source.unique:
            item = _scalar(_property(source.unique, parameters))
            columns.append(f"CASE WHEN {meets} THEN {item} END AS t{number}")
            results.append(f"count(t{number}) AS c{number}")
            results.append(f"array_agg(t{number}) FILTER (WHERE t{number} IS NOT NULL) AS i{number}")
        elif source.value:
            measured = _measured(_property(source.value, parameters))
            columns.append(f"CASE WHEN {meets} THEN {measured} END AS t{number}")
            results += [f"count(t{number}) AS c{number}", f"sum(t{number}) AS s{number}"]
            if one.definition.kind is not Kind.COUNTER:
                results += [f"min(t{number}) AS l{number}", f"max(t{number}) AS m{number}"]
            if one.definition.kind is Kind.DISTRIBUTION:
                results.append(f"string_agg(float8send(t{number}), '') AS v{number}")
        elif condition is None:
            results.append(f"count(*) AS c{number}")
        else:
            columns.append(f"{meets} AS t{number}")
            results.append(f"count(*) FILTER (WHERE t{number}) AS c{number}")
    text = _STATEMENT.format(
        width=_WIDTHS[resolution],
        dimensions="".join(f", d{place}" for place in range(len(dimensions))),
        places="".join(f", {place + 3}" for place in range(len(dimensions))),
        results=", ".join(results),
        columns="".join(f", {column}" for column in columns),
        starts=parameters.other(starts, "timestamptz"),
        ends=parameters.other(ends, "timestamptz"),
        tenant=parameters.text(first.tenant),
        event=parameters.text(source.event),
        cut=parameters.text(cut),
    )
    return text, parameters.values


def _property(name: str, parameters: _Parameters) -> str:
    """A property of the row, as JSON; null where there is none."""
    if NUL in name:
        return "(NULL::jsonb)"
    key = parameters.text(name)
    if name in OWN:
        return f"(CASE WHEN data ? {key} THEN data -> {key} ELSE to_jsonb({name}) END)"
    return f"(data -> {key})"


def _scalar(value: str) -> str:
    """``value`` where it is a text, a number or a truth value."""
    return f"(CASE WHEN jsonb_typeof({value}) IN ('string', 'number', 'boolean') THEN {value} END)"


def _measured(value: str) -> str:
    """``value`` as :func:`analytics.rollup.observations.number` takes it."""
    return (
        f"(CASE jsonb_typeof({value}) WHEN 'number' THEN "
        f"CASE WHEN abs(({value})::numeric) <= {_MEASURED} THEN ({value})::float8 END END)"
    )


def _predicate(condition: Condition, parameters: _Parameters) -> str:
    """What :func:`drishti.measures.expressions.tree.matches` says, in SQL: true or false, never null."""
    if isinstance(condition, Both):
        return f"({_predicate(condition.left, parameters)} AND {_predicate(condition.right, parameters)})"
    if isinstance(condition, Either):
        return f"({_predicate(condition.left, parameters)} OR {_predicate(condition.right, parameters)})"
    if isinstance(condition, Not):
        return f"(NOT {_predicate(condition.condition, parameters)})"
    if isinstance(condition, Exists):
        return f"coalesce(jsonb_typeof({_property(condition.name, parameters)}) <> 'null', false)"
    if isinstance(condition, Prefix):
        if NUL in condition.text:
            return "false"
        value = _property(condition.name, parameters)
        return _of_type("string", value, f"starts_with(({value}) #>> '{{}}', {parameters.text(condition.text)})")
    if isinstance(condition, Member):
        return f"({' OR '.join(_equal(condition.name, value, parameters) for value in condition.values) or 'false'})"
    if condition.operator in ("=", "!="):
        equal = _equal(condition.name, condition.value, parameters)
        return equal if condition.operator == "=" else f"(NOT {equal})"
    return _ordered(condition, parameters)


def _equal(name: str, value: Literals, parameters: _Parameters) -> str:
    if NUL in name or (isinstance(value, str) and NUL in value):
        return "false"
    if not isinstance(value, str | bool) and abs(value) >= EXACT:
        return _ordered(Compare(name, "=", value), parameters)
    if name in OWN:
        wanted = parameters.text(_json(value))
        return f"coalesce({_property(name, parameters)} = {wanted}::jsonb, false)"
    contained = parameters.text(f"{{{json.dumps(name)}: {_json(value)}}}")
    return f"coalesce(data @> {contained}::jsonb, false)"


def _ordered(condition: Compare, parameters: _Parameters) -> str:
    value, other = _property(condition.name, parameters), condition.value
    if isinstance(other, bool):
        truth = "true" if other else "false"
        return _of_type("boolean", value, f"({value})::boolean {condition.operator} {truth}")
    if isinstance(other, str):
        head, cut, _ = other.partition(NUL)
        operator = condition.operator if not cut else "<=" if condition.operator in ("<", "<=") else ">"
        return _of_type("string", value, f"(({value}) #>> '{{}}') COLLATE \"C\" {operator} {parameters.text(head)}")
    if abs(other) < EXACT:
        number = parameters.other(Decimal(repr(other)), "numeric")
        return _of_type("number", value, f"({value})::numeric {condition.operator} {number}")
    as_float = (
        f"(CASE WHEN ({value})::numeric >= {FURTHEST} THEN '{FURTHEST}'::float8 "
        f"WHEN ({value})::numeric <= -{FURTHEST} THEN '-{FURTHEST}'::float8 ELSE ({value})::float8 END)"
    )
    number = parameters.other(max(-FURTHEST, min(FURTHEST, other)), "float8")
    return _of_type("number", value, f"{as_float} {condition.operator} {number}")


def _of_type(sort: str, value: str, predicate: str) -> str:
    return f"coalesce(CASE jsonb_typeof({value}) WHEN '{sort}' THEN {predicate} END, false)"


def _json(value: Literals) -> str:
    """``value`` as JSON that the column takes."""
    return json.dumps(value) if isinstance(value, str | bool) else str(Decimal(repr(value)))
