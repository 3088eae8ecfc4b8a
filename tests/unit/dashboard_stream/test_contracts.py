"""Every recorded example that dashboard-stream can receive goes through its real handlers; settings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.boards.dashboards import Dashboard
from dashboard_stream.boards.ready import READY
from dashboard_stream.live.handlers import Handlers
from dashboard_stream.live.hub import Hub
from dashboard_stream.settings import DashboardSettings
from drishti.errors import SettingsError
from drishti.events import Aggregate, Insight, InsightDecoder, SeriesInsight
from drishti.settings import load
from rigs.aggregates import NOW_MS
from rigs.contract_examples import RefusesNothing, delivered, payloads


def handlers(hub: Hub) -> Handlers:
    bus: Any = RefusesNothing()
    return Handlers(bus, hub, wake=lambda: None, now=lambda: NOW_MS / 1000)


@pytest.mark.parametrize("payload", payloads("aggregate"))
async def test_every_aggregate_example_is_taken(payload: bytes) -> None:
    hub = Hub("e1")
    await handlers(hub).take_aggregate(delivered("", payload))
    example = msgspec.json.decode(payload, type=Aggregate)
    assert hub.channel(example.tenant, "system_overview") is not None


@pytest.mark.parametrize("payload", payloads("insight"))
async def test_every_insight_example_is_shown(payload: bytes) -> None:
    hub = Hub("e1")
    await handlers(hub).take_insight(delivered("", payload))
    example = InsightDecoder().decode(payload)
    for name in READY:
        channel = hub.channel(example.tenant, name)
        assert channel is not None
        shown = channel.build(None, {}, NOW_MS).data.events
        assert [e["insight_id"] for e in shown] == ([example.insight_id] if shown_by(channel.dashboard, example) else [])


def shown_by(dashboard: Dashboard, insight: Insight) -> bool:
    """What is about no metric is about everything."""
    named = {insight.metric} if isinstance(insight, SeriesInsight) else {series.metric for series in insight.about}
    return not named or not named.isdisjoint(dashboard.metrics)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(SettingsError, match="DASHBOARD_STREAM_PORT"):
        load(DashboardSettings, {"DASHBOARD_STREAM_PORT": "door"})
    with pytest.raises(SettingsError, match="DASHBOARD_STREAM_SLOW_S"):
        load(DashboardSettings, {"DASHBOARD_STREAM_SLOW_S": "0"})
    with pytest.raises(SettingsError, match="'http://localhost:3000' is no host"):
        load(DashboardSettings, {"DASHBOARD_STREAM_ALLOWED_ORIGINS": "a:80,http://localhost:3000"})


@pytest.mark.parametrize(
    ("environ", "warns"),
    [
        ({}, False),
        ({"DASHBOARD_STREAM_HOST": "::1"}, False),
        ({"DASHBOARD_STREAM_HOST": "localhost"}, False),
        ({"DASHBOARD_STREAM_HOST": "0.0.0.0"}, True),
        ({"DASHBOARD_STREAM_HOST": "dashboard-stream"}, True),
        ({"DASHBOARD_STREAM_HOST": "0.0.0.0", "DASHBOARD_STREAM_SECRET": "x"}, False),
    ],
)
def test_a_port_that_others_can_reach_without_a_secret_is_noticed(environ: dict[str, str], warns: bool) -> None:
    assert load(DashboardSettings, environ).open_to_others is warns


async def test_an_insight_of_a_later_kind_is_counted_and_no_other_is_lost() -> None:
    hub = Hub("e1")
    takes = handlers(hub)
    await takes.take_insight(delivered("", b'{"kind": "root_cause", "at": "whenever", "graph": [1]}'))
    await takes.count_unknown_kind(delivered("insights.v1.default.root_cause.requests", b""))
    await takes.count_unknown_kind(delivered("insights.v1.default.anomaly.requests", b""))
    assert hub.unknown_insights == 2
    known = b'{"kind": "change", "insight_id": "c", "tenant": "default", "at": 1790000000000, "model": "m"}'
    await takes.take_insight(delivered("", known))
    channel = hub.channel("default", "system_overview")
    assert channel is not None
    assert [event["kind"] for event in channel.build(None, {}, NOW_MS).data.events] == ["change"]
    assert hub.insights("default", "requests") == [], "a change of the system is not about one of its metrics"
