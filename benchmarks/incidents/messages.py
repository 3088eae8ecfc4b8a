"""Traffic to what an application sends: request events, analytics events, and its processes' metrics as OTLP. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from benchmarks.incidents import application as app
from benchmarks.incidents.traffic import Rows, Traffic
from drishti.events import AnalyticsEvent, RequestEvent
from drishti.messages import attributes

USERS = 400
"""Distinct users; an event's number decides whose it is."""


class Report(NamedTuple):
    """One process' metrics, as an ``ExportMetricsServiceRequest``."""

    service: str
    body: bytes


Message = RequestEvent | AnalyticsEvent | Report


def messages(traffic: Traffic, start: int, prefix: str) -> Iterator[tuple[float, Message]]:
    """Everything in order, with the seconds after ``start`` (since 1970) at which it is due; ids begin with ``prefix``."""
    parts = (
        _requests(traffic.requests, start, f"{prefix}-r"),
        _calls(traffic.calls, start, f"{prefix}-c"),
        _lookups(traffic.lookups, start, f"{prefix}-l"),
        _tracked(traffic.tracked, start, f"{prefix}-t"),
        _reports(traffic.reports, start),
    )
    return heapq.merge(*parts, key=lambda item: item[0])


def _instant(start: int, at: float) -> datetime:
    return datetime.fromtimestamp(start + at, UTC)


def _numbered(rows: Rows, start: int, prefix: str) -> Iterable[tuple[str, datetime, Rows]]:
    return ((f"{prefix}-{number}", _instant(start, float(row["at"])), row) for number, row in enumerate(rows))


def _requests(rows: Rows, start: int, prefix: str) -> Iterator[tuple[float, Message]]:
    for number, (ident, at, row) in enumerate(_numbered(rows, start, prefix)):
        service = app.SERVICES[row["service"]]
        yield (
            float(row["at"]),
            RequestEvent(
                event_id=ident,
                service=service,
                method="GET" if service == app.ACCOUNTS else "POST",
                route=app.ROUTES[service],
                status=503 if row["failed"] else 200,
                duration_ms=float(row["duration_ms"]),
                timestamp=at,
                user_id=f"user_{number % USERS}",
            ),
        )


def _calls(rows: Rows, start: int, prefix: str) -> Iterator[tuple[float, Message]]:
    for ident, at, row in _numbered(rows, start, prefix):
        data = {
            "model": app.MODELS[row["model"]],
            "output_tokens": 0 if row["failed"] else int(row["tokens"]),
            "duration_ms": round(float(row["duration_ms"]), 1),
            **({"error": "overloaded"} if row["failed"] else {}),
        }
        yield float(row["at"]), AnalyticsEvent(event_id=ident, event_type="llm_call", data=data, timestamp=at)


def _lookups(rows: Rows, start: int, prefix: str) -> Iterator[tuple[float, Message]]:
    for ident, at, row in _numbered(rows, start, prefix):
        data = {"cache": "answers", "hit": bool(row["hit"])}
        yield float(row["at"]), AnalyticsEvent(event_id=ident, event_type="cache_access", data=data, timestamp=at)


def _tracked(rows: Rows, start: int, prefix: str) -> Iterator[tuple[float, Message]]:
    for number, (ident, at, row) in enumerate(_numbered(rows, start, prefix)):
        kind = app.EVENTS[row["type"]]
        user = f"user_{number % USERS}"
        yield float(row["at"]), AnalyticsEvent(event_id=ident, event_type=kind, user_id=user, timestamp=at)


def _reports(rows: Rows, start: int) -> Iterator[tuple[float, Message]]:
    for row in rows:
        service, at = app.SERVICES[row["service"]], float(row["at"])
        export = ExportMetricsServiceRequest()
        resource = export.resource_metrics.add()
        named = resource.resource.attributes.add(key=attributes.SERVICE_NAME)
        named.value.string_value = service
        scope = resource.scope_metrics.add()
        for metric, unit, value in (
            (attributes.PROCESS_CPU_UTILIZATION, "1", row["cpu"]),
            (attributes.PROCESS_MEMORY_USAGE, "By", row["memory"]),
        ):
            points = scope.metrics.add(name=metric, unit=unit).gauge.data_points
            points.add(time_unix_nano=int((start + at) * 1e9), as_double=float(value))
        yield at, Report(service, export.SerializeToString())
