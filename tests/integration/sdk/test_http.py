"""The SDK over HTTP, against a gateway that answers as it is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from drishti.analytics import Analytics, AnalyticsEvent
from drishti.events import RequestEvent
from drishti.sdk.transports import _retry_after_s
from rigs.sdk_servers import Gateway
from rigs.waiting import wait_until

ACCEPTED: tuple[int, dict[str, str], Any] = (202, {}, {"accepted": 1, "rejected": []})


def event(number: int, event_type: str = "feedback") -> AnalyticsEvent:
    return AnalyticsEvent(event_id=f"e{number}", event_type=event_type)


async def test_events_of_all_types_share_a_batch_with_the_key() -> None:
    with Gateway(ACCEPTED) as gateway:
        async with Analytics(url=gateway.url, api_key="secret\n") as analytics:
            analytics.track(event(1, "feedback"))
            analytics.track(event(2, "page_view"))
            assert await analytics.flush()
            assert analytics.statistics().sent == 2
    (body,) = gateway.bodies
    assert [(e["event_id"], e["event_type"]) for e in body] == [("e1", "feedback"), ("e2", "page_view")]
    assert gateway.headers[0]["path"] == "/api/events"
    assert gateway.headers[0]["authorization"] == "Bearer secret"


async def test_a_busy_gateway_is_asked_again_with_the_same_ids_when_it_says_so() -> None:
    with Gateway((503, {"Retry-After": "1"}, {"error": "busy"}), (429, {}, {}), ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            analytics.track(event(1))
            assert await analytics.flush(10)
            statistics = analytics.statistics()
            assert (statistics.sent, statistics.retries) == (1, 2)
    assert len(gateway.bodies) == 3
    assert gateway.bodies[0] == gateway.bodies[1] == gateway.bodies[2]
    assert len({h["idempotency-key"] for h in gateway.headers}) == 1
    assert gateway.times[1] - gateway.times[0] >= 1.0


async def test_refused_items_are_counted_and_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    answer = {"accepted": 1, "rejected": [{"index": 1, "field": "timestamp", "error": "too old"}]}
    with Gateway((202, {}, answer)) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            analytics.track(event(1))
            analytics.track(event(2))
            assert await analytics.flush()
            statistics = analytics.statistics()
            assert (statistics.sent, statistics.refused, statistics.retries) == (1, 1, 0)
    assert len(gateway.bodies) == 1
    (record,) = [r for r in caplog.records if "refused" in r.message]
    assert "timestamp: too old" in record.message


@pytest.mark.parametrize("status", [400, 415, 422])
async def test_a_batch_refused_as_a_whole_is_given_up(status: int) -> None:
    with Gateway((status, {}, {"error": "nothing valid"})) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            analytics.track(event(1))
            assert await analytics.flush()
            assert analytics.statistics().refused == 1


@pytest.mark.parametrize("status", [401, 404])
async def test_a_wrong_key_or_address_may_be_mended_while_the_application_runs(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = (status, {}, {"error": "no"})
    with Gateway(wrong, wrong, (503, {}, {"error": "starting"}), ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            analytics.track(event(1))
            assert await analytics.flush(10)
            assert analytics.statistics().sent == 1
    first, second = [r.message for r in caplog.records if "events wait" in r.message]
    assert "DRISHTI_API_KEY" in first, "reported once"
    assert "starting" in second, "another reason is news"


async def test_a_batch_that_is_too_large_is_halved() -> None:
    with Gateway((413, {}, {}), ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            for i in range(4):
                analytics.track(event(i))
            assert await analytics.flush()
            assert analytics.statistics().sent == 4
    assert [[e["event_id"] for e in body] for body in gateway.bodies[1:]] == [["e0", "e1"], ["e2", "e3"]]


async def test_a_gateway_that_closed_the_kept_connection_is_called_again_at_once() -> None:
    with Gateway((202, {"Connection": "close"}, {"accepted": 1}), ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            for i in range(3):
                analytics.track(event(i))
                assert await analytics.flush()
            assert (analytics.statistics().sent, analytics.statistics().retries) == (3, 0)


async def test_a_proxys_page_in_place_of_json_is_survived() -> None:
    with Gateway((502, {}, "<html>"), ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            analytics.track(event(1))
            assert await analytics.flush(10)
            assert analytics.statistics().sent == 1


async def test_requests_are_not_sent_over_http_but_counted_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    with Gateway(ACCEPTED) as gateway:
        async with Analytics(url=gateway.url) as analytics:
            request = RequestEvent(event_id="r", service="s", method="GET", route="/", status=200, duration_ms=1)
            assert not analytics.track_request(request)
            assert not analytics.track_request(request)
            assert await analytics.flush()
            assert analytics.statistics().unconfigured == 2
    reported = [r.message for r in caplog.records if "request events are dropped" in r.message]
    assert reported == ["request events are dropped: only NATS takes them, set DRISHTI_NATS_URL"]
    assert gateway.bodies == []


async def test_a_full_buffer_drops_the_newest_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with Gateway((503, {"Retry-After": "30"}, {}), ACCEPTED) as gateway:
        analytics = Analytics(url=gateway.url, capacity=10, linger_s=0)
        began = time.monotonic()
        taken = [analytics.track(event(i)) for i in range(25)]
        assert time.monotonic() - began < 1
        assert taken == [True] * 10 + [False] * 15
        assert (analytics.statistics().overflowed, analytics.statistics().buffered) == (15, 10)
        await wait_until(lambda: gateway.bodies, seen=analytics.statistics)
        await analytics.close(timeout_s=0.05)
        assert (analytics.statistics().lost, analytics.statistics().buffered) == (10, 0)
    assert len([r for r in caplog.records if "buffer is full" in r.message]) == 1


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert _retry_after_s("7", now.timestamp()) == 7
    assert _retry_after_s(format_datetime(now + timedelta(seconds=9), usegmt=True), now.timestamp()) == 9
    assert _retry_after_s("soon", now.timestamp()) is None
    assert _retry_after_s(None, now.timestamp()) is None
