"""OTLP to log records: what a ``ResourceLogs`` says, bounded. Pure.

Hardly anything makes a log record bad: what it says is worth keeping also where an id in it is none. Only a time that no
database has is refused, with the reason. What is too much is cut, as in spans (:mod:`analytics.spans.otlp`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as RecordMessage
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs

from analytics.logs.record import LogRecord, said, severity_number
from analytics.message_templates import template_of
from analytics.spans.otlp import DROPPED, MAX_NAME, read_attributes, read_resource, read_value, text
from analytics.spans.span import Resource
from drishti.events import MAX_NS
from drishti.messages.event_times import BEYOND

EVENT_NAME = "event.name"
"""The attribute in which records of before OTLP 1.5 name their event."""

EXCEPTION = "exception.message"

MAX_BODY = 32_768
"""Characters of a text body."""

MAX_SEVERITY_TEXT = 64

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


class BadRecord(NamedTuple):
    """A record that cannot be kept: why, with the message that it came in."""

    reason: str
    record: RecordMessage
    scope: ScopeLogs


class Read(NamedTuple):
    """A record, with the message that it came in."""

    record: LogRecord
    message: RecordMessage
    scope: ScopeLogs


def count_records(message: ResourceLogs) -> int:
    return sum(len(scope.log_records) for scope in message.scope_logs)


def read(message: ResourceLogs) -> Iterator[Read | BadRecord]:
    """The records of one message, in its order."""
    resource = read_resource(message.resource)
    for scope_logs in message.scope_logs:
        scope = text(scope_logs.scope.name, MAX_NAME)
        for record in scope_logs.log_records:
            time_ns = record.time_unix_nano or record.observed_time_unix_nano
            if time_ns > MAX_NS:
                yield BadRecord(f"time_unix_nano: is {BEYOND}", record, scope_logs)
            else:
                yield Read(_record(record, time_ns, resource, scope), record, scope_logs)


def _record(message: RecordMessage, time_ns: int, resource: Resource, scope: str) -> LogRecord:
    attributes, dropped = read_attributes(message.attributes)
    dropped += message.dropped_attributes_count
    if dropped:
        attributes[DROPPED] = dropped
    body = _body(message.body)
    trace_id: bytes | None = message.trace_id
    if trace_id is None or len(trace_id) != 16 or trace_id == _NO_TRACE:
        trace_id = None
    span_id: bytes | None = message.span_id
    if span_id is None or len(span_id) != 8 or span_id == _NO_SPAN:
        span_id = None
    severity_text = text(message.severity_text, MAX_SEVERITY_TEXT)
    severity: int = message.severity_number
    if not 0 < severity <= 24:
        severity = severity_number(severity_text)
    named = message.event_name or attributes.get(EVENT_NAME, "")
    event_name = text(named, MAX_NAME) if isinstance(named, str) else ""
    return LogRecord(
        time_ns=time_ns,
        resource=resource,
        severity=severity,
        severity_text=severity_text,
        body=body,
        template=template_of(said(body, event_name, attributes.get(EXCEPTION))),
        attributes=attributes,
        trace_id=trace_id,
        span_id=None if trace_id is None else span_id,
        flags=message.flags,
        event_name=event_name,
        scope=scope,
    )


def _body(value: Any) -> Any:
    if value.WhichOneof("value") == "string_value":
        return text(value.string_value, MAX_BODY)
    return read_value(value)
