"""Conditions of a search for spans as SQL. Pure: the text holds no value that anybody has given, those are parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from analytics.spans.span import SpanKind, Status
from drishti.errors import QueryError
from drishti.messages.traces import TraceFacets, TraceSearch

_CONDITION = re.compile(r"(?P<name>[^=!~<>]+)(?:(?P<op>!=|>=|<=|=|~|>|<)(?P<value>.*))?\Z", re.DOTALL)
_RESOURCE = "resource."
_COMPARED = {">": ">", ">=": ">=", "<": "<", "<=": "<="}


class AttributeCondition(NamedTuple):
    """``op`` is empty where the attribute need only be there."""

    name: str
    op: str
    value: str
    of_resource: bool


class Conditions:
    """Parts of a WHERE clause over ``all_spans AS s``, and the parameters that they name."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.parameters: list[Any] = []

    def parameter(self, value: Any) -> str:
        """The name of a new parameter."""
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def add(self, part: str) -> None:
        self.parts.append(part)

    @property
    def where(self) -> str:
        return " AND ".join(self.parts)


def conditions(asked: TraceSearch | TraceFacets, operations: Sequence[int]) -> Conditions:
    """All conditions but those on time; raises :class:`QueryError` for an attribute condition that is none."""
    found = Conditions()
    found.add(f"s.operation = ANY ({found.parameter(list(operations))}::bigint[])")
    if asked.min_duration_ms is not None:
        found.add(f"s.duration_ns >= {found.parameter(round(asked.min_duration_ms * 1e6))}::bigint")
    if asked.max_duration_ms is not None:
        found.add(f"s.duration_ns <= {found.parameter(round(asked.max_duration_ms * 1e6))}::bigint")
    if asked.status is not None:
        found.add(f"s.status = {found.parameter(int(Status[asked.status.upper()]))}::smallint")
    if asked.root:
        found.add("s.parent_id IS NULL")
    for column, value in (("status_code", asked.status_code), ("user_id", asked.user_id), ("session_id", asked.session_id)):
        if value not in (None, ""):
            found.add(f"s.{column} = {found.parameter(value)}")
    if asked.text:
        pattern = found.parameter(f"%{escaped(asked.text)}%")
        found.add(f"(s.more::text ILIKE {pattern} OR s.error_type ILIKE {pattern})")
    for place, text in enumerate(asked.attribute):
        field = f"attribute.{place}"
        _add_attribute(found, attribute_condition(text, field), asked.tenant, field)
    return found


def kind_of(asked: TraceSearch | TraceFacets) -> int | None:
    return None if asked.kind is None else int(SpanKind[asked.kind.upper()])


def attribute_condition(text: str, field: str) -> AttributeCondition:
    """``http.route=/cart`` and the like; raises :class:`QueryError` naming ``field``."""
    match = _CONDITION.match(text)
    name = match["name"].strip() if match else ""
    if match is None or not name:
        raise QueryError("must be name=value, name!=value, name~part, name>number or a name", field=field)
    of_resource = name.startswith(_RESOURCE)
    return AttributeCondition(name.removeprefix(_RESOURCE), match["op"] or "", (match["value"] or "").strip(), of_resource)


def escaped(text: str) -> str:
    """``text`` as a part of a pattern of LIKE that stands for itself."""
    return re.sub(r"([\\%_])", r"\\\1", text.replace("\0", ""))


def instant(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _add_attribute(found: Conditions, condition: AttributeCondition, tenant: str, field: str) -> None:
    """An attribute of the span lies with its row, or with those that it has in common with others."""
    if condition.op == "!=":
        found.add(f"NOT ({_either(found, condition._replace(op='='), tenant, field)})")
        return
    found.add(_either(found, condition, tenant, field))


def _either(found: Conditions, condition: AttributeCondition, tenant: str, field: str) -> str:
    if condition.of_resource:
        part = _part(found, condition, "r.attributes", field)
        return f"s.resource = ANY (ARRAY(SELECT r.id FROM span_resources AS r WHERE {part}))"  # noqa: S608
    own = _part(found, condition, "s.attributes", field)
    common = _part(found, condition, "c.attributes", field)
    of = found.parameter(tenant)
    shared = f"SELECT c.id FROM span_attributes AS c WHERE c.tenant = {of} AND {common}"  # noqa: S608
    return f"(coalesce({own}, false) OR s.common = ANY (ARRAY({shared})))"


def _part(found: Conditions, condition: AttributeCondition, column: str, field: str) -> str:
    name = found.parameter(condition.name.replace("\0", ""))
    value = f"({column} ->> {name}::text)"
    match condition.op:
        case "":
            return f"{column} ? {name}::text"
        case "=":
            return f"{value} = {found.parameter(condition.value.replace(chr(0), ''))}::text"
        case "~":
            return f"{value} ILIKE {found.parameter(f'%{escaped(condition.value)}%')}::text"
    try:
        number = float(condition.value)
    except ValueError:
        raise QueryError(f"{condition.value[:40]!r} is no number", field=field) from None
    compared = f"{value}::float8 {_COMPARED[condition.op]} {found.parameter(number)}::float8"
    return f"CASE WHEN jsonb_typeof({column} -> {name}::text) = 'number' THEN {compared} ELSE false END"
