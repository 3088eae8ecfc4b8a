"""The statement that counts rows of events as :mod:`.extractors` counts events, for several metrics in one read. Pure.

How this works
--------------
The rows are read once, and each property is taken out of a row once. Of each row and metric it is said whether the metric takes
it, and what; then rows are grouped by window and dimensions, and added up. Metrics that are nothing but numbers, counters and
gauges, stay in PostgreSQL: their groups go into the table ``counted_groups`` of this session, from which their cells are made
(``queries/event_metrics.sql``). What depends on arithmetic that only Python does in the same way, histograms and distinct
counts, comes as the values themselves, packed, in one field of each group.

The text is composed of the fixed fragments below and of numbered parameters; no name and no value that a definition holds is
ever part of it. Fragments never give null where a truth value is wanted: what is absent meets no comparison. Parameters have
the types in which they are compared, so that none is converted again for each row.

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
WITH taken AS (
    SELECT date_bin('{width}', time, '2000-01-01 00:00:00+00') AS at, count(*) AS rows{dimensions}, {results}
    FROM ({rows}) AS observed
    GROUP BY 1{places}
){kept}
SELECT {answer} FROM taken
"""
_ROWS = """
        SELECT time{columns}
        FROM events
        WHERE time >= {starts} AND time < {ends} AND tenant = {tenant} AND event_type = {event}
          AND age(xmin) > (SELECT age({cut}::xid8::xid))
        OFFSET 0
"""
_OBSERVED = "SELECT time{columns} FROM ({rows}) AS properties OFFSET 0"
"""Each row with what metrics take from it, where that is used more than once."""

_KEPT = """, kept AS (
    INSERT INTO counted_groups (at, labels, counts, sums, least, most)
    SELECT at, {labels}, ARRAY[{counts}]::bigint[], ARRAY[{sums}]::float8[], ARRAY[{least}]::float8[], ARRAY[{most}]::float8[]
    FROM taken
)"""

NUMBERS = frozenset({Kind.COUNTER, Kind.GAUGE})
"""Kinds of metrics whose cells are nothing but numbers."""


class _Parameters:
    """Parameters in order, each once; ``sort`` is the type of PostgreSQL."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[tuple[str, str], str] = {}

    def add(self, value: Any, sort: str) -> str:
        known = self._places.get((sort, repr(value)))
        if known is None:
            self.values.append(value)
            known = self._places[sort, repr(value)] = f"${len(self.values)}::{sort}"
        return known


class _Properties:
    """The properties that are taken out of each row, as JSON; null where a row has none of the name."""

    def __init__(self, parameters: _Parameters) -> None:
        self.columns: dict[str, str] = {}
        self.parameters = parameters

    def __getitem__(self, name: str) -> str:
        if NUL in name:
            return "(NULL::jsonb)"
        key = self.parameters.add(name, "text")
        taken = f"data -> {key}"
        if name in OWN:
            taken = f"CASE WHEN data ? {key} THEN {taken} ELSE to_jsonb({name}) END"
        return self.columns.setdefault(taken, f"p{len(self.columns)}")


def dimensions_of(counted: Counted, source: EventSource) -> tuple[str, ...]:
    """The properties that labels are taken from, in the order of the definition's dimensions."""
    return tuple(source.dimensions.get(name, name) for name in counted.definition.dimensions)


def is_number(counted: Counted) -> bool:
    """Whether the cells of a metric are made in PostgreSQL."""
    return counted.definition.kind in NUMBERS


def statement(
    counted: Sequence[tuple[Counted, EventSource]], *, resolution: str, starts: Any, ends: Any, cut: str
) -> tuple[str, list[Any]]:
    """The text and its parameters. All of ``counted`` have the tenant, type of event and properties of labels in common.

    Those that are numbers are added to ``counted_groups``: a row for each window ``at`` of ``resolution`` with some ``labels``,
    an array of JSON where null is no label. The place of a metric in ``counted`` is its place in the arrays, from 1.

    The answer says how many ``rows`` were read, and how many ``groups`` they come to. Where there are metrics of other kinds,
    it has a row for each group instead: ``at``, ``rows``, the labels ``d0``, ``d1`` … as JSON, ``None`` where it is no label;
    and of such a metric ``k``, ``c{k}`` observations, and ``s{k}`` (sum), ``l{k}`` and ``m{k}`` (least and most), ``v{k}``
    (values, each eight bytes, big-endian) or ``i{k}`` (a list of items, each as JSON).
    """
    parameters = _Parameters()
    properties = _Properties(parameters)
    first, source = counted[0]
    observed: list[str] = []
    results: list[str] = []
    wanted = ["at", "rows"]
    kept: list[tuple[str, str, str, str]] = []
    dimensions = dimensions_of(first, source)
    for place, name in enumerate(dimensions):
        observed.append(f"{_scalar(properties[name])} AS d{place}")
        wanted.append(f"d{place}")
    for number, (one, source) in enumerate(counted):
        condition = parse_condition(source.where) if source.where else None
        meets = "true" if condition is None else _predicate(condition, properties)
        c, s, least, most, t = (f"{letter}{number}" for letter in "cslmt")
        if source.unique:
            observed.append(f"CASE WHEN {meets} THEN {_scalar(properties[source.unique])} END AS {t}")
            results += [f"count({t}) AS {c}", f"array_agg({t}) FILTER (WHERE {t} IS NOT NULL) AS i{number}"]
            wanted += [c, f"i{number}"]
        elif source.value:
            observed.append(f"CASE WHEN {meets} THEN {_measured(properties[source.value])} END AS {t}")
            results += [f"count({t}) AS {c}", f"sum({t}) AS {s}"]
            if one.definition.kind is not Kind.COUNTER:
                results += [f"min({t}) AS {least}", f"max({t}) AS {most}"]
            if one.definition.kind is Kind.DISTRIBUTION:
                results.append(f"string_agg(float8send({t}), '') AS v{number}")
                wanted += [c, s, least, most, f"v{number}"]
        else:
            results.append(f"count(*) FILTER (WHERE {meets}) AS {c}" if condition is not None else f"count(*) AS {c}")
        ranged = one.definition.kind is Kind.GAUGE
        kept.append(
            (c, s if source.value else c, least if ranged else "NULL", most if ranged else "NULL")
            if is_number(one)
            else ("NULL", "NULL", "NULL", "NULL")
        )
    numbers = [is_number(one) for one, _ in counted]
    rows = _ROWS.format(
        columns="".join(f", {taken} AS {name}" for taken, name in properties.columns.items()),
        starts=parameters.add(starts, "timestamptz"),
        ends=parameters.add(ends, "timestamptz"),
        tenant=parameters.add(first.tenant, "text"),
        event=parameters.add(source.event, "text"),
        cut=parameters.add(cut, "text"),
    )
    if observed:
        columns = observed + list(properties.columns.values())
        rows = _OBSERVED.format(columns="".join(f", {column}" for column in columns), rows=rows)
    counts, sums, leasts, mosts = (", ".join(column) for column in zip(*kept, strict=True))
    labels = f"jsonb_build_array({', '.join(f'd{place}' for place in range(len(dimensions)))})"
    text = _STATEMENT.format(
        width=_WIDTHS[resolution],
        dimensions="".join(f", d{place}" for place in range(len(dimensions))),
        places="".join(f", {place + 3}" for place in range(len(dimensions))),
        results=", ".join(results),
        rows=rows,
        kept=_KEPT.format(labels=labels, counts=counts, sums=sums, least=leasts, most=mosts) if any(numbers) else "",
        answer="coalesce(sum(rows), 0)::bigint AS rows, count(*) AS groups" if all(numbers) else ", ".join(wanted),
    )
    return text, parameters.values


def _scalar(value: str) -> str:
    """``value`` where it is a text, a number or a truth value."""
    return f"(CASE WHEN jsonb_typeof({value}) IN ('string', 'number', 'boolean') THEN {value} END)"


def _measured(value: str) -> str:
    """``value`` as :func:`analytics.rollup.observations.number` takes it."""
    return (
        f"(CASE jsonb_typeof({value}) WHEN 'number' THEN "
        f"CASE WHEN abs(({value})::numeric) <= {_MEASURED} THEN ({value})::float8 END END)"
    )


def _predicate(condition: Condition, properties: _Properties) -> str:
    """What :func:`drishti.measures.expressions.tree.matches` says, in SQL: true or false, never null."""
    if isinstance(condition, Both):
        return f"({_predicate(condition.left, properties)} AND {_predicate(condition.right, properties)})"
    if isinstance(condition, Either):
        return f"({_predicate(condition.left, properties)} OR {_predicate(condition.right, properties)})"
    if isinstance(condition, Not):
        return f"(NOT {_predicate(condition.condition, properties)})"
    if isinstance(condition, Exists):
        return f"coalesce(jsonb_typeof({properties[condition.name]}) <> 'null', false)"
    if isinstance(condition, Prefix):
        if NUL in condition.text:
            return "false"
        if not condition.text:
            return "true"
        value = properties[condition.name]
        return _of_type(
            "string", value, f"starts_with(({value}) #>> '{{}}', {properties.parameters.add(condition.text, 'text')})"
        )
    if isinstance(condition, Member):
        return f"({' OR '.join(_equal(condition.name, value, properties) for value in condition.values) or 'false'})"
    if condition.operator in ("=", "!="):
        equal = _equal(condition.name, condition.value, properties)
        return equal if condition.operator == "=" else f"(NOT {equal})"
    return _ordered(condition, properties)


def _equal(name: str, value: Literals, properties: _Properties) -> str:
    if NUL in name or (isinstance(value, str) and NUL in value):
        return "false"
    if not isinstance(value, str | bool) and abs(value) >= EXACT:
        return _ordered(Compare(name, "=", value), properties)
    return f"coalesce({properties[name]} = {properties.parameters.add(_json(value), 'jsonb')}, false)"


def _ordered(condition: Compare, properties: _Properties) -> str:
    value, other = properties[condition.name], condition.value
    if isinstance(other, bool):
        truth = "true" if other else "false"
        return _of_type("boolean", value, f"({value})::boolean {condition.operator} {truth}")
    if isinstance(other, str):
        head, cut, _ = other.partition(NUL)
        operator = condition.operator if not cut else "<=" if condition.operator in ("<", "<=") else ">"
        return _of_type(
            "string", value, f"(({value}) #>> '{{}}') COLLATE \"C\" {operator} {properties.parameters.add(head, 'text')}"
        )
    if abs(other) < EXACT:
        number = properties.parameters.add(Decimal(repr(other)), "numeric")
        return _of_type("number", value, f"{value}::numeric {condition.operator} {number}")
    as_float = (
        f"(CASE WHEN ({value})::numeric >= {FURTHEST} THEN '{FURTHEST}'::float8 "
        f"WHEN ({value})::numeric <= -{FURTHEST} THEN '-{FURTHEST}'::float8 ELSE ({value})::float8 END)"
    )
    number = properties.parameters.add(max(-FURTHEST, min(FURTHEST, other)), "float8")
    return _of_type("number", value, f"{as_float} {condition.operator} {number}")


def _of_type(sort: str, value: str, predicate: str) -> str:
    return f"coalesce(CASE jsonb_typeof({value}) WHEN '{sort}' THEN {predicate} END, false)"


def _json(value: Literals) -> str:
    """``value`` as JSON that the column takes."""
    return json.dumps(value) if isinstance(value, str | bool) else str(Decimal(repr(value)))
