"""Rows of log records as answers: lines, pages, and templates that were merged. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from analytics.logs.merging import merge
from analytics.logs.record import said, severity_name
from analytics.message_templates import template_id, template_of
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.events import encode
from drishti.messages.logs import MAX_IDS, FoundRecord, FoundTemplate

PAGE_BYTES = 700_000
"""Of the records of one answer: it has room for the rest of a message of NATS' default size."""

CUT_CHARACTERS = 2_000
"""Of the body of a record that is larger than a page."""

EXAMPLE_CHARACTERS = 1_000

_CURSOR = re.compile(r"(\d{1,17})\.([0-9a-f]{16})\Z")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_decode = msgspec.json.Decoder().decode

LEAST_ID = -(2**63)


class Position(NamedTuple):
    """Before which record a page begins: ``time_us`` are microseconds since 1970."""

    time_us: int
    id: int


def hexadecimal(number: int) -> str:
    """A signed number of 64 bits, as the answers have it."""
    return f"{number & (2**64 - 1):016x}"


def number(text: str) -> int:
    """The inverse of :func:`hexadecimal`."""
    return int.from_bytes(bytes.fromhex(text), "big", signed=True)


def cursor_of(position: Position) -> str:
    return f"{position.time_us}.{hexadecimal(position.id)}"


def position_of(cursor: str) -> Position:
    """Raises :class:`QueryError`."""
    match = _CURSOR.match(cursor)
    if match is None:
        raise QueryError("is not one that an answer gave", field="cursor")
    return Position(int(match[1]), number(match[2]))


def microseconds(at: datetime) -> int:
    past = at - EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def position_at(record: Record) -> Position:
    """Behind this record."""
    return Position(microseconds(record["time"]), record["id"])


def page(records: Sequence[Record], limit: int) -> list[FoundRecord]:
    """The lines of the first ones of ``records``: ``limit`` at most, and as many as an answer has room for."""
    found: list[FoundRecord] = []
    size = 0
    for record in records[:limit]:
        line = line_of(record)
        length = len(encode(line))
        if length > PAGE_BYTES:
            line = _cut(line)
            length = len(encode(line))
        if found and size + length > PAGE_BYTES:
            break
        found.append(line)
        size += length
    return found


def line_of(record: Record) -> FoundRecord:
    """One row of ``log_records`` with the attributes of its resource."""
    attributes, resource = record["attributes"], record["resource_attributes"]
    trace_id, span_id = record["trace_id"], record["span_id"]
    return FoundRecord(
        id=hexadecimal(record["id"]),
        time=record["time"],
        service=record["service"],
        severity=severity_name(record["severity"]),
        severity_number=record["severity"],
        severity_text=record["severity_text"] or "",
        template=hexadecimal(record["template"]),
        trace_id=None if trace_id is None else trace_id.hex(),
        span_id=None if span_id is None else span_id.hex(),
        event_name=record["event_name"] or "",
        scope=record["scope"] or "",
        body=_body(record),
        attributes={} if attributes is None else _decode(attributes),
        resource={} if resource is None else _decode(resource),
    )


def _body(record: Record) -> Any:
    body = record["body"]
    return _decode(body) if record["structured"] else body


def _cut(line: FoundRecord) -> FoundRecord:
    body = line.body if isinstance(line.body, str) else encode(line.body).decode()
    return msgspec.structs.replace(line, body=body[:CUT_CHARACTERS], attributes={}, resource={}, cut=True)


class Counted(NamedTuple):
    """One template of a service, before any are merged."""

    service: str
    template: int
    records: int
    errors: int
    severity: int
    first: datetime
    last: datetime
    text: str
    example: str
    steps: Sequence[tuple[int, int]]
    """Of the steps that have records, counted from 1, how many."""


def counted(records: Sequence[Record], examples: Sequence[Record]) -> list[Counted]:
    """Templates with their texts, out of an example of each; one without is gone already."""
    by_place = {example["place"] - 1: example for example in examples}
    found = []
    for place, record in enumerate(records):
        if (example := by_place.get(place)) is not None:
            text, shown = _text(example)
            found.append(
                Counted(
                    record["service"], record["template"], record["count"], record["errors"], record["severity"],
                    record["first"], record["last"], text, shown, tuple(zip(record["steps"], record["counts"], strict=True)),
                )
            )  # fmt: skip
    return found


def _text(example: Record) -> tuple[str, str]:
    body = example["body"]
    value: Any = body
    if example["structured"]:
        try:
            value = _decode(body)
        except msgspec.DecodeError:
            value = None  # it was too long to be read whole
    event_name, message = example["event_name"] or "", example["message"]
    return template_of(said(value, event_name, message)).text, (body or message or event_name)[:EXAMPLE_CHARACTERS]


def merged(templates: Sequence[Counted], limit: int, steps: int) -> list[FoundTemplate]:
    """The ``limit`` largest statements behind ``templates``, the largest first, with a count for each of ``steps``."""
    services: dict[str, list[Counted]] = {}
    for one in templates:
        services.setdefault(one.service, []).append(one)
    found = []
    for service, those in services.items():
        for text, members in merge([one.text for one in those]):
            parts = sorted((those[place] for place in members), key=lambda one: (-one.records, one.template))
            newest = max(parts, key=lambda one: (one.last, one.template))
            several = len(parts) > 1
            counts = [0] * steps
            for part in parts:
                for step, records in part.steps:
                    counts[step - 1] += records
            template = FoundTemplate(
                id=hexadecimal(template_id(text) if several else parts[0].template),
                text=text,
                service=service,
                severity=severity_name(max(one.severity for one in parts)),
                count=sum(one.records for one in parts),
                errors=sum(one.errors for one in parts),
                first_seen=min(one.first for one in parts),
                last_seen=newest.last,
                example=newest.example,
                ids=[hexadecimal(one.template) for one in parts[:MAX_IDS]] if several else [],
                counts=counts,
            )
            found.append(template)
    return sorted(found, key=lambda one: (-one.count, one.service, one.id))[:limit]
