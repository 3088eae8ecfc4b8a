"""A line of a log, as far as root causes are concerned. Pure."""

from __future__ import annotations

from typing import NamedTuple

ERROR = 17
"""The least ``severity_number`` of OTLP that is an error."""


class LogRecord(NamedTuple):
    """One log record that belongs to a span. ``severity`` is OTLP's number, 0 where none was given; ``template`` is the text
    without what differs from line to line; ``service`` is a token."""

    time_ns: int
    service: str
    trace_id: bytes
    span_id: bytes
    severity: int
    template: str
