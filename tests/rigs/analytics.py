"""An analytics for the tests: the real one on a real NATS and PostgreSQL, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import msgspec

from analytics.app import serve
from analytics.settings import AnalyticsSettings
from drishti.bus.connection import Bus, connect
from drishti.events import Aggregate, AnalyticsEvent, DeadLetter, Query, QueryAnswer, QueryFailure, RequestEvent, encode
from drishti.messages import subjects
from drishti.messages.catalogue import METRIC_DEFINITIONS_BUCKET
from drishti.settings import Secret
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.programs import program
from rigs.waiting import DEADLINE_S, wait_until

DURABLES = (
    ("EVENTS", "analytics-events"),
    ("REQUESTS", "analytics-requests"),
    ("SPANS", "analytics-spans"),
    ("METRICS", "analytics-metrics"),
    ("LOGS", "analytics-logs"),
)


_EXACT = """
WITH kept (metric, resolution, start, labels, count, errors, sum) AS (
    SELECT metric, resolution, window_start, labels, sum(count), sum(errors), sum(sum) FROM rollups
    WHERE tenant = $1 AND metric IN ('events', 'request_duration_ms') GROUP BY 1, 2, 3, 4
), happened (metric, at, labels, errors, sum) AS (
    SELECT 'events', time, jsonb_build_object('event_type', event_type, 'service', coalesce(service, 'unknown')), 0, 1
    FROM events WHERE tenant = $1
    UNION ALL
    SELECT 'request_duration_ms', time, jsonb_build_object('service', service, 'route', route, 'status', status::text),
        (status >= 500)::int, duration_ms
    FROM requests WHERE tenant = $1
), wanted AS (
    SELECT metric, resolution, date_trunc(unit, at) AS start, labels, count(*)::numeric, sum(errors)::numeric, sum(sum)
    FROM happened CROSS JOIN (VALUES ('1s', 'second'), ('1m', 'minute'), ('1h', 'hour')) AS r (resolution, unit)
    GROUP BY 1, 2, 3, 4
)
(SELECT 'too much' AS what, * FROM (TABLE kept EXCEPT TABLE wanted) AS a LIMIT 5)
UNION ALL (SELECT 'missing', * FROM (TABLE wanted EXCEPT TABLE kept) AS b LIMIT 5)
"""


def now_ms() -> int:
    return int(time.time() * 1000)


def event(event_id: str | None = None, event_type: str = "dharma_query", **fields: Any) -> AnalyticsEvent:
    return AnalyticsEvent(event_id=event_id or uuid.uuid4().hex, event_type=event_type, **fields)


def request(event_id: str | None = None, **fields: Any) -> RequestEvent:
    known = {"service": "wisdom", "method": "GET", "route": "/ask", "status": 200, "duration_ms": 12.5}
    return RequestEvent(event_id=event_id or uuid.uuid4().hex, **(known | fields))


_Insight = TypeVar("_Insight")

TYPES = ("dharma_query", "page_view", "feedback")


class Rig:
    """A bus, a database, and one tenant; ``start`` and ``process`` bring analytics to life on them."""

    def __init__(self, nats: NatsServer, database_url: str, admin: Bus, gateway: Bus) -> None:
        self.nats = nats
        self.database_url = database_url
        self.admin = admin
        self.gateway = gateway
        self.tenant = f"t{uuid.uuid4().hex[:10]}"

    @contextlib.asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[int]:
        """An analytics in this process; gives its health port. At the end it drains."""
        stop = asyncio.Event()
        port = free_port()
        known = AnalyticsSettings(
            port=port, database_url=Secret(self.database_url), bus=self.nats.settings("analytics"), **settings
        )
        task = asyncio.create_task(serve(known, stop))
        try:
            await wait_until(lambda: _ready_or(port, task.done))
            if task.done():
                task.result()
            yield port
        finally:
            stop.set()
            async with asyncio.timeout(DEADLINE_S):
                await task

    @contextlib.asynccontextmanager
    async def process(self, *, wait: bool = True, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """An analytics in a process of its own; ends by SIGTERM where the test did not end it."""
        port = free_port()
        bus = self.nats.settings("analytics")
        full = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "DRISHTI_NATS_URL": bus.url,
            "NATS_USER": bus.user,
            "NATS_PASSWORD": bus.password.reveal(),
            "ANALYTICS_HEALTH_PORT": str(port),
            **env,
        }
        async with program(sys.executable, "-m", "analytics", env=full) as process:
            if wait:
                await wait_until(lambda: _ready_or(port, lambda: process.returncode is not None))
                assert process.returncode is None
            yield process

    async def publish(self, *events: AnalyticsEvent, batch: bool = True, headers: dict[str, str] | None = None) -> None:
        """Events, as one message or as one message each, on the subject of the first one's type."""
        subject = subjects.events(self.tenant, events[0].event_type)
        if batch and len(events) > 1:
            await self.admin.publish(subject, encode(list(events)), headers=headers)
            return
        await asyncio.gather(*(self.admin.publish(subject, encode(e), headers=headers) for e in events))

    async def publish_requests(self, *requests: RequestEvent) -> None:
        await self.admin.publish(subjects.requests(self.tenant, requests[0].service), encode(list(requests)))

    async def settled(self) -> bool:
        """Whether everything on the bus is stored and acked. Two looks: a consumer hears of a message just after its ack."""
        for wait_s in (0.05, 0.0):
            infos = await asyncio.gather(*(self.admin.js.consumer_info(stream, name) for stream, name in DURABLES))
            if any(info.num_pending or info.num_ack_pending for info in infos):
                return False
            await asyncio.sleep(wait_s)
        return True

    async def wait_settled(self) -> None:
        await wait_until(self.settled)

    async def redeliver_after(self, seconds: float) -> None:
        """What a dead replica left unacked is redelivered so soon; by default that takes half a minute."""
        for stream, name in DURABLES:
            config = (await self.admin.js.consumer_info(stream, name)).config
            config.ack_wait = seconds
            await self.admin.js.add_consumer(stream, config)

    async def wait_exact(self, *, events: int = 0, requests: int = 0) -> None:
        """Waits until the bus is empty, then compares: so many rows, each id once, and rollups that say what the rows say
        (durations of the test must be whole numbers, whose sums are exact)."""
        await self.wait_settled()
        await self.check_exact(events=events, requests=requests)

    async def check_exact(self, *, events: int = 0, requests: int = 0) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            for table, wanted in (("events", events), ("requests", requests)):
                query = f"SELECT count(*), count(DISTINCT event_id) FROM {table} WHERE tenant = $1"
                assert tuple(await connection.fetchrow(query, self.tenant)) == (wanted, wanted), table
            assert await connection.fetch(_EXACT, self.tenant) == []
        finally:
            await connection.close()

    async def connect(self) -> asyncpg.Connection:
        """A connection to the database, which the caller closes."""
        return await asyncpg.connect(self.database_url)

    async def fetchval(self, query: str, *values: Any) -> Any:
        """One value out of the database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    async def rows(self, table: str = "events") -> int:
        return await self.fetchval(f"SELECT count(*) FROM {table} WHERE tenant = $1", self.tenant)

    async def insights(self, kind: str, type: type[_Insight]) -> list[_Insight]:
        """The insights of one kind that are on the bus for this tenant now."""
        found: list[_Insight] = []
        stop, ready = asyncio.Event(), asyncio.Event()

        async def take(msg: Any) -> None:
            found.append(msgspec.json.decode(msg.data, type=type))

        wanted = [subjects.insights(self.tenant, kind)]
        since = datetime.now(UTC) - timedelta(hours=1)
        task = asyncio.create_task(
            self.admin.replay("INSIGHTS", subjects=wanted, start=since, handler=take, stop=stop, ready=ready)
        )
        await ready.wait()
        stop.set()
        await task
        return found

    async def ask(self, metric: str, aggregate: str, **fields: Any) -> QueryAnswer | QueryFailure:
        """The answer to a question about this tenant; by default over the last and next quarter of an hour."""
        question = Query(
            **{
                "tenant": self.tenant,
                "metric": metric,
                "aggregate": aggregate,
                "from_ms": now_ms() - 900_000,
                "to_ms": now_ms() + 900_000,
                **fields,
            }
        )
        return await self.question(encode(question))

    async def question(self, payload: bytes) -> QueryAnswer | QueryFailure:
        """The answer to ``payload``, whatever that is."""
        msg = await self.gateway.request("query.v1.metrics", payload, timeout_s=10)
        status = (msg.headers or {})["Drishti-Status"]
        return msgspec.json.decode(msg.data, type=QueryAnswer if status == "ok" else QueryFailure)

    async def total(self, metric: str, aggregate: str, **fields: Any) -> float | None:
        answer = await self.ask(metric, aggregate, **fields)
        assert isinstance(answer, QueryAnswer), answer
        return answer.series[0].total

    @contextlib.asynccontextmanager
    async def aggregates(self, resolution: str = "1s", metric: str = "*") -> AsyncIterator[list[tuple[Aggregate, Any]]]:
        """Aggregates of this tenant with their headers, as they come."""
        actual: list[tuple[Aggregate, Any]] = []
        stop = asyncio.Event()

        async def take(msg: Any) -> None:
            actual.append((msgspec.json.decode(msg.data, type=Aggregate), msg.headers))

        wanted = [f"aggregates.v1.{self.tenant}.{resolution}.{metric}"]
        started = datetime.now(UTC)
        task = asyncio.create_task(self.admin.replay("AGGREGATES", subjects=wanted, start=started, handler=take, stop=stop))
        try:
            yield actual
        finally:
            stop.set()
            await task

    async def dead(self) -> list[DeadLetter]:
        """Dead letters of this tenant."""
        actual = []
        info = await self.admin.js.stream_info("DEAD")
        for sequence in range(max(1, info.state.first_seq), info.state.last_seq + 1):  # 0, 0: there was none yet
            msg = await self.admin.js.get_msg("DEAD", sequence)
            letter = msgspec.json.decode(msg.data, type=DeadLetter)
            if f".{self.tenant}." in letter.subject:
                actual.append(letter)
        return actual


@contextlib.asynccontextmanager
async def rig(nats: NatsServer, database_url: str) -> AsyncIterator[Rig]:
    admin = await connect(nats.settings("admin"), name="admin")
    gateway = await connect(nats.settings("gateway"), name="gateway")
    try:
        actual = Rig(nats, database_url, admin, gateway)
        switched = subjects.bucket_entry(METRIC_DEFINITIONS_BUCKET, f"{actual.tenant}.pack.wisdom")
        await admin.publish(switched, b'{"enabled":true}')  # its tenant measures all that Drishti feeds
        yield actual
    finally:
        await gateway.close()
        await admin.close()


async def load(world: Rig, messages: int, size: int, *, prefix: str = "load") -> None:
    """``messages`` of ``size`` events and as many of ``size`` requests, in flight together as a busy gateway has them."""
    places = asyncio.Semaphore(32)

    async def send(n: int) -> None:
        kind = TYPES[n % len(TYPES)]
        async with places:
            await world.publish(
                *(event(f"{prefix}-e{n}-{i}", kind, user_id=f"u{i}", service=f"s{n % 2}", data={"n": i}) for i in range(size))
            )
            status = 500 if n % 5 == 0 else 200
            await world.publish_requests(
                *(request(f"{prefix}-r{n}-{i}", route=f"/r{i % 3}", status=status, duration_ms=i) for i in range(size))
            )

    await asyncio.gather(*(send(n) for n in range(messages)))


async def status_of(port: int, path: str, wanted: int | None = None) -> tuple[int, Any] | None:
    """Status and JSON of a health answer; ``None`` where there is none, or not the one that is ``wanted``."""
    actual = await asyncio.to_thread(_get, f"http://127.0.0.1:{port}{path}")
    return actual if actual and wanted in (None, actual[0]) else None


async def answers(port: int) -> bool:
    """Whether an analytics is ready."""
    return await status_of(port, "/readyz", 200) is not None


def _get(url: str) -> tuple[int, Any] | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return None


async def _ready_or(port: int, ended: Callable[[], bool]) -> bool:
    return ended() or await answers(port)
