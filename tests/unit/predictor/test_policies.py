"""A definition decides how a metric is watched and forecast, for its tenant, from the next message on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drishti.bus.entries import Entry
from drishti.events import ForecastInsight
from drishti.measures.built_in import FED
from drishti.measures.definitions import OTLP, EventSource, MetricDefinition, Share, WatchPolicy
from drishti.measures.definitions import Kind as Measured
from drishti.measures.registry import MetricRegistry
from predictor.series.policies import Policies
from predictor.series.watch import Kind, Side, watches_of
from rigs.aggregates import NOW_MS
from rigs.watches import WATCHES


def test_what_is_watched_of_the_built_in_metrics() -> None:
    assert [(w.name, w.kind.name, w.by, int(w.side), w.difference, w.forecast, w.unit) for w in WATCHES] == [
        ("requests.rate", "RATE", ("service",), 0, 0.0, True, "requests/s"),
        ("requests.error_rate", "SHARE", ("service",), 1, 0.08, True, "%"),
        ("request_duration_ms.p95", "LEVEL", ("service",), 1, 20.0, True, "ms"),
        ("request_duration_ms.avg", "LEVEL", ("service",), 1, 20.0, False, "ms"),
        ("events.rate", "RATE", ("event_type",), 0, 0.0, True, "events/s"),
        ("llm_requests.rate", "RATE", ("model",), 0, 0.0, True, "requests/s"),
        ("llm_requests.error_rate", "SHARE", ("model",), 1, 0.08, True, "%"),
        ("llm_duration_ms.p95", "LEVEL", ("model",), 1, 20.0, True, "ms"),
        ("llm_duration_ms.avg", "LEVEL", ("model",), 1, 20.0, False, "ms"),
        ("llm_time_per_output_token_ms.avg", "LEVEL", ("model",), 1, 0.0, False, "ms"),
        ("cache_requests.hit_rate", "SHARE", (), -1, 0.08, True, "%"),
        ("cpu_utilization.avg", "GAUGE", ("service",), 1, 0.3, True, "1"),
        ("memory_usage_bytes.avg", "GAUGE", ("service",), 1, 0.0, True, "By"),
    ]
    assert [w.name for w in WATCHES if w.mixture] == [
        "request_duration_ms.avg",
        "llm_duration_ms.avg",
        "llm_time_per_output_token_ms.avg",
    ]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"kind": "counter", "unit": "By", "origin": OTLP}, [("sum_rate", Kind.FLOW, Side.BOTH, "By/s")]),
        ({"kind": "counter", "unit": "{order}"}, [("rate", Kind.RATE, Side.BOTH, "orders/s")]),
        (
            {"kind": "counter", "unit": "EUR", "source": EventSource(event="bought", value="price")},
            [("sum_rate", Kind.FLOW, Side.BOTH, "EUR/s")],
        ),
        (
            {
                "kind": "counter",
                "unit": "{call}",
                "dimensions": ("result",),
                "published": ((), ("result",)),
                "shares": (Share(name="success", dimension="result", value="ok"),),
            },
            [("rate", Kind.RATE, Side.BOTH, "calls/s"), ("success", Kind.SHARE, Side.DOWN, "%")],
        ),
        (
            {"kind": "distribution", "unit": "s", "origin": OTLP},
            [("p95", Kind.LEVEL, Side.UP, "s"), ("avg", Kind.LEVEL, Side.UP, "s")],
        ),
        (
            {"kind": "distribution", "unit": "EUR"},
            [("p95", Kind.LEVEL, Side.BOTH, "EUR"), ("avg", Kind.LEVEL, Side.BOTH, "EUR")],
        ),
        ({"kind": "gauge", "unit": "Cel", "origin": OTLP}, [("avg", Kind.VALUE, Side.BOTH, "Cel")]),
        ({"kind": "gauge", "unit": "{thread}"}, [("avg", Kind.VALUE, Side.BOTH, "threads")]),
        ({"kind": "gauge", "unit": "By", "watch_policy": WatchPolicy(side="down")}, [("avg", Kind.VALUE, Side.DOWN, "By")]),
        ({"kind": "unique", "unit": "{user}"}, [("uniques", Kind.VALUE, Side.BOTH, "users")]),
        ({"kind": "derived", "unit": "%", "expression": "count(a)"}, [("value", Kind.VALUE, Side.DOWN, "%")]),
        ({"kind": "derived", "expression": "count(a)", "direction": "down"}, [("value", Kind.VALUE, Side.UP, "1")]),
    ],
)
def test_the_kind_of_a_metric_decides_how_it_is_judged(
    about: dict[str, Any], expected: list[tuple[str, Kind, Side, str]]
) -> None:
    definition = MetricDefinition(name="shop.thing", watched=True, **{**about, "kind": Measured(about["kind"])})
    watches = watches_of(definition)
    assert [(w.field, w.kind, w.side, w.unit) for w in watches] == expected
    assert {w.title for w in watches} == {"shop.thing"}
    assert {w.metric for w in watches} == {"shop-thing"}
    assert all(w.takes((("region", "eu"), ("shop", "1"))) for w in watches), "each series that is published"


@pytest.mark.parametrize(
    ("about", "difference", "relative"),
    [
        ({"unit": "Cel"}, 0.0, True),
        ({"unit": "{thread}"}, 2.0, True),
        ({"unit": "%"}, 8.0, False),
        ({"unit": "%", "watch_policy": WatchPolicy(smallest_change=0.5)}, 0.5, False),
        ({"unit": "1", "kind": Measured.DERIVED, "expression": "count(a)", "target": 0.99, "warn": 0.95}, 0.04, False),
    ],
)
def test_the_smallest_change_that_matters_is_as_said_or_as_the_unit_suggests(
    about: dict[str, Any], difference: float, relative: bool
) -> None:
    (watch,) = watches_of(MetricDefinition(name="m", watched=True, **{"kind": Measured.GAUGE, **about}))
    assert watch.difference == pytest.approx(difference)
    assert watch.relative == relative


@pytest.mark.parametrize(
    ("changed", "learnt", "watched", "forecast"),
    [
        ({}, True, True, True),
        ({"watched": False}, True, False, True),
        ({"forecast": False}, True, True, False),
        ({"watched": False, "forecast": False}, False, False, False),
        ({"enabled": False}, False, False, False),
    ],
)
def test_a_tenant_switches_it_off_for_itself(changed: dict[str, bool], learnt: bool, watched: bool, forecast: bool) -> None:
    registry = MetricRegistry()
    policies = Policies(registry.of)
    assert policies.learnt("acme", "requests")
    # as the page sends it: without how the metric is judged
    definition = msgspec.structs.replace(FED["requests"], watch_policy=WatchPolicy(), **changed)
    registry.take(Entry("acme.requests", 1, msgspec.json.encode(definition), 0.0))
    insight = ForecastInsight(
        insight_id="i", tenant="acme", metric="requests", field="rate", state="ready", at=NOW_MS, model="m"
    )
    watches = policies.watches("acme", "requests")
    assert (bool(watches), any(w.watched for w in watches), policies.forecast(insight)) == (learnt, watched, forecast)
    assert [w.name for w in watches] == (["requests.rate", "requests.error_rate"] if learnt else [])
    assert policies.watches("other", "requests") == policies.watches("default", "requests")
    assert all(w.watched for w in policies.watches("other", "requests"))


def test_settings_name_what_alone_is_watched() -> None:
    policies = Policies(only=("requests.rate", "cache_requests"))
    assert [w.name for w in policies.watches("acme", "requests")] == ["requests.rate"]
    assert [w.name for w in policies.watches("acme", "cache_requests")] == ["cache_requests.hit_rate"]
    assert policies.watches("acme", "events") == ()
    assert policies.metrics(FED) == {"requests", "cache_requests"}
