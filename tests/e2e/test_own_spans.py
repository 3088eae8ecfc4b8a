"""Spans of the services themselves go through the gateway like everybody's: shown to the tenant whose work they are about and
to nobody else, and none about their own way."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from drishti.bus import keys
from drishti.bus.connection import Bus, connect
from drishti.messages import catalogue, subjects
from drishti.settings import BusSettings, Secret
from drishti_local.home import Home
from drishti_local.ports import free_port
from rigs.local_run import PORTS, Running
from rigs.waiting import wait_until

QUIET_S = 20.0
"""Services send their metrics four times in it, and analytics adds up a minute or none."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a newcomer's shell has: nothing about tracing."""
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    folder = tmp_path_factory.mktemp("own-spans")
    folder.chmod(0o711)
    for above in folder.parents[:3]:
        above.chmod(0o711)
    return {**passed, **{name: str(free_port()) for name in PORTS}, "DRISHTI_HOME": str(folder / "home")}


@pytest.fixture(scope="module")
def quiet(environment: dict[str, str]) -> Iterator[Running]:
    with Running(environment) as running:
        running.ready()
        yield running
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < 45, "nobody waits for who has ended"


class Tenant:
    """A tenant with a key that may everything."""

    def __init__(self, http: aiohttp.ClientSession, url: str, key: str) -> None:
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    async def post(self, event_type: str, traceparent: str | None = None) -> None:
        event = {"event_id": uuid.uuid4().hex, "event_type": event_type, "user_id": "somebody"}
        headers = self._headers | ({"traceparent": traceparent} if traceparent else {})
        async with self._http.post(f"{self._url}/api/events", json=event, headers=headers) as answer:
            assert answer.status == 202

    async def spans_of(self, trace: str) -> list[dict[str, Any]]:
        async with self._http.get(f"{self._url}/api/analytics/traces/{trace}", headers=self._headers) as answer:
            if answer.status == 404:
                return []
            assert answer.status == 200
            found: list[dict[str, Any]] = (await answer.json())["spans"]
            return found

    async def services_of(self, trace: str) -> set[str]:
        return {span["service"] for span in await self.spans_of(trace)}


@pytest.fixture
async def bus(quiet: Running, environment: dict[str, str]) -> AsyncIterator[Bus]:
    password = Home(Path(environment["DRISHTI_HOME"])).secrets(catalogue.USERS).nats[catalogue.ADMIN]
    url = f"nats://127.0.0.1:{environment['NATS_PORT']}"
    opened = await connect(BusSettings(url=url, user=catalogue.ADMIN, password=Secret(password)), name=catalogue.ADMIN)
    yield opened
    await opened.close()


@pytest.fixture
async def tenants(bus: Bus, environment: dict[str, str]) -> AsyncIterator[dict[str, Tenant]]:
    kv = await bus.kv(catalogue.API_KEYS_BUCKET)
    url = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
    async with aiohttp.ClientSession() as http:
        made = {}
        for name in ("default", "acme", "beta"):
            _, text = await keys.create(kv, name=name, tenant=name, role="admin", now=datetime.now(UTC))
            made[name] = Tenant(http, url, text)
            await wait_until(lambda text=text: known(http, url, text), "the key is known")
        yield made


async def known(http: aiohttp.ClientSession, url: str, key: str) -> bool:
    async with http.get(f"{url}/api/analytics/metrics", headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status == 200


async def stored(bus: Bus) -> int:
    """Messages of spans so far."""
    return int((await bus.js.stream_info("SPANS")).state.last_seq)


async def test_a_trace_has_the_services_and_only_its_tenant_sees_it(tenants: dict[str, Tenant]) -> None:
    trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    await tenants["acme"].post("asked", f"00-{trace}-{parent}-01")

    await wait_until(
        lambda: tenants["acme"].services_of(trace), "services in the trace", equals=set(map(own, catalogue.SERVICES))
    )
    for other in ("default", "beta"):
        assert await tenants[other].spans_of(trace) == []
    spans = await tenants["acme"].spans_of(trace)
    names = {(span["service"], span["name"]) for span in spans}
    gateway, analytics = own(catalogue.GATEWAY), own(catalogue.ANALYTICS)
    assert {(gateway, "POST /api/events"), (gateway, "publish EVENTS"), (analytics, "process EVENTS")} <= names


async def test_batches_of_several_tenants_name_no_trace_of_anybody(tenants: dict[str, Tenant]) -> None:
    """Their events are stored together, in one span that belongs to none of them."""
    of = {name: uuid.uuid4().hex for name in ("acme", "beta")}
    await asyncio.gather(
        *(tenants[name].post("together", f"00-{trace}-{'1' * 16}-01") for name, trace in of.items() for _ in range(5))
    )
    for name, trace in of.items():
        await wait_until(lambda name=name, trace=trace: has_analytics(tenants[name], trace), "stored in the trace")
        for other in {"default", "acme", "beta"} - {name}:
            assert await tenants[other].spans_of(trace) == []


async def has_analytics(tenant: Tenant, trace: str) -> bool:
    return own(catalogue.ANALYTICS) in await tenant.services_of(trace)


def own(service: str) -> str:
    return subjects.token(subjects.own_name(service))


async def test_a_quiet_product_makes_next_to_no_spans(tenants: dict[str, Tenant], bus: Bus) -> None:
    """Neither what exporting, storing and publishing spans and metrics does, nor the traces of before go on by themselves."""
    trace = uuid.uuid4().hex
    await tenants["default"].post("before", f"00-{trace}-{'2' * 16}-01")
    services = set(map(own, catalogue.SERVICES))
    await wait_until(lambda: tenants["default"].services_of(trace), "services in the trace", equals=services)
    counts = [await stored(bus)]

    async def settled() -> bool:
        await asyncio.sleep(3)
        counts.append(await stored(bus))
        return counts[-1] == counts[-2]

    await wait_until(settled, "no more spans of the requests above")
    before = counts[-1]
    await asyncio.sleep(QUIET_S)
    assert await stored(bus) - before <= 3, "messages of spans in a quiet time"
