"""A definition decides whether a metric is watched and forecast, for its tenant, from the next message on."""

from __future__ import annotations

import msgspec
import pytest

from drishti.bus.entries import Entry
from drishti.events import Insight
from drishti.measures.built_in import FED
from drishti.measures.registry import MetricRegistry
from predictor.series.policies import Policies
from predictor.series.watch import WATCHES
from rigs.aggregates import NOW_MS, aggregate


def test_what_the_predictor_watches_and_forecasts_is_what_the_built_in_definitions_say() -> None:
    assert {watch.metric for watch in WATCHES} == {token for token, metric in FED.items() if metric.watched}
    assert {watch.metric for watch in WATCHES if watch.forecast} == {token for token, metric in FED.items() if metric.forecast}


@pytest.mark.parametrize(
    ("changed", "learnt", "watched", "forecast"),
    [
        ({}, True, True, True),
        ({"watched": False}, True, False, True),
        ({"forecast": False}, True, True, False),
        ({"watched": False, "forecast": False}, False, False, False),
        ({"enabled": False}, False, True, False),
    ],
)
def test_a_tenant_switches_it_off_for_itself(changed: dict[str, bool], learnt: bool, watched: bool, forecast: bool) -> None:
    registry = MetricRegistry()
    policies = Policies(registry.of)
    definition = msgspec.structs.replace(FED["requests"], **changed)
    registry.take(Entry("acme.requests", 1, msgspec.json.encode(definition), 0.0))
    window = aggregate("requests", NOW_MS, {"count": 1}, tenant="acme")
    insight = Insight(
        insight_id="i", tenant="acme", kind="forecast", metric="requests", field="rate", state="ready", at=NOW_MS, model="m"
    )
    assert (policies.learnt(window), policies.watched(window), policies.forecast(insight)) == (learnt, watched, forecast)
    assert policies.learnt(aggregate("requests", NOW_MS, {"count": 1}, tenant="other"))
    assert policies.watched(aggregate("requests", NOW_MS, {"count": 1}, tenant="other"))
