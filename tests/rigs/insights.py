"""Insights as the predictor publishes them: anomalies, capacity, forecasts."""

from __future__ import annotations

import math
import time
from typing import Any

from drishti.bus.connection import Bus
from drishti.events import AnomalyInsight, Breach, Capacity, ForecastInsight, ForecastScore, Insight, encode, metric_of
from drishti.messages import subjects

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
HOURS_MS = 6 * 60 * MINUTE_MS
WEEK_MS = 7 * 24 * 60 * MINUTE_MS
HORIZONS_MS = (QUARTER_MS, HOURS_MS, WEEK_MS)
"""Of the forecasts that exist side by side."""

STANDING = ForecastScore(marked=1440, mae=0.61, naive_mae=0.71, bias=-0.09, coverage=0.79, outer_coverage=0.944)
"""Better than naive, and as sure as it says."""

WORSE = ForecastScore(marked=1440, mae=0.61, naive_mae=0.58, bias=0.2, coverage=0.61, outer_coverage=0.944)


def now_ms() -> int:
    return int(time.time() * 1000)


def incident(**fields: Any) -> AnomalyInsight:
    """An open, critical drift of one service's memory."""
    reported: dict[str, Any] = {
        "insight_id": "drift-1",
        "tenant": "default",
        "metric": "memory_usage_bytes",
        "field": "avg",
        "labels": {"service": "gateway"},
        "state": "ready",
        "at": now_ms(),
        "model": "m",
        "phase": "opened",
        "direction": "up",
        "severity": "warning",
        "value": 64.0 * 1024 * 1024,
        "expected": 42.0 * 1024 * 1024,
        "lower": 38.0 * 1024 * 1024,
        "upper": 47.0 * 1024 * 1024,
        "anomaly": "drift",
        "confidence": 0.92,
    }
    return AnomalyInsight(**{**reported, **fields})


def forecast(horizon_ms: int | None = QUARTER_MS, level: float = 7.0, points: int = 60, **fields: Any) -> ForecastInsight:
    """A forecast with two bands around a wave at ``level``; without ``horizon_ms`` as an older producer tells it."""
    at = fields.get("at", now_ms())
    step = (horizon_ms or QUARTER_MS) // points
    inner = [[at + step * (i + 1), *_around(level, i / points)] for i in range(points)]
    outer: dict[str, Any] = {"outer_interval": 0.95, "horizon_ms": horizon_ms}
    reported: dict[str, Any] = {
        "insight_id": f"forecast-{horizon_ms}-{at}",
        "tenant": "default",
        "metric": "requests",
        "field": "rate",
        "state": "ready",
        "at": at,
        "model": "blend-v1",
        "interval": 0.8,
        "points": inner if horizon_ms else [point[:4] for point in inner],
        **(outer if horizon_ms else {}),
    }
    return ForecastInsight(**{**reported, **fields})


def _around(level: float, part: float) -> list[float]:
    """Mean, inner and outer band, wider towards the end."""
    mean = level * (1 + 0.15 * math.sin(6 * math.pi * part))
    spread = level * (0.05 + 0.25 * part)
    return [mean, mean - spread, mean + spread, mean - 1.7 * spread, mean + 1.7 * spread]


def breach(threshold: float, in_min: float | None, earliest_min: float | None, latest_min: float | None) -> Breach:
    """Upwards; each instant in minutes from now."""
    now = now_ms()

    def instant(minutes: float | None) -> int | None:
        return None if minutes is None else now + round(minutes * MINUTE_MS)

    return Breach(
        threshold=threshold,
        direction="up",
        probability=0.87 if in_min is not None else 0.06,
        at=instant(in_min),
        earliest=instant(earliest_min),
        latest=instant(latest_min),
    )


def capacity(now: int, needed: int, in_min: float, per_replica: float = 4.0) -> Capacity:
    return Capacity(per_replica=per_replica, now=now, needed=needed, needed_at=now_ms() + round(in_min * MINUTE_MS))


async def predict(bus: Bus, *insights: Insight) -> None:
    """Publishes them in order, as the predictor would."""
    for one in insights:
        await bus.publish(subjects.insights(one.tenant, one.kind, metric_of(one)), encode(one))
