"""Insights by kind: version 0.1 reads what is written now, what it wrote is read, and nothing that comes later ends reading."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from drishti.errors import InvalidPayload, UnknownKind
from drishti.events import (
    AnomalyInsight,
    Breach,
    Capacity,
    ForecastInsight,
    ForecastScore,
    Insight,
    InsightDecoder,
    encode,
    metric_of,
)
from drishti.messages import subjects
from rigs.contract_examples import payloads
from rigs.insights_before_kinds import InsightWithoutKinds

SERIES: dict[str, Any] = {
    "insight_id": "i",
    "tenant": "acme",
    "metric": "requests",
    "field": "error_rate",
    "labels": {"service": "shop"},
    "state": "ready",
    "at": 1_790_000_000_000,
    "model": "m",
    "severity": "warning",
    "message": "in words",
}
ANOMALY: dict[str, Any] = {
    "phase": "ongoing",
    "direction": "up",
    "score": 0.9,
    "value": 0.9,
    "expected": 0.1,
    "lower": 0.0,
    "upper": 0.2,
    "anomaly": "spike",
    "confidence": 1.0,
    "escalated": True,
    "adapted": True,
    "statistic": "mean",
    "window_ms": 8000,
    "judged_at": 1_790_000_000_000,
    "unit": "",
    "observed": 0.8,
    "usual": 0.1,
    "observations": 20.0,
    "unjudged": "no requests",
    "catching_up": True,
}
FORECAST: dict[str, Any] = {
    "interval": 0.8,
    "points": [[1_790_000_060_000, 1.0, 0.5, 1.5, 0.1, 2.0]],
    "outer_interval": 0.95,
    "horizon_ms": 900_000,
    "standing": ForecastScore(marked=1, mae=0.1, naive_mae=0.2, bias=0.0, coverage=0.8, outer_coverage=0.95),
    "benched": "blend-v1",
    "breach": Breach(threshold=2.0, direction="up", probability=0.5, at=1_790_000_060_000),
    "capacity": Capacity(per_replica=1.0, now=1, needed=2, needed_at=1_790_000_060_000),
}


@pytest.mark.parametrize("written", [AnomalyInsight(**SERIES, **ANOMALY), ForecastInsight(**SERIES, **FORECAST)])
def test_a_reader_of_the_version_before_reads_every_field_of_what_is_written_now(written: Insight) -> None:
    read = msgspec.json.decode(encode(written), type=InsightWithoutKinds)
    assert msgspec.to_builtins(read) == msgspec.to_builtins(written)


@pytest.mark.parametrize(("kind", "own"), [("anomaly", ANOMALY), ("forecast", FORECAST)])
def test_what_the_version_before_stored_is_read_with_every_field(kind: Any, own: dict[str, Any]) -> None:
    stored = InsightWithoutKinds(kind=kind, **msgspec.to_builtins(SERIES), **msgspec.to_builtins(own))
    stored = msgspec.convert(msgspec.to_builtins(stored), type=InsightWithoutKinds)
    read = InsightDecoder().decode(encode(stored))
    assert read.kind == kind
    assert msgspec.to_builtins(read) == msgspec.to_builtins(stored)


@pytest.mark.parametrize("payload", payloads("insight"))
def test_fields_and_values_of_a_later_version_are_no_fault(payload: bytes) -> None:
    later = json.loads(payload) | {"added_later": {"evidence": [1]}}
    for name in ("severity", "phase", "state", "anomaly", "statistic", "change"):
        if name in later:
            later[name] = "of-a-later-version"
    assert InsightDecoder().decode(encode(later)).insight_id == later["insight_id"]


def test_a_kind_of_a_later_version_is_told_apart_from_a_bad_message() -> None:
    decoder = InsightDecoder()
    with pytest.raises(UnknownKind, match="'root_cause'") as unknown:
        decoder.decode(b'{"kind": "root_cause", "graph": [], "at": "whenever"}')
    assert unknown.value.kind == "root_cause"
    for bad in (
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"kind": 5}',
        b'{"kind": "no token"}',
        b'{"kind": "anomaly"}',
        b'"anomaly"',
        b"\xff",
    ):
        with pytest.raises(InvalidPayload):
            decoder.decode(bad)
    with pytest.raises(InvalidPayload, match="direction"):  # a closed enum
        decoder.decode(encode({**SERIES, "kind": "anomaly", "direction": "sideways"}))


@pytest.mark.parametrize("payload", payloads("insight"))
def test_every_kind_has_a_subject(payload: bytes) -> None:
    insight = InsightDecoder().decode(payload)
    subject = subjects.insights(insight.tenant, insight.kind, metric_of(insight))
    assert subjects.kind_of_insight(subject) == insight.kind
    about_series = isinstance(insight, AnomalyInsight | ForecastInsight)
    assert subject.count(".") == (subjects.series_insights() if about_series else subjects.SYSTEM_INSIGHTS).count(".")
