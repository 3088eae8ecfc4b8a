"""Conditions of a search for spans as SQL. Pure: the text holds no value that anybody has given, those are parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from analytics.spans.span import SpanKind, Status
from drishti.errors import QueryError
from drishti.messages.attribute_alternatives import alternatives_of
from drishti.messages.field_types import any_of
from drishti.messages.traces import MAX_ATTRIBUTE_CONDITIONS, SpanConditions

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
        return " AND ".join(f"({part})" for part in self.parts)


class Resolved(NamedTuple):
    """A condition on an attribute, and the sets of common attributes that meet it, or the resources."""

    condition: AttributeCondition
    ids: Sequence[int]


def conditions(asked: SpanConditions, operations: Sequence[int], attributes: Sequence[Sequence[Resolved]]) -> Conditions:
    """All conditions but those on time; of each of ``attributes`` any is to be met."""
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
    if texts := any_of(asked.text, asked.texts):
        patterns = f"ANY ({found.parameter([f'%{escaped(text)}%' for text in texts])}::text[])"
        found.add(f"(s.more::text ILIKE {patterns} OR s.error_type ILIKE {patterns})")
    for alternatives in attributes:
        found.add(" OR ".join(_met(found, one) for one in alternatives))
    return found


def copy(matching: Conditions) -> Conditions:
    """The same conditions, to which more can be added."""
    copied = Conditions()
    copied.parts, copied.parameters = list(matching.parts), list(matching.parameters)
    return copied


def kind_of(asked: SpanConditions) -> int | None:
    return None if asked.kind is None else int(SpanKind[asked.kind.upper()])


def attribute_condition(text: str, field: str) -> AttributeCondition:
    """``http.route=/cart`` and the like; raises :class:`QueryError` naming ``field``."""
    match = _CONDITION.match(text)
    name = match["name"].strip() if match else ""
    if match is None or not name:
        raise QueryError("must be name=value, name!=value, name~part, name>number or a name", field=field)
    op, value = match["op"] or "", (match["value"] or "").strip().replace("\0", "")
    if op in _COMPARED:
        try:
            float(value)
        except ValueError:
            raise QueryError(f"{value[:40]!r} is no number", field=field) from None
    return AttributeCondition(name.removeprefix(_RESOURCE).replace("\0", ""), op, value, name.startswith(_RESOURCE))


def escaped(text: str) -> str:
    """``text`` as a part of a pattern of LIKE that stands for itself."""
    return re.sub(r"([\\%_])", r"\\\1", text.replace("\0", ""))


def instant(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def attribute_conditions(asked: SpanConditions) -> list[list[AttributeCondition]]:
    """Those of the question: all of the outer list, of each inner one any. Raises :class:`QueryError` for one that is none."""
    found = [[attribute_condition(text, f"attribute.{place}")] for place, text in enumerate(asked.attribute)]
    for place, text in enumerate(asked.any_attribute):
        field = f"any_attribute.{place}"
        alternatives = alternatives_of(text)
        if alternatives is None:
            raise QueryError('must be a JSON list of conditions, such as ["size=1", "size=2"]', field=field)
        found.append([attribute_condition(one, field) for one in alternatives])
        if sum(map(len, found)) > MAX_ATTRIBUTE_CONDITIONS:
            raise QueryError(f"more than {MAX_ATTRIBUTE_CONDITIONS} conditions on attributes", field=field)
    return found


def ids_statement(condition: AttributeCondition, tenant: str) -> tuple[str, list[Any]]:
    """The statement that gives the resources, or the sets of common attributes, that meet a condition (``!=``: that have the
    value), with its parameters."""
    found = Conditions()
    if condition.of_resource:
        return f"SELECT r.id FROM span_resources AS r WHERE {_part(found, condition, 'r.attributes')}", found.parameters  # noqa: S608
    of = found.parameter(tenant)
    part = _part(found, condition, "c.attributes")
    return f"SELECT c.id FROM span_attributes AS c WHERE c.tenant = {of} AND {part}", found.parameters  # noqa: S608


def _met(found: Conditions, one: Resolved) -> str:
    return f"NOT ({_has(found, one)})" if one.condition.op == "!=" else f"({_has(found, one)})"


def _has(found: Conditions, one: Resolved) -> str:
    """Whether the span has an attribute as the condition says (``!=``: with its value). It lies with its row, or with those
    that the span has in common with others."""
    condition, ids = one
    if condition.of_resource:
        return f"s.resource = ANY ({found.parameter(list(ids))}::bigint[])"
    own = _contained(found, condition) if condition.op in ("=", "!=") else _part(found, condition, "s.attributes")
    if not ids:  # then the index of own attributes finds it
        return f"coalesce({own}, false)" if condition.op == "!=" else own
    return f"(coalesce({own}, false) OR s.common = ANY ({found.parameter(list(ids))}::bigint[]))"


def _contained(found: Conditions, condition: AttributeCondition) -> str:
    """Equality as the index of own attributes takes it: of the text, and of the number or truth value that it may stand for, or
    of one of the items of a list; a list or an object is wanted as a whole."""
    meant = _meant(condition.value)
    values: list[Any] = [condition.value, [condition.value]]
    if isinstance(meant, bool | int | float):
        values += [meant, [meant]]
    parts = [f"s.attributes @> {found.parameter(_json({condition.name: value}))}::text::jsonb" for value in values]
    if isinstance(meant, list | dict):
        of = found.parameter(condition.name)
        contained = f"s.attributes @> {found.parameter(_json({condition.name: meant}))}::text::jsonb"
        parts.append(f"({contained} AND s.attributes -> {of}::text = {found.parameter(_json(meant))}::text::jsonb)")
    return "(" + " OR ".join(parts) + ")"


def _meant(value: str) -> Any:
    """What a text is as JSON; ``None`` where it is no JSON."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _part(found: Conditions, condition: AttributeCondition, column: str) -> str:
    name = found.parameter(condition.name)
    value = f"({column} ->> {name}::text)"
    match condition.op:
        case "":
            return f"{column} ? {name}::text"
        case "=" | "!=":
            item = f"{column} -> {name}::text"
            parts = [f"{value} = {found.parameter(condition.value)}::text"]
            parts.append(f"{item} @> to_jsonb({found.parameter(condition.value)}::text)")
            meant = _meant(condition.value)
            if isinstance(meant, bool | int | float):
                parts.append(f"{item} @> {found.parameter(_json(meant))}::text::jsonb")
            elif isinstance(meant, list | dict):
                parts.append(f"{item} = {found.parameter(_json(meant))}::text::jsonb")
            return "(" + " OR ".join(parts) + ")"
        case "~":
            return f"{value} ILIKE {found.parameter(f'%{escaped(condition.value)}%')}::text"
    compared = f"{value}::float8 {_COMPARED[condition.op]} {found.parameter(float(condition.value))}::float8"
    return f"CASE WHEN jsonb_typeof({column} -> {name}::text) = 'number' THEN {compared} ELSE false END"
