"""Several predictors on a real NATS: they share the series, and take over from each other without a lost or doubled alarm."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from nats.aio.msg import Msg

from drishti.bus import streams
from drishti.bus.connection import Bus, connect
from drishti.events import Aggregate, AggregateSeries, Insight, InsightDecoder, encode
from drishti.messages import catalogue, subjects
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from predictor.app import Predictor, serve
from predictor.artefacts import encoding
from predictor.artefacts.store import ModelStore
from predictor.replicas import assignment
from predictor.replicas.assignment import PARTITIONS
from predictor.settings import PredictorSettings
from rigs.analytics import status_of
from rigs.predictor_service import predictor_on
from rigs.waiting import DEADLINE_S, wait_until

TAKEN_OVER_S = 10.0
TENANTS = tuple(f"tenant-{i}" for i in range(6))
LABELS: tuple[dict[str, str], ...] = ({}, {"service": "wisdom"})


class Traffic:
    """Windows of every tenant, each second, three seconds old, ``errors`` in each of them; and the insights as they come."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.errors = 0
        self.received: list[tuple[float, Insight]] = []
        self._next = int(time.time()) - 150

    async def run(self, stop: asyncio.Event) -> None:
        start = datetime.now(UTC)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                self.bus.replay("INSIGHTS", subjects=["insights.v1.>"], start=start, handler=self._take, stop=stop)
            )
            while not stop.is_set():
                while self._next <= time.time() - 4.0:
                    await asyncio.gather(*(self._publish(tenant) for tenant in TENANTS))
                    self._next += 1
                await asyncio.sleep(0.05)

    def opened(self, tenant: str) -> list[float]:
        return [at for at, insight in self.received if insight.phase == "opened" and insight.tenant == tenant]

    def phases(self, phase: str) -> Counter[str]:
        return Counter(str((i.tenant, i.field, *i.labels)) for _, i in self.received if i.phase == phase)

    def about(self) -> object:
        return [(round(at, 1), i.tenant, i.field, len(i.labels), i.phase) for at, i in self.received if i.phase]

    async def _publish(self, tenant: str) -> None:
        second = self._next
        window = Aggregate(
            tenant=tenant,
            metric="requests",
            unit="{request}",
            resolution="1s",
            window_start=second * 1000,
            revision=second * 1000 + 3000,
            final=True,
            published_at=second * 1000 + 3000,
            series=[AggregateSeries(labels=x, count=8 + second % 5, errors=self.errors) for x in LABELS],
        )
        await self.bus.publish(subjects.aggregates(tenant, "1s", "requests"), encode(window))

    async def _take(self, msg: Msg) -> None:
        self.received.append((time.monotonic(), InsightDecoder().decode(msg.data)))


@contextlib.asynccontextmanager
async def traffic(bus: Bus) -> AsyncIterator[Traffic]:
    stop = asyncio.Event()
    running = Traffic(bus)
    task = asyncio.create_task(running.run(stop))
    yield running
    stop.set()
    await task


class Replica:
    """A predictor in a process of its own, by its name on the roll."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process = process
        self.name = name

    def owns(self, tenant: str, living: set[str]) -> bool:
        return assignment.partition(subjects.aggregates(tenant, "1s", "requests")) in assignment.owned(self.name, living)


@contextlib.asynccontextmanager
async def process(nats: NatsServer, bus: Bus, log: list[str]) -> AsyncIterator[Replica]:
    settings = nats.settings("predictor")
    env = {
        **os.environ,
        "DRISHTI_NATS_URL": settings.url,
        "NATS_USER": settings.user,
        "NATS_PASSWORD": settings.password.reveal(),
        "PREDICTOR_HEALTH_PORT": str(free_port()),
        "PREDICTOR_WATCH": "requests.error_rate",
        "PREDICTOR_FORECAST_EVERY_S": "3600",
    }
    before = await roll(bus)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "predictor", env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )

    async def listen() -> None:
        assert child.stdout is not None
        while line := await child.stdout.readline():
            log.append(line.decode())

    listening = asyncio.create_task(listen())
    try:
        await wait_until(lambda: came(bus, before), seen=log)
        (name,) = await roll(bus) - before
        yield Replica(child, name)
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGCONT)
            child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            await child.wait()
            await listening


async def came(bus: Bus, before: set[str]) -> bool:
    return len(await roll(bus) - before) == 1


async def roll(bus: Bus) -> set[str]:
    """The names in the bucket, whether they live or not."""
    kv = await bus.kv(catalogue.PREDICTORS_BUCKET)
    info = await bus.js.stream_info(f"KV_{catalogue.PREDICTORS_BUCKET}", subjects_filter="$KV.predictors.>")
    names = [subject.removeprefix("$KV.predictors.") for subject in info.state.subjects or ()]
    return {name for name in names if (await kv._js.get_last_msg(kv._stream, f"$KV.predictors.{name}")).data}


def watched(seen: Traffic) -> bool:
    """Every tenant's two series know what is normal."""
    return len({(i.tenant, *i.labels) for _, i in seen.received if i.phase is None and i.state == "ready"}) == 2 * len(TENANTS)


async def saved(bus: Bus) -> bool:
    """Every tenant's state is in the object store."""
    store = ModelStore(bus)
    numbers = {assignment.partition(subjects.aggregates(tenant, "1s", "requests")) for tenant in TENANTS}
    return all([await store.load(encoding.name(encoding.DETECTOR, number)) is not None for number in numbers])


async def test_killed_replica_is_taken_over_while_its_incidents_open(own_nats: NatsServer, admin: Bus) -> None:
    logs: tuple[list[str], list[str]] = ([], [])
    async with traffic(admin) as seen, process(own_nats, admin, logs[0]) as first, process(own_nats, admin, logs[1]) as second:
        living = {first.name, second.name}
        of_first = [tenant for tenant in TENANTS if first.owns(tenant, living)]
        victim = first if of_first else second
        theirs = [tenant for tenant in TENANTS if victim.owns(tenant, living)]
        await wait_until(lambda: watched(seen), seen=seen.about)
        await wait_until(lambda: saved(admin), seen=logs)
        seen.errors = 5
        await asyncio.sleep(3)  # errors that are not yet enough for an alarm
        assert seen.about() == [], "no alarm yet"
        victim.process.kill()
        killed = time.monotonic()
        await wait_until(
            lambda: all(len(seen.opened(tenant)) == len(LABELS) for tenant in TENANTS), seen=lambda: (seen.about(), logs)
        )
        took = max(at for tenant in theirs for at in seen.opened(tenant)) - killed
        undisturbed = max((at for t in TENANTS if t not in theirs for at in seen.opened(t)), default=killed) - killed
        seen.errors = 0
        await wait_until(
            lambda: seen.phases("resolved").total() == len(LABELS) * len(TENANTS), seen=lambda: (seen.about(), logs)
        )
    print(f"alarms {took:.1f} s after the kill; undisturbed ones {undisturbed:.1f} s")
    assert set(seen.phases("opened").values()) == {1}
    assert set(seen.phases("resolved").values()) == {1}
    assert took < max(undisturbed, 0) + TAKEN_OVER_S


async def test_stopped_replica_that_goes_on_says_nothing_twice(own_nats: NatsServer, admin: Bus) -> None:
    logs: tuple[list[str], list[str]] = ([], [])
    async with traffic(admin) as seen, process(own_nats, admin, logs[0]) as first, process(own_nats, admin, logs[1]) as second:
        living = {first.name, second.name}
        stopped, log = (first, logs[0]) if any(first.owns(tenant, living) for tenant in TENANTS) else (second, logs[1])
        await wait_until(lambda: watched(seen), seen=seen.about)
        await wait_until(lambda: saved(admin), seen=logs)
        seen.errors = 5
        stopped.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        await wait_until(
            lambda: all(len(seen.opened(tenant)) == len(LABELS) for tenant in TENANTS), seen=lambda: (seen.about(), logs)
        )
        await asyncio.sleep(began + 15 - time.monotonic())  # long after its records have expired
        before = rolls(log)
        stopped.process.send_signal(signal.SIGCONT)
        await wait_until(lambda: rolls(log) > before, seen=logs)
        seen.errors = 0
        await wait_until(
            lambda: seen.phases("resolved").total() == len(LABELS) * len(TENANTS), seen=lambda: (seen.about(), logs)
        )
    assert set(seen.phases("opened").values()) == {1}
    assert set(seen.phases("resolved").values()) == {1}


def rolls(log: list[str]) -> int:
    """How often a replica said who lives."""
    return sum("replicas" in line for line in log)


@contextlib.asynccontextmanager
async def here(nats: NatsServer) -> AsyncIterator[Predictor]:
    """A predictor in this process, with a connection and the rights of its own."""
    bus = await connect(nats.settings("predictor"), name="predictor")
    async with predictor_on(bus, watch=("requests.error_rate",), forecast_every_s=3600) as predictor:
        yield predictor
    await bus.close()


def divided(*predictors: Predictor) -> bool:
    """Whether every partition is owned exactly once."""
    owned = Counter(number for predictor in predictors for number in predictor.partitions.owned)
    return len(owned) == PARTITIONS and set(owned.values()) == {1} and all(p.partitions.owned for p in predictors)


async def test_replicas_divide_the_partitions_and_who_leaves_hands_over_at_once(own_nats: NatsServer, admin: Bus) -> None:
    async with traffic(admin) as seen, here(own_nats) as first:
        assert divided(first), "alone it owns everything at once"
        await wait_until(lambda: watched(seen), seen=seen.about)
        async with here(own_nats) as second:
            await wait_until(lambda: divided(first, second), seen=lambda: first.membership.share)
            async with here(own_nats) as third:
                await wait_until(lambda: divided(first, second, third), seen=lambda: first.membership.share)
                await wait_until(lambda: follow(seen, first, second, third), seen=seen.about)
            left = time.monotonic()
            await wait_until(lambda: divided(first, second), seen=lambda: first.membership.share)
            assert time.monotonic() - left < assignment.GONE_S / 2, "nobody waits for the heartbeat of who said goodbye"
        await wait_until(lambda: divided(first), seen=lambda: first.membership.share)
        await wait_until(lambda: follow(seen, first), seen=seen.about)
    states = [(i.tenant, len(i.labels), i.state) for _, i in seen.received if i.phase is None]
    assert len(states) == len(set(states)), "no series began to learn again"


def follow(seen: Traffic, *predictors: Predictor) -> bool:
    """Whether the partitions of all tenants are held, and their newest window is judged."""
    held = [partition for predictor in predictors for partition in predictor.partitions.held]
    tenants = {key.tenant for partition in held for key in partition.engine.table.keys}
    return tenants == set(TENANTS) and all(partition.engine.judged_until() >= time.time() - 7 for partition in held)


async def test_share_is_kept_while_the_bus_is_away(own_nats: NatsServer, admin: Bus) -> None:
    async with here(own_nats) as first, here(own_nats) as second:
        await wait_until(lambda: divided(first, second), seen=lambda: first.membership.share)
        own_nats.stop()
        await wait_until(
            lambda: first.membership.share is None and second.membership.share is None, seen=lambda: first.membership.share
        )
        assert divided(first, second), "without a record nobody is dead"
        own_nats.start()
        await wait_until(
            lambda: None not in (first.membership.share, second.membership.share), seen=lambda: first.membership.share
        )
        await wait_until(lambda: divided(first, second), seen=lambda: first.membership.share)


async def test_replica_is_not_ready_while_it_cannot_ask_what_was_saved(
    own_nats: NatsServer, admin: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    await admin.js.delete_object_store(catalogue.MODELS_BUCKET)
    port, stop, failing = free_port(), asyncio.Event(), dict[str, str]()

    async def says(wanted: int) -> bool:
        status, body = await status_of(port, "/readyz") or (0, {})
        failing.clear()
        failing.update(body.get("failing", {}))
        return status == wanted

    async def waits_for_the_store() -> bool:
        return await says(503) and "object store" in failing.get("partitions", "")

    settings = PredictorSettings(bus=own_nats.settings("predictor"), port=port, watch=("requests.error_rate",))
    serving = asyncio.create_task(serve(settings, stop))
    try:
        await wait_until(waits_for_the_store, seen=lambda: failing)
        assert set(failing) <= {"partitions", "streams"}
        assert len([record for record in caplog.records if "object store" in record.message]) == 1
        await streams.declare(admin.js)
        await wait_until(lambda: says(200), seen=lambda: failing)
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await serving
