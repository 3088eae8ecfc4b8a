"""The SDK over HTTP against the real gateway: both sides keep the same contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from drishti.analytics import Analytics, AnalyticsEvent, AnalyticsEventType
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running


@pytest.fixture
async def rig(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server) as rig:
        yield rig


async def test_events_reach_the_stream_through_the_gateway(rig: Rig) -> None:
    async with Analytics(url=rig.url, api_key=await rig.key("producer")) as analytics:
        for i in range(500):
            event_type = (AnalyticsEventType.DHARMA_QUERY, AnalyticsEventType.FEEDBACK)[i % 2]
            assert await analytics.track_event(AnalyticsEvent(event_id=f"e{i}", event_type=event_type, user_id="user123"))
        assert await analytics.flush(), analytics.statistics()
        assert analytics.statistics().sent == 500
    assert sorted(e["event_id"] for e in await rig.events()) == sorted(f"e{i}" for i in range(500))


async def test_what_the_gateway_refuses_is_counted_beside_what_it_takes(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    old = datetime.now(UTC) - timedelta(days=60)
    async with Analytics(url=rig.url, api_key=await rig.key("producer")) as analytics:
        analytics.track(AnalyticsEvent(event_id="new", event_type="feedback"))
        analytics.track(AnalyticsEvent(event_id="old", event_type="feedback", timestamp=old))
        assert await analytics.flush()
        assert (analytics.statistics().sent, analytics.statistics().refused) == (1, 1)
    assert "timestamp" in caplog.text
    assert [e["event_id"] for e in await rig.events()] == ["new"]


async def test_events_wait_behind_a_wrong_key(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    analytics = Analytics(url=rig.url, api_key="dk_wrong")
    analytics.track(AnalyticsEvent(event_id="e", event_type="feedback"))
    assert not await analytics.flush(0.5)
    assert "HTTP 401" in caplog.text
    assert "dk_wrong" not in caplog.text
    await analytics.close(0.1)
    assert analytics.statistics().lost == 1
