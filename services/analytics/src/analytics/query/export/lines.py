"""Rows of tables as the JSON of an export. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from drishti.messages.export import ExportedEvent, ExportedRequest

LARGE = 400_000
"""Longer than any event is when it comes: PostgreSQL writes ``1e300`` with all its zeros."""

_encode = msgspec.json.Encoder().encode


def event(row: Any) -> bytes:
    """A row of ``export_events``."""
    _, event_id, event_type, time, user_id, session_id, service, version, data, trace_id = row
    if data is not None and len(data) > LARGE:
        data = _encode(json.loads(data, parse_int=_number)).decode()
    return _encode(
        ExportedEvent(
            event_id=event_id,
            event_type=event_type,
            timestamp=time,
            user_id=user_id,
            session_id=session_id,
            service=service,
            version=version,
            data=None if data is None else msgspec.Raw(data),
            trace_id=trace_id,
        )
    )


def request(row: Any) -> bytes:
    """A row of ``export_requests``."""
    _, event_id, service, method, route, status, duration_ms, time, error, user_id, session_id, model, trace_id = row
    return _encode(
        ExportedRequest(
            event_id=event_id,
            service=service,
            method=method,
            route=route,
            status=status,
            duration_ms=duration_ms,
            timestamp=time,
            error=error,
            user_id=user_id,
            session_id=session_id,
            model=model,
            trace_id=trace_id,
        )
    )


def _number(digits: str) -> float:
    """A whole number; of one that no integer of 64 bits holds the nearest float, where there is one."""
    if len(digits) > 20 and math.isfinite(number := float(digits)):
        return number
    return int(digits)
