"""The SDK against a real NATS: what an application tracks is on the stream, once, whatever happens to the server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drishti.analytics import Analytics, AnalyticsEvent, AnalyticsEventType
from drishti.bus import permissions
from drishti.events import BatchDecoder, RequestEvent
from drishti.messages import catalogue
from drishti_local.ports import free_port
from rigs.nats_clients import settled
from rigs.sdk_servers import Nats, running_nats
from rigs.waiting import wait_until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Nats]:
    with running_nats(tmp_path) as server:
        await server.declare()
        yield server


def query(number: int, event_type: str = AnalyticsEventType.DHARMA_QUERY) -> AnalyticsEvent:
    return AnalyticsEvent(event_id=f"e{number}", event_type=event_type, user_id="user123", data={"n": number})


async def test_the_sample_of_the_readme_arrives(server: Nats) -> None:
    async with Analytics(nats_url=server.url, service="wisdom") as analytics:
        assert await analytics.track_event(
            AnalyticsEvent(
                event_id="unique_id",
                event_type=AnalyticsEventType.DHARMA_QUERY,
                user_id="user123",
                data={"query": "meditation guidance", "satisfaction": 4.5},
            )
        )
        assert await analytics.flush()
        assert analytics.statistics().sent == 1
    (message,) = await server.stored()
    assert message.subject == "events.v1.default.dharma_query"
    assert message.headers["Nats-Msg-Id"] == message.headers["ce-id"] != "unique_id"
    event = json.loads(message.data)
    assert event["data"] == {"query": "meditation guidance", "satisfaction": 4.5}
    assert event["service"] == "wisdom"
    assert event["timestamp"].endswith("Z")


async def test_any_nats_client_may_publish_the_same_json(server: Nats) -> None:
    payload = b'{"event_id": "plain", "event_type": "dharma_query", "user_id": "user123", "data": {"satisfaction": 4.5}}'
    async with server.client() as client:
        await client.publish("events.v1.default.dharma_query", payload)
        await settled(client)
    (message,) = await server.stored()
    (event,) = BatchDecoder(AnalyticsEvent).decode(message.data)
    assert event.event_id == "plain"


async def test_events_become_batches_of_one_type(server: Nats) -> None:
    async with Analytics(nats_url=server.url) as analytics:
        for i in range(600):
            await analytics.track_event(query(i, "feedback" if i % 3 else "page_view"))
        assert await analytics.flush()
    messages = await server.stored()
    assert len(messages) <= 10
    for message in messages:
        payload = json.loads(message.data)
        events = payload if isinstance(payload, list) else [payload]
        assert {e["event_type"] for e in events} == {message.subject.rsplit(".", 1)[1]}
        assert len(events) <= 200
    assert sorted(e["event_id"] for e in await server.events()) == sorted(f"e{i}" for i in range(600))


async def test_request_events_go_to_their_own_subject(server: Nats) -> None:
    async with Analytics(nats_url=server.url, tenant="acme") as analytics:
        assert analytics.track_request(
            RequestEvent(event_id="r1", service="wisdom", method="GET", route="/", status=200, duration_ms=1.5)
        )
        assert await analytics.flush()
    (message,) = await server.stored("REQUESTS")
    assert message.subject == "requests.v1.acme.wisdom"


async def test_an_id_that_no_header_can_carry_does_no_harm(server: Nats) -> None:
    async with Analytics(nats_url=server.url) as analytics:
        for event_id in ("a\r\nNats-TTL: 1s", "ॐ", "two words"):
            await analytics.track_event(AnalyticsEvent(event_id=event_id, event_type="feedback"))
            assert await analytics.flush()
    assert {e["event_id"] for e in await server.events()} == {"a\r\nNats-TTL: 1s", "ॐ", "two words"}
    assert all("Nats-TTL" not in m.headers for m in await server.stored())


async def test_nothing_is_lost_or_doubled_when_nats_is_killed_and_comes_back(server: Nats) -> None:
    async with Analytics(nats_url=server.url) as analytics:
        tracked = 0
        for _ in range(3):
            for _ in range(500):
                assert analytics.track(query(tracked))
                tracked += 1
            await wait_until(lambda: analytics.statistics().sent > 0, seen=analytics.statistics)
            server.kill()
            for _ in range(500):
                assert analytics.track(query(tracked))
                tracked += 1
            await wait_until(lambda: analytics.statistics().retries > 0, seen=analytics.statistics)
            server.start()
            assert await analytics.flush(timeout_s=20), analytics.statistics()
        statistics = analytics.statistics()
        assert (statistics.sent, statistics.overflowed, statistics.lost) == (tracked, 0, 0)
    ids = [e["event_id"] for e in await server.events()]
    assert len(ids) == len(set(ids)) == tracked


async def test_events_wait_for_a_server_that_starts_later(tmp_path: Path) -> None:
    server = Nats(tmp_path)
    async with Analytics(nats_url=server.url) as analytics:
        assert await analytics.track_event(query(1))
        assert not await analytics.flush(timeout_s=0.3)
        server.start()
        try:
            await server.declare()
            assert await analytics.flush(timeout_s=20), analytics.statistics()
            assert [e["event_id"] for e in await server.events()] == ["e1"]
        finally:
            await analytics.close()
            server.kill()


async def test_events_wait_for_streams_that_are_declared_later(tmp_path: Path) -> None:
    with running_nats(tmp_path) as server:
        async with Analytics(nats_url=server.url) as analytics:
            await analytics.track_event(query(1))
            await wait_until(lambda: analytics.statistics().retries > 0, seen=analytics.statistics)
            await server.declare()
            assert await analytics.flush(timeout_s=20), analytics.statistics()
        assert [e["event_id"] for e in await server.events()] == ["e1"]


async def test_the_rights_of_a_producer_are_enough(tmp_path: Path) -> None:
    server = Nats(tmp_path)
    server.configuration = permissions.users(dict.fromkeys(catalogue.USERS, "secret"))
    server.start()
    try:
        url = server.url
        server.url = url.replace("//", "//admin:secret@")
        await server.declare()
        async with Analytics(nats_url=url.replace("//", "//producer:secret@")) as analytics:
            analytics.track(query(1))
            analytics.track_request(
                RequestEvent(event_id="r1", service="wisdom", method="GET", route="/", status=200, duration_ms=1.5)
            )
            assert await analytics.flush(), analytics.statistics()
            assert analytics.statistics().sent == 2
    finally:
        server.kill()


async def test_a_wrong_password_is_reported_without_showing_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Nats(tmp_path)
    server.configuration = permissions.users(dict.fromkeys(catalogue.USERS, "secret"))
    server.start()
    try:
        analytics = Analytics(nats_url=server.url.replace("//", "//producer:hush@"))
        analytics.track(query(1))
        await wait_until(lambda: "Authorization" in caplog.text, seen=lambda: caplog.text)
        await analytics.close(timeout_s=0.1)
        assert "hush" not in caplog.text
    finally:
        server.kill()


async def test_one_client_serves_many_threads_and_loops(server: Nats) -> None:
    analytics = Analytics(nats_url=server.url)

    def application(start: int) -> None:
        async def main() -> None:
            for i in range(start, start + 100):
                await analytics.track_event(query(i))
            assert await analytics.flush(20)

        asyncio.run(main())  # a loop of its own, closed at the end

    threads = [threading.Thread(target=application, args=(n * 100,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await analytics.close()
    assert analytics.statistics().sent == 400
    assert len({e["event_id"] for e in await server.events()}) == 400


async def test_a_closed_client_opens_again(server: Nats) -> None:
    analytics = Analytics(nats_url=server.url)
    for i in range(2):
        assert analytics.track(query(i))
        await analytics.close()
    assert analytics.statistics().sent == 2


def run_script(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


EXITING = """
    from drishti.analytics import AnalyticsEvent, AnalyticsEventType, analytics
    for i in range(300):
        analytics.track(AnalyticsEvent(event_id=f"e{i}", event_type=AnalyticsEventType.FEEDBACK))
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_events_are_flushed_when_the_interpreter_exits(server: Nats, host: str) -> None:
    done = await asyncio.to_thread(run_script, EXITING, DRISHTI_NATS_URL=f"nats://{host}:{server.port}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len({e["event_id"] for e in await server.events()}) == 300


async def test_an_exit_without_a_server_is_not_held_up_for_long() -> None:
    done = await asyncio.to_thread(run_script, EXITING, DRISHTI_NATS_URL=f"nats://127.0.0.1:{free_port()}")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1, done.stderr
    assert "events wait" in done.stderr


FORKING = """
    import os
    from drishti.analytics import AnalyticsEvent, analytics

    def track(name):
        for i in range(50):
            analytics.track(AnalyticsEvent(event_id=f"{name}{i}", event_type="feedback"))

    track("before")
    child = os.fork()
    track("child" if child == 0 else "parent")
    if child:
        _, status = os.waitpid(child, 0)
        assert status == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
async def test_a_forked_child_sends_its_own_events_and_only_those(server: Nats) -> None:
    done = await asyncio.to_thread(run_script, FORKING, DRISHTI_NATS_URL=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    ids = [e["event_id"] for e in await server.events()]
    assert sorted(ids) == sorted(f"{name}{i}" for name in ("before", "child", "parent") for i in range(50))
