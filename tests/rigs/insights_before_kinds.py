"""Insights as version 0.1 decoded them, before each kind had fields of its own: for what must still be read, either way."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.events import EpochMs, Identifier, Token


class ForecastScore(Struct, omit_defaults=True, kw_only=True):
    marked: Annotated[int, Meta(ge=0)]
    mae: float
    naive_mae: float
    bias: float
    coverage: Annotated[float, Meta(ge=0, le=1)]
    outer_coverage: Annotated[float, Meta(ge=0, le=1)]


class Breach(Struct, omit_defaults=True, kw_only=True):
    threshold: float
    direction: Literal["up", "down"]
    probability: Annotated[float, Meta(ge=0, le=1)]
    at: EpochMs | None = None
    earliest: EpochMs | None = None
    latest: EpochMs | None = None


class Capacity(Struct, omit_defaults=True, kw_only=True):
    per_replica: Annotated[float, Meta(gt=0)]
    now: Annotated[int, Meta(ge=0)]
    needed: Annotated[int, Meta(ge=0)]
    needed_at: EpochMs


class InsightWithoutKinds(Struct, omit_defaults=True, kw_only=True):
    insight_id: Identifier
    tenant: Token
    kind: Literal["anomaly", "forecast", "incident", "recommendation"]
    metric: Token
    field: str
    labels: dict[str, str] = {}
    state: Literal["learning", "ready"]
    at: EpochMs
    model: str
    phase: Literal["opened", "ongoing", "resolved"] | None = None
    direction: Literal["up", "down"] | None = None
    severity: Literal["info", "warning", "critical"] | None = None
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    value: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    interval: float | None = None
    points: list[list[float]] | None = None
    message: str | None = None
    anomaly: Literal["spike", "drop", "shift", "drift", "silence", "variance"] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    escalated: bool = False
    adapted: bool = False
    outer_interval: float | None = None
    horizon_ms: Annotated[int, Meta(gt=0)] | None = None
    standing: ForecastScore | None = None
    benched: str | None = None
    breach: Breach | None = None
    capacity: Capacity | None = None
    statistic: Literal["mean", "gap", "likelihood", "step", "level"] | None = None
    window_ms: Annotated[int, Meta(gt=0)] | None = None
    judged_at: EpochMs | None = None
    unit: str | None = None
    observed: float | None = None
    usual: float | None = None
    observations: Annotated[float, Meta(ge=0)] | None = None
    unjudged: str | None = None
    catching_up: bool = False
