"""Replicas share publishing: each metric has one publisher, whoever comes, goes or is killed, and every window ends exactly."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics.publish.shares import PARTITIONS
from drishti.events import Aggregate
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.registry import opened
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, event, request, rig, status_of
from rigs.waiting import wait_until

KINDS = ("dharma_query", "page_view", "feedback")
COUNTED = ("events", "requests", "topics", "request_duration_ms")


@pytest.fixture
async def shared(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Rig]:
    async with rig(own_nats, postgres_url) as world:
        yield world


async def partitions(*ports: int) -> list[int]:
    """How many partitions each analytics publishes."""
    found = [await status_of(port, "/statistics") or (0, {}) for port in ports]
    return [int(known.get("partitions", 0)) for _, known in found]


async def test_replicas_share_the_metrics_and_take_over_what_one_leaves(shared: Rig) -> None:
    async def balanced(*ports: int) -> bool:
        found = await partitions(*ports)
        return sum(found) == PARTITIONS and all(found)

    async with shared.running() as one:
        await wait_until(lambda: balanced(one))
        async with shared.running() as two:
            await wait_until(lambda: balanced(one, two))
            async with shared.running() as three:
                await wait_until(lambda: balanced(one, two, three))
            await wait_until(lambda: balanced(one, two))
        await wait_until(lambda: balanced(one))


class Newest:
    """The newest revision of every window, as a reader keeps it."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, str, int], Aggregate] = {}

    def take(self, seen: Iterable[tuple[Aggregate, Any]]) -> Newest:
        for one, _ in seen:
            key = (one.metric, one.resolution, one.window_start)
            known = self.windows.get(key)
            if known is None or one.revision > known.revision:
                self.windows[key] = one
        return self

    def finals(self, metric: str, resolution: str) -> dict[int, int]:
        """The total counts of final windows that hold something, by their start."""
        return {
            start: one.series[0].count
            for (name, known, start), one in self.windows.items()
            if (name, known) == (metric, resolution) and one.final and one.series[0].count
        }

    def values(self, kpi: str) -> dict[int, float]:
        """The values of final windows that are not nothing, by their start."""
        return {
            start: one.series[0].value
            for (name, _, start), one in self.windows.items()
            if name == kpi and one.final and one.series and one.series[0].value
        }


async def stored(world: Rig, metric: str, resolution: str) -> dict[int, int]:
    answer = await world.ask(metric, "count", resolution=resolution)
    return {start: int(value) for start, value in answer.series[0].points if value}  # type: ignore[union-attr]


async def test_kill_9_of_one_and_the_coming_of_another_lose_no_window_and_end_in_exact_numbers(shared: Rig) -> None:
    """Traffic while a replica is killed, another one comes and one leaves in order: then every second that holds something was
    published as final with exactly the numbers of the answer, and by the revisions no reader ever saw one go backwards."""
    world = shared
    await world.redeliver_after(1)
    sent = 0

    async def traffic(seconds: float) -> None:
        nonlocal sent
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            at = datetime.now(UTC)
            kind = KINDS[sent % len(KINDS)]
            await world.publish(*(event(f"e{sent}-{n}", kind, data={"topic": f"t{n}"}, timestamp=at) for n in range(5)))
            await world.publish_requests(*(request(f"r{sent}-{n}", service=f"s{n}", duration_ms=1.0) for n in range(5)))
            sent += 1
            await asyncio.sleep(0.05)

    both = MetricDefinition(name="both", kind=Kind.DERIVED, expression="count(events) + count(requests)")
    async with opened(world.admin) as registry:
        await registry.put(world.tenant, both, 0)
    async with (
        world.aggregates("1s") as seen,
        world.process() as killed,
        world.running() as calm,
        world.process() as ends,
    ):
        await wait_until(lambda: _all_publish(calm))
        await traffic(2)
        killed.kill()
        await killed.wait()
        await traffic(2)
        async with world.running():
            await traffic(2)
            ends.send_signal(signal.SIGTERM)
            await traffic(2)
            await ends.wait()
        await traffic(1)
        await world.wait_settled()
        for metric in COUNTED:
            wanted = await stored(world, metric, "1s")
            assert sum(wanted.values()) == 5 * sent
            await wait_until(lambda metric=metric, wanted=wanted: Newest().take(seen).finals(metric, "1s") == wanted, seen=seen)
        sums = Counter[int]()
        for metric in ("events", "requests"):
            sums.update(await stored(world, metric, "1s"))
        await wait_until(lambda: Newest().take(seen).values("both") == sums, seen=seen)
        newest = Newest().take(seen)
    silent = [
        (name, start)
        for name in ("events", "requests", "both")
        for start in range(min(s for m, _, s in newest.windows if m == name), max(newest.finals("events", "1s")), 1000)
        if (name, "1s", start) not in newest.windows
    ]
    assert silent == [], "an active counter has every second, also those of the handovers"
    for key in newest.windows:
        counts = [
            one.series[0].count
            for one, _ in sorted(seen, key=lambda found: found[0].revision)
            if (one.metric, one.resolution, one.window_start) == key and one.series
        ]
        if key[0] in FED and FED[key[0]].kind is Kind.COUNTER:
            assert counts == sorted(counts), key


async def _all_publish(port: int) -> bool:
    """Whether two others publish, too: this one has its third, more or less."""
    (found,) = await partitions(port)
    return 0 < found < PARTITIONS // 2
