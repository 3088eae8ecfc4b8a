"""The SDKs of PostHog, Segment and RudderStack as they are, and CloudEvents over NATS: what they send is rows, each once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from drishti.messages import subjects
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import gateway, node
from rigs.analytics import Rig
from rigs.programs import outcome, program
from rigs.waiting import DEADLINE_S, wait_until

CLIENTS = Path(__file__).resolve().parents[2] / "clients" / "sources"
SDKS = ("posthog", "segment", "rudderstack")
STEPS = 50


async def send_by_python(sdk: str, url: str, key: str, stop: asyncio.Event) -> int:
    """How many steps the SDK delivered, from now until ``stop``."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "client.py", sdk, url, key)
    async with program(*command, cwd=CLIENTS, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        await stop.wait()
        async with asyncio.timeout(DEADLINE_S):
            output, errors = await process.communicate(b"stop\n")
    assert process.returncode == 0, (sdk, output, errors)
    return int(output.split()[-1])


async def stored(world: Rig, tenant: str) -> list[dict[str, Any]]:
    """The rows of events of ``tenant``, once all that is on the bus is stored."""
    await world.wait_settled()
    connection = await world.connect()
    try:
        rows = await connection.fetch("SELECT * FROM events WHERE tenant = $1 ORDER BY time", tenant)
    finally:
        await connection.close()
    return [{**row, "data": json.loads(row["data"] or "{}")} for row in rows]


def check_story(rows: list[dict[str, Any]], sdk: str) -> None:
    """Everything that an SDK says of its visitor is there, by the names that it has for all of them."""
    user, visitor = f"u-{sdk}", f"a-{sdk}"
    whose = (user, visitor, None) if sdk == "posthog" else (user, visitor)  # PostHog's groups are nobody's
    of = {row["event_type"]: row for row in rows if row["user_id"] in whose}
    viewed, known, grouped, ordered = of["page_view"], of["identify"], of["group"], of["order_completed"]
    assert viewed["user_id"] == visitor
    assert viewed["data"]["anonymous"] is True
    assert known["user_id"] == user
    assert known["data"]["set"]["plan"] == "pro"
    assert known["data"]["anonymous_id"] == visitor
    assert of["alias"]["data"]["previous_id"]
    assert grouped["data"].items() >= {"group_id": "c1", "set": {"size": 3}}.items()
    assert ordered["data"].items() >= {"event_name": "Order Completed", "total": 5, "größe": ["L"]}.items()
    assert (viewed if sdk == "posthog" else ordered)["session_id"] == "s1"


@pytest.fixture
async def served(own_nats: NatsServer) -> AsyncIterator[gateway.Rig]:
    async with gateway.running(own_nats) as rig:
        yield rig


async def test_what_the_sdks_for_python_send_is_stored(world: Rig, served: gateway.Rig) -> None:
    key = await served.key("producer")
    stop = asyncio.Event()
    async with world.running(), asyncio.TaskGroup() as sending:
        tasks = {sdk: sending.create_task(send_by_python(sdk, served.url, key, stop)) for sdk in SDKS}

        async def all_sent() -> bool:
            users = {event.get("user_id") for event in await served.events() if event["event_type"] == "step"}
            return len(users) == len(SDKS)

        await wait_until(all_sent)
        stop.set()
        counts = {sdk: await task for sdk, task in tasks.items()}
        rows = await stored(world, served.tenant)
    for sdk, count in counts.items():
        check_story(rows, sdk)
        steps = [row["data"]["n"] for row in rows if row["event_type"] == "step" and row["user_id"] == f"u-{sdk}"]
        assert sorted(steps) == list(range(count))


async def test_what_the_sdks_for_node_send_is_stored(world: Rig, served: gateway.Rig) -> None:
    await node.install(CLIENTS)
    key = await served.key("producer")
    command = ("node", "client.mjs", served.url, key, str(STEPS))
    async with world.running():
        status, output, errors = await outcome(*command, cwd=CLIENTS, env=node.environment())
        assert status == 0, output + errors
        rows = await stored(world, served.tenant)
    for sdk in SDKS:
        check_story(rows, sdk)
        steps = [row["data"]["n"] for row in rows if row["event_type"] == "step" and row["user_id"] == f"u-{sdk}"]
        assert sorted(steps) == list(range(STEPS))


async def test_a_gateway_that_is_killed_loses_nothing_and_counts_nothing_twice(world: Rig, own_nats: NatsServer) -> None:
    port = str(free_port())
    stop = asyncio.Event()
    async with world.running():
        async with gateway.running_process(own_nats, GATEWAY_PORT=port) as (first, process), asyncio.TaskGroup() as sending:
            key = await first.key("producer")
            tasks = [sending.create_task(send_by_python(sdk, first.url, key, stop)) for sdk in SDKS]
            await wait_until(lambda: _steps_of_all(first))
            process.kill()
            await process.wait()
            before = len(await first.events())
            async with gateway.running_process(own_nats, GATEWAY_PORT=port):

                async def goes_on() -> bool:
                    return len(await first.events()) > before + len(SDKS) * STEPS

                await wait_until(goes_on)
                stop.set()
                counts = dict(zip(SDKS, [await task for task in tasks], strict=True))
        rows = await stored(world, first.tenant)
    for sdk, count in counts.items():
        steps = [row["data"]["n"] for row in rows if row["event_type"] == "step" and row["user_id"] == f"u-{sdk}"]
        assert sorted(steps) == list(range(count))


async def _steps_of_all(rig: gateway.Rig) -> bool:
    return len({event.get("user_id") for event in await rig.events() if event["event_type"] == "step"}) == len(SDKS)


async def test_cloudevents_on_the_bus_are_rows_and_what_is_none_is_a_dead_letter(world: Rig) -> None:
    now = datetime.now(UTC)
    about = {"source": "/shop", "type": "com.example.Order.Paid", "time": now, "subject": "order 7", "userid": "u1"}
    subject = subjects.events(world.tenant, "com_example_order_paid")
    async with world.running():
        for number, encode in enumerate((to_binary_event, to_structured_event)):
            message = encode(CloudEvent({**about, "id": str(number)}, {"total": 5}))
            for _ in range(2):
                await world.admin.publish(subject, message.body, headers=dict(message.headers))
        array = to_binary_event(CloudEvent({**about, "id": "array", "datacontenttype": "application/json"}, [1, 2]))
        await world.admin.publish(subject, array.body, headers=dict(array.headers))
        wrong = {**array.headers, "ce-time": "never"}
        await world.admin.publish(subject, array.body, headers=wrong)
        nul = to_binary_event(CloudEvent({**about, "id": "nul"}, {"text": "\0"}))
        await world.admin.publish(subject, nul.body, headers=dict(nul.headers))
        rows = await stored(world, world.tenant)
        letters = await world.dead()
    assert {row["event_id"]: row["data"].get("total") for row in rows} == {"/shop 0": 5, "/shop 1": 5, "/shop array": None}
    assert len(rows) == 3
    assert {row["event_type"] for row in rows} == {"com_example_order_paid"}
    assert {row["user_id"] for row in rows} == {"u1"}
    assert all(row["data"]["cloudevent"]["subject"] == "order 7" for row in rows)
    assert [row["data"].get("data") for row in rows if row["event_id"] == "/shop array"] == [[1, 2]]
    assert sorted(letter.reason.partition(":")[0] for letter in letters) == ["data.text", "time"]
    assert {letter.payload for letter in letters} == {array.body, nul.body}
