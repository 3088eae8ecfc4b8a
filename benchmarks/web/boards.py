"""Dashboards that are measured, as documents."""

from __future__ import annotations

from typing import Any

import httpx

from benchmarks.processes import BenchmarkFailed

MARK = "bench_mark"
"""The type of the events whose way to the screen is measured."""

LIVE, MONTH = "bench-live", "bench-month"

_LINES: list[tuple[str, list[dict[str, Any]]]] = [
    ("Requests", [{"metric": "requests", "field": "rate"}, {"metric": "requests", "field": "rate", "by": "service"}]),
    ("Latency", [{"metric": "request_duration_ms", "field": field, "name": field} for field in ("p50", "p95", "p99")]),
    ("Errors", [{"metric": "requests", "field": "error_rate", "by": "service"}]),
    ("Events", [{"metric": "events", "field": "rate"}, {"metric": "events", "field": "rate", "by": "event_type"}]),
    ("LLM requests", [{"metric": "llm_requests", "field": "rate", "by": "model"}]),
    ("LLM latency", [{"metric": "llm_duration_ms", "field": "p95", "by": "model"}]),
    ("Tokens", [{"metric": "llm_tokens", "field": "rate", "by": "direction"}]),
    ("CPU", [{"metric": "cpu_utilization", "field": "avg", "by": "service"}]),
    ("Memory", [{"metric": "memory_usage_bytes", "field": "avg", "by": "service"}]),
    ("Latency by service", [{"metric": "request_duration_ms", "field": "p95", "by": "service"}]),
    ("Requests by status", [{"metric": "requests", "field": "rate", "by": "status"}]),
    ("Cache", [{"metric": "cache_requests", "field": "hit_rate", "name": "hit rate"}]),
]  # fmt: skip

_MONTH: list[tuple[str, str, str | None]] = [
    *[("requests", field, by) for field in ("rate", "errors", "error_rate") for by in (None, "service", "status")],
    *[("request_duration_ms", field, by) for field in ("avg", "p50", "p95", "p99") for by in (None, "service", "route")],
    *[("events", "rate", by) for by in (None, "event_type")],
    *[("llm_duration_ms", field, by) for field in ("avg", "p50", "p95", "p99") for by in (None, "model")],
    ("cache_requests", "hit_rate", None),
    ("cache_requests", "rate", "result"),
    ("active_users", "uniques", None),
    *[("cpu_utilization", "avg", by) for by in (None, "service")],
]


def live() -> dict[str, Any]:
    """Twelve charts of what the demo sends, and a number whose line counts the events of type :data:`MARK` by the second."""
    charts = [{"kind": "time_series", "title": title, "lines": lines} for title, lines in _LINES]
    value = {"metric": "events", "field": "count", "only": {"event_type": MARK}}
    return {"name": LIVE, "title": "Live", "panels": [{"kind": "stat", "title": "Marked", "value": value}, *charts]}


def month() -> dict[str, Any]:
    """Forty panels."""
    charts = [
        {"kind": "time_series", "title": f"{metric} {field} {by or 'all'}", "lines": [_line(metric, field, by)]}
        for metric, field, by in _MONTH
    ]
    stats = [
        {"kind": "stat", "title": f"{metric} {field}", "value": {"metric": metric, "field": field}}
        for metric, field, by in _MONTH
        if by is None
    ]
    panels = [*stats, *charts][-40:]
    assert len(panels) == 40, len(panels)
    return {"name": MONTH, "title": "Month", "panels": panels}


def _line(metric: str, field: str, by: str | None) -> dict[str, Any]:
    return {"metric": metric, "field": field, "by": by} if by else {"metric": metric, "field": field, "name": "all"}


async def store(url: str, key: str, document: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as client:
        answer = await client.put(f"/api/dashboard/dashboards/{document['name']}", json=document)
    if answer.status_code not in (200, 201):
        raise BenchmarkFailed(f"the dashboard {document['name']} was not stored: {answer.status_code} {answer.text[:500]}")
