"""A log record as analytics sees it, and the names of its severities. Pure.

Times are whole nanoseconds since 1970; ids are the bytes that OTLP has: 16 of a trace, 8 of a span.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from analytics.message_templates import Template
from analytics.spans.span import Attributes, Resource

UNSET = "unset"
SEVERITIES = (UNSET, "trace", "debug", "info", "warn", "error", "fatal")
"""The names that OpenTelemetry gives to each four numbers, of 1 to 24, and what a record has that says none."""

ERROR = 17
"""The least severity that counts as an error."""

_NUMBERS = {
    "trace": 1, "finest": 1, "verbose": 1, "debug": 5, "fine": 5, "finer": 5, "config": 5, "info": 9, "information": 9,
    "informational": 9, "notice": 10, "warn": 13, "warning": 13, "error": 17, "err": 17, "severe": 17, "critical": 21,
    "crit": 21, "fatal": 21, "alert": 22, "emerg": 23, "emergency": 23, "panic": 23,
}  # fmt: skip


class LogRecord(Struct, gc=False, kw_only=True):
    """One log record. ``time_ns`` is 0 where the sender gave no time; ``severity`` is a number of 1 to 24, or 0.

    ``body`` is what it says: a text, or a value as :func:`analytics.spans.otlp.read_value` makes it. ``trace_id`` and
    ``span_id`` are ``None`` where it belongs to no trace; ``event_name`` is empty where it is no event."""

    time_ns: int
    resource: Resource
    severity: int
    severity_text: str
    body: Any
    template: Template
    attributes: Attributes
    trace_id: bytes | None
    span_id: bytes | None
    flags: int
    event_name: str
    scope: str

    @property
    def service(self) -> str:
        """The token of the service."""
        return self.resource.service

    @property
    def service_name(self) -> str | None:
        return self.resource.service_name

    @property
    def traceparent(self) -> str | None:
        """The context of the span that it belongs to."""
        if self.trace_id is None or self.span_id is None:
            return None
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-{self.flags & 1:02x}"


def said(body: Any, event_name: str, error: Any) -> Any:
    """What a record counts by: its body; where it has none, the name of its event, else the message of the exception."""
    return event_name or error if body in (None, "") else body


def severity_name(number: int) -> str:
    """The name of a severity, of :data:`SEVERITIES`."""
    return SEVERITIES[(number + 3) // 4] if 0 < number <= 24 else UNSET


def severity_number(text: str) -> int:
    """The least number of the severity that has this name, in any case; 0 where it is none that is known."""
    return _NUMBERS.get(text.strip().lower(), 0)
