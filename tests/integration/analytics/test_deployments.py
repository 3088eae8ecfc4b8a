"""A new ``service.version`` in spans is a deployment: reported once, by one replica."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

import pytest

from analytics.spans import service_versions
from analytics.traces import deployments
from drishti.events import ChangeInsight
from drishti.messages import subjects
from rigs import otlp_spans as making
from rigs.analytics import Rig
from rigs.waiting import wait_until

MINUTE_S = 60

_ids = count(1)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployments, "EVERY_S", 0.1)


async def send(world: Rig, service: str, version: str | None, at_s: int) -> None:
    trace = next(_ids).to_bytes(16, "big")
    span = making.span(trace, trace[8:], "GET /tea", start_ns=at_s * 10**9, duration_ms=5)
    about = {} if version is None else {"service.version": version}
    message = making.resource_spans(service, [span], **about)
    await world.admin.publish(subjects.spans(world.tenant, service), message.SerializeToString())


async def reported(world: Rig) -> list[ChangeInsight]:
    return await world.insights("change", ChangeInsight)


async def last_seen(world: Rig, version: str) -> int | None:
    """In epoch seconds, as far as it is written."""
    data = await world.fetchval("SELECT data FROM service_versions WHERE tenant = $1 AND service = 'web'", world.tenant)
    seen = service_versions.decode(data).versions.get(version)
    return None if seen is None else seen.last_ms // 1000


async def test_each_deployment_is_reported_once_by_whichever_replica(world: Rig, soon: None) -> None:
    start = int(time.time()) // MINUTE_S * MINUTE_S - 20 * MINUTE_S
    web = ["1.0", "1.0", "1.0 1.1", "1.0 1.1", "1.1", "1.1", "1.1", "1.1"]
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        for minute, versions in enumerate(web):
            for version in versions.split():
                at = start + minute * MINUTE_S
                await send(world, "web", version, at)
                await wait_until(partial(last_seen, world, version), equals=at)
            await send(world, "shop", "7", start + minute * MINUTE_S)
            await send(world, "no-version", None, start + minute * MINUTE_S)
        await send(world, "web", "1.0", start + 8 * MINUTE_S)

        async def all_told() -> int:
            return len(await reported(world))

        await wait_until(all_told, equals=2)
        # A marker behind them: what comes after the deployment of another service is all that there is.
        await send(world, "marker", "1", start)
        await send(world, "marker", "2", start + MINUTE_S)
        await wait_until(all_told, equals=3)
        told = await reported(world)
    told.sort(key=lambda one: (one.services, one.at))
    assert [(one.services, one.version, one.change) for one in told] == [
        (["marker"], "2", "deployment"),
        (["web"], "1.1", "deployment"),
        (["web"], "1.0", "deployment"),
    ]
    assert [one.at // 1000 - start for one in told[1:]] == [2 * MINUTE_S, 8 * MINUTE_S]
    assert told[1].message == "web runs version 1.1; before: 1.0"
    assert told[2].message == "web is back at version 1.0; before: 1.1"
