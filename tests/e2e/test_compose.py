"""The compose stack as a user starts it: all healthy, an event from the gateway to a screen, restarts, and data that stay.

Started where ``DRISHTI_TEST_COMPOSE`` asks for it and Docker answers; ``without-jaeger`` leaves out Jaeger, the one image that
a machine may be unable to get. The files are checked without Docker, in ``tests/unit/deploy/test_compose_files.py``.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect

from drishti.messages import catalogue, subjects
from rigs.compose import ASKED, Stack, reason_to_skip, services
from rigs.waiting import DEADLINE_S, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that is ready."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    result = Stack(folder)
    try:
        result.build()
        result.up()
        yield result
    finally:
        result.compose("down", "--volumes", "--rmi", "local")
        shutil.rmtree(folder)
    assert result.left() == []


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stack.url, headers=stack.authorized) as session:
        yield session


async def post(http: aiohttp.ClientSession, event_type: str, *ids: str) -> None:
    events = [{"event_id": event_id, "event_type": event_type, "user_id": "user123"} for event_id in ids]
    async with http.post("/api/events", json=events) as answer:
        assert (answer.status, await answer.json()) == (202, {"accepted": len(ids), "rejected": []})


async def series(http: aiohttp.ClientSession, metric: str, aggregate: str, **parameters: str) -> list[dict[str, Any]]:
    """The series of the answer over about the last hour; none while analytics is away."""
    now_ms = int(time.time() * 1000)
    asked = {"metric": metric, "aggregate": aggregate, "from": str(now_ms - 3_600_000), "to": str(now_ms + 60_000)}
    async with http.get("/api/analytics/query", params=asked | parameters) as answer:
        return (await answer.json())["series"] if answer.status == 200 else []


async def counted(http: aiohttp.ClientSession, event_type: str) -> float:
    result = await series(http, "events", "count", event_type=event_type)
    return result[0]["total"] if result else 0


def test_every_service_is_healthy_and_the_preparation_is_done(stack: Stack) -> None:
    states = stack.states()
    assert states.pop("prepare")["ExitCode"] == 0
    assert {name: state["Health"] for name, state in states.items()} == dict.fromkeys(states, "healthy")
    assert set(catalogue.SERVICES) | {"nats", "postgres"} <= set(states)


def test_services_run_as_nobody_in_particular_on_a_root_they_cannot_change(stack: Stack) -> None:
    for name in catalogue.SERVICES:
        result = stack.inspect(name)
        assert result["Config"]["User"] == "10001:10001"
        assert result["HostConfig"]["ReadonlyRootfs"]
        with pytest.raises(AssertionError, match="Read-only file system"):
            stack.compose("exec", "-T", name, "touch", "/opt/drishti/file")


def test_ports_are_open_to_this_machine_alone(stack: Stack) -> None:
    published = [port for state in stack.states().values() for port in state["Publishers"] or [] if port["PublishedPort"]]
    assert {port["TargetPort"] for port in published} >= {8000, 4222, 5432}
    assert {port["URL"] for port in published} == {"127.0.0.1"}


async def test_event_is_counted_and_shown(stack: Stack, http: aiohttp.ClientSession) -> None:
    address = f"{stack.url.replace('http', 'ws', 1)}/api/dashboard/ws/user_analytics"
    async with connect(address, additional_headers=stack.authorized, compression=None) as socket:
        first = json.loads(await socket.recv())
        assert (first["type"], first["dashboard"]) == ("snapshot", "user_analytics")
        await post(http, "shown", "s1", "s2", "s3")
        async with asyncio.timeout(DEADLINE_S):
            while not json.loads(await socket.recv())["data"]["values"].get("events.rate{event_type=shown}"):
                pass
    await wait_until(lambda: counted(http, "shown"), "events counted", equals=3)


async def test_page_opens_by_a_link_with_the_key_and_stays_open(stack: Stack) -> None:
    page = f"{stack.url}/api/dashboard/dashboard/system_overview"
    async with aiohttp.ClientSession() as browser:
        async with browser.get(page) as answer:
            assert answer.status == 401
        async with browser.get(page, params={"token": stack.env["DRISHTI_API_KEY"]}) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        async with browser.get(page) as answer:
            assert answer.status == 200


async def test_services_send_their_metrics_through_the_gateway(http: aiohttp.ClientSession) -> None:
    async def seen() -> set[str]:
        result = await series(http, "memory_usage_bytes", "max", group_by="service")
        return {entry["labels"]["service"] for entry in result}

    own = {subjects.token(subjects.own_name(service)) for service in catalogue.SERVICES}
    await wait_until(seen, "services that say how much memory they use", equals=own)


async def test_spans_of_every_service_reach_jaeger(stack: Stack, http: aiohttp.ClientSession) -> None:
    if ASKED == "without-jaeger":
        pytest.skip("DRISHTI_TEST_COMPOSE=without-jaeger")
    await post(http, "traced", "t1")

    async def seen() -> bool:
        async with http.get(f"http://localhost:{stack.env['JAEGER_PORT']}/api/v3/services") as answer:
            return set(catalogue.SERVICES) <= set((await answer.json())["services"])

    await wait_until(seen, "services that Jaeger knows")


async def test_restarted_services_go_on(stack: Stack, http: aiohttp.ClientSession) -> None:
    await post(http, "restarted", "r1")
    await wait_until(lambda: counted(http, "restarted"), "the event before the restart", equals=1)
    stack.compose("restart", "analytics", "nats")
    await wait_until(lambda: ready(http), "the gateway ready again")
    await post(http, "restarted", "r1", "r2")
    await wait_until(lambda: counted(http, "restarted"), "the events around the restart", equals=2)
    stack.up()


async def test_service_that_ends_is_started_again(stack: Stack) -> None:
    before = stack.inspect("predictor")["State"]["Pid"]
    stack.compose("exec", "--detach", "predictor", "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")

    async def restarted() -> bool:
        result = stack.inspect("predictor")
        return result["RestartCount"] == 1 and result["State"]["Health"]["Status"] == "healthy"

    await wait_until(restarted, "the predictor started again and healthy")
    assert stack.inspect("predictor")["State"]["Pid"] != before


async def test_data_survive_down_and_up(stack: Stack) -> None:
    async with aiohttp.ClientSession(stack.url, headers=stack.authorized) as http:
        await post(http, "kept", "k1", "k2")
        await wait_until(lambda: counted(http, "kept"), "events before", equals=2)
    stack.compose("down")
    assert stack.states() == {}
    stack.up()
    async with aiohttp.ClientSession(stack.url, headers=stack.authorized) as http:
        await wait_until(lambda: counted(http, "kept"), "events after", equals=2)
        await post(http, "kept", "k2", "k3")
        await wait_until(lambda: counted(http, "kept"), "events after, with one sent again", equals=3)


async def test_sample_application_is_seen(stack: Stack, http: aiohttp.ClientSession) -> None:
    stack.up("wisdom")

    async def routes() -> set[str]:
        return {
            entry["labels"]["route"] for entry in await series(http, "requests", "count", service="wisdom", group_by="route")
        }

    assert await wait_until(routes, "requests of the sample application")
    stack.compose("stop", "wisdom")


def test_logs_hold_no_secret(stack: Stack) -> None:
    said = stack.compose("logs", "--no-color")
    assert "drishti.service.lifecycle listening" in said
    secrets = {
        name: stack.env[name] for name in stack.env if name.endswith(("_PASSWORD", "_SECRET", "_KEY")) or "PASSWORD" in name
    }
    assert len(secrets) == 10
    assert [name for name, text in secrets.items() if text in said] == []


def test_every_container_has_the_limit_of_its_file(stack: Stack) -> None:
    for name, state in stack.states().items():
        if state["State"] == "running":
            limit = stack.inspect(name)["HostConfig"]["Memory"]
            assert limit == int(services()[name]["mem_limit"].removesuffix("m")) << 20, name


async def ready(http: aiohttp.ClientSession) -> bool:
    async with http.get("/readyz") as answer:
        return answer.status == 200
