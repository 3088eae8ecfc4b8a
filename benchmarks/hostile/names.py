"""``python -m benchmarks.hostile.names``: what new names cost the other tenants, and the memory of analytics.

One tenant floods, another works as always. The flood is, in order: 10,000 events in one request, each of a type of its own;
50,000 new routes, users, services and OTLP service names, spread over a minute; and a megabyte of junk in one message on the
bus. Meanwhile the other tenant sends some events a second, asks how many there were, and reads its dashboard; the resident
memory of analytics is read every half second, and once more when everything has been quiet for longer than a series stays
active. At the end everything that the other tenant sent must be counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from benchmarks.hostile.report import report
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Session
from benchmarks.stack import Stack, local, running
from benchmarks.table import Result
from drishti import settings
from drishti.bus import keys
from drishti.bus.connection import Bus, connect
from drishti.messages import attributes, catalogue, subjects
from drishti.settings import BusSettings
from drishti.waiting import pause

QUESTION_AT_MOST_S = 1.0
SCREEN_AT_MOST_MS = 3_000
MEMORY_AT_MOST_MB = 80
JUNK_AT_MOST_S = 2.0

FLOOD, CALM = "flood", "calm"
TYPES = 10_000
NAMES = 50_000
NAMES_S = 60
WATCH_S = 30
RESOURCES = 500
"""OTLP resources in one export."""

DASHBOARD = "user_analytics"
KIND = "beside_the_flood"


@dataclass
class Seen:
    """What the calm tenant saw, and what analytics had in memory, during one part of the flood."""

    questions: list[float] = field(default_factory=list)
    screens: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    failed: int = 0

    def p95_s(self) -> float:
        return statistics.quantiles(self.questions, n=20)[-1] if len(self.questions) > 1 else float("inf")


class World:
    """The product, its two tenants and the process that is watched."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, bus: Bus, texts: dict[str, str]) -> None:
        self.bus = bus
        self.sent = 0
        self.seen = Seen()
        self._http = http
        self._texts = texts
        self._url = f"http://127.0.0.1:{stack.ports['GATEWAY_PORT']}"
        self._analytics = next(p for p in stack.processes() if "analytics" in p.cmdline())

    def memory_mb(self) -> float:
        return float(self._analytics.memory_info().rss) / 1e6

    async def post(self, tenant: str, path: str, body: bytes, media_type: str = "application/json") -> int:
        headers = {
            "Authorization": f"Bearer {self._texts[tenant]}",
            "Content-Type": media_type,
            "Content-Encoding": "gzip",
        }
        async with self._http.post(self._url + path, data=gzip.compress(body, 1), headers=headers) as answer:
            await answer.read()
            return answer.status

    async def get(self, path: str, **params: str | int) -> Any:
        headers = {"Authorization": f"Bearer {self._texts[CALM]}"}
        async with self._http.get(self._url + path, params=params, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def counted(self) -> int:
        now = int(time.time() * 1000)
        about: dict[str, str | int] = {"metric": "events", "aggregate": "count", "event_type": KIND}
        answered = await self.get("/api/analytics/query", **about, **{"from": now - 3_600_000, "to": now + 1000})
        return int(sum(series["total"] or 0 for series in answered["series"]))

    async def send_calm(self, count: int = 1) -> None:
        events = [{"event_id": uuid.uuid4().hex, "event_type": KIND, "user_id": f"u{n}"} for n in range(count)]
        if await self.post(CALM, "/api/events", msgspec.json.encode(events)) == 202:
            self.sent += count
        else:
            self.seen.failed += 1

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Seen]:
        """The calm tenant at work while the block lasts."""
        self.seen = Seen()
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for each, work in ((0.2, self.send_calm), (0.5, self._look)):
                group.create_task(self._every(each, work, over))
            try:
                yield self.seen
            finally:
                over.set()  # what is on its way ends first: an event without an answer may be counted or not

    async def _look(self) -> None:
        self.seen.memory.append(self.memory_mb())
        began = time.monotonic()
        try:
            await self.counted()
        finally:
            self.seen.questions.append(time.monotonic() - began)
        state = await self.get(f"/api/dashboard/state/{DASHBOARD}")
        self.seen.screens.append(float(state["data"]["values"]["freshness_ms"] or 0))

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]], over: asyncio.Event) -> None:
        while not over.is_set():
            began = time.monotonic()
            try:
                await work()
            except (aiohttp.ClientError, TimeoutError):
                self.seen.failed += 1
            await pause(over, max(0.0, began + seconds - time.monotonic()))


@contextlib.asynccontextmanager
async def world(folder: Session) -> AsyncIterator[World]:
    """``make run``, ready, with a key for each of the two tenants, after some quiet traffic."""
    async with running(local("run"), folder.folder("names") / "home") as stack, aiohttp.ClientSession() as http:
        env = dict(line.split("=", 1) for line in (stack.home / "admin.env").read_text().splitlines() if "=" in line)
        env = {name.removeprefix("export ").strip(): value.strip("'\"") for name, value in env.items()}
        bus = await connect(settings.load(BusSettings, env), name="admin")
        try:
            kv = await bus.kv(catalogue.API_KEYS_BUCKET)
            now = datetime.now(UTC)
            texts = {t: (await keys.create(kv, name=t, tenant=t, role="admin", now=now))[1] for t in (FLOOD, CALM)}
            made = World(stack, http, bus, texts)
            deadline = time.monotonic() + 30
            while await made.post(CALM, "/api/events", b"[]") in (401, 403):  # until the gateway knows the keys
                if time.monotonic() > deadline:
                    raise BenchmarkFailed("the gateway does not know the new keys")
                await asyncio.sleep(0.2)
            yield made
        finally:
            await bus.close()


async def flood_types(flooded: World) -> None:
    now = datetime.now(UTC)
    events = [
        {
            "event_id": uuid.uuid4().hex,
            "event_type": f"{n:05d}".ljust(64, "x"),
            "timestamp": (now - timedelta(seconds=2 + n / 500)).isoformat(),
        }
        for n in range(TYPES)
    ]
    if (status := await flooded.post(FLOOD, "/api/events", msgspec.json.encode(events))) != 202:
        raise BenchmarkFailed(f"the request of {TYPES} types was answered with {status}")


async def flood_names(flooded: World) -> int:
    """All kinds of names, each second as many as it takes; returns how many requests were not taken."""
    refused = 0
    per_second = NAMES // NAMES_S
    for second in range(NAMES_S):
        began = time.monotonic()
        fresh = [f"{second * per_second + n:05d}" for n in range(per_second)]
        requests = [
            {"event_id": uuid.uuid4().hex, "service": "shop", "method": "GET", "route": f"/r/{n}".ljust(100, "x"),
             "status": 200, "duration_ms": 12.5, "user_id": f"user-{n}"}
            for n in fresh
        ]  # fmt: skip
        await flooded.bus.publish(subjects.requests(FLOOD, "shop"), msgspec.json.encode(requests))
        events = [
            {"event_id": uuid.uuid4().hex, "event_type": "page_view", "service": f"service-{n}", "user_id": f"visitor-{n}"}
            for n in fresh
        ]
        await flooded.bus.publish(subjects.events(FLOOD, "page_view"), msgspec.json.encode(events))
        for start in range(0, len(fresh), RESOURCES):
            export = ExportMetricsServiceRequest()
            for n in fresh[start : start + RESOURCES]:
                resource = export.resource_metrics.add()
                resource.resource.attributes.add(key=attributes.SERVICE_NAME).value.string_value = f"otlp-{n}"
                point = (
                    resource.scope_metrics.add().metrics.add(name=attributes.PROCESS_CPU_UTILIZATION).gauge.data_points.add()
                )
                point.as_double, point.time_unix_nano = 0.5, time.time_ns()
            status = await flooded.post(FLOOD, "/v1/metrics", export.SerializeToString(), "application/x-protobuf")
            refused += status != 200
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
    return refused


async def flood_junk(flooded: World) -> float:
    """Seconds from the last event's 202 until all events beside a megabyte of junk are counted."""
    before = await flooded.counted()
    await flooded.bus.publish(subjects.events(FLOOD, "junk"), b"[" + b",".join([b"1"] * 500_000) + b"]")
    for _ in range(50):
        await flooded.send_calm()
    began = time.monotonic()
    while await flooded.counted() < before + 50:
        if time.monotonic() - began > 60:
            return float("inf")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def names(run: Session, quiet_s: float) -> list[Result]:
    async with world(run) as flooded:
        async with flooded.watched() as quiet:
            await asyncio.sleep(WATCH_S)
        before = max(quiet.memory)
        run.say(f"quiet: p95 {quiet.p95_s():.2f} s, {max(quiet.screens):.0f} ms old, {before:.0f} MB")
        async with flooded.watched() as types:
            await flood_types(flooded)
            await asyncio.sleep(WATCH_S)
        run.say(f"types: p95 {types.p95_s():.2f} s, {max(types.screens):.0f} ms old, {max(types.memory):.0f} MB")
        async with flooded.watched() as many:
            refused = await flood_names(flooded)
            await asyncio.sleep(WATCH_S)
        run.say(
            f"names: p95 {many.p95_s():.2f} s, {max(many.screens):.0f} ms old, {max(many.memory):.0f} MB, {refused} refused"
        )
        junk_s = await flood_junk(flooded)
        run.say(f"junk: counted after {junk_s:.2f} s")
        async with flooded.watched() as after:
            await asyncio.sleep(quiet_s)
        at_last = after.memory[-1] if after.memory else before
        run.say(f"after {quiet_s:g} s: {at_last:.0f} MB")
        await asyncio.sleep(2)
        counted = await flooded.counted()
        failed = types.failed + many.failed + after.failed
    exact = counted == flooded.sent and not failed
    rows = [
        _row("types", f"{TYPES:,} new event types in one request, watched for {WATCH_S} s", types, before),
        _row("names", f"{NAMES:,} new routes, users, services and OTLP names in {NAMES_S} s", many, before),
    ]
    rows.append(
        Result(
            name="memory back",
            what="analytics' resident memory after the flood",
            sizes=f"{quiet_s:g} s later",
            ours=f"{at_last - before:+.0f} MB",
            reference=f"{before:.0f} MB before it",
            must_be=f"≤ +{MEMORY_AT_MOST_MB // 2} MB",
            met=at_last - before <= MEMORY_AT_MOST_MB / 2,
        )
    )
    rows.append(
        Result(
            name="junk",
            what="50 events of another tenant beside 1 MB of junk on the bus",
            sizes="500,000 items in one message",
            ours=f"counted after {junk_s:.2f} s; in all {counted:,} of {flooded.sent:,}, {failed} failures",
            must_be=f"≤ {JUNK_AT_MOST_S:g} s, all counted",
            met=junk_s <= JUNK_AT_MOST_S and exact,
        )
    )
    return rows


def _row(name: str, sizes: str, seen: Seen, before: float) -> Result:
    p95, oldest, most = seen.p95_s(), max(seen.screens, default=float("inf")), max(seen.memory) - before
    return Result(
        name=name,
        what="another tenant's questions and screens, and analytics' memory",
        sizes=sizes,
        ours=f"questions p95 {p95:.2f} s, screens ≤ {oldest / 1000:.1f} s old, {most:+.0f} MB",
        must_be=f"≤ {QUESTION_AT_MOST_S:g} s, ≤ {SCREEN_AT_MOST_MS / 1000:g} s, ≤ +{MEMORY_AT_MOST_MB} MB",
        met=p95 <= QUESTION_AT_MOST_S and oldest <= SCREEN_AT_MOST_MS and most <= MEMORY_AT_MOST_MB and not seen.failed,
        notes=[f"{len(seen.questions)} questions, the slowest {max(seen.questions):.2f} s; {seen.failed} failures"],
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile.names", description=__doc__)
    parser.add_argument("--cores", type=int, default=2, help="cores for everything together (2; 0: all)")
    parser.add_argument("--quiet-s", type=float, default=360.0, help="how long after the flood memory is read again (360)")
    given = parser.parse_args(arguments)
    return report(lambda run: names(run, given.quiet_s), cores=given.cores)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
