"""Makes segments of new events, day by day, in the background.

How this works
--------------
Each event has the number of the transaction that stored it, and each day a mark. In one REPEATABLE READ transaction, the events
of a day from its mark up to the oldest transaction that is still running are merged into the day's segments, and the mark is
moved there. Everything below that transaction has ended and is seen, so no event is left behind by a commit that comes late;
whoever reads marks, segments and the events from the mark on in one snapshot sees each event once.

One replica at a time holds the lock. Of a day no more than some buckets are in memory at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

from analytics.errors import DatabaseAway, StatementTimeout
from analytics.product.counting.conditions import column_of
from analytics.product.people.applying import EDGES_AT_ONCE, apply_edges
from analytics.product.segments.event_rows import EventRows
from analytics.product.segments.segment import BUCKETS
from analytics.product.segments.stored import add_rows
from analytics.storage.database import Database, Session
from analytics.storage.tables import Partition, Table, partition_for, partition_named
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

Pause = Callable[[], Awaitable[None]]

EVENTS = Table("events")

EVERY_S = 10.0

AGE_S = 300.0
ROWS = 50_000
SHARE = 8
ROWS_MOST = 200_000
"""A day is compacted when so many seconds have passed since the last time, or when it has so many new rows: an eighth of those
that it has, within these limits. To merge is to rewrite, and what is not merged is read row by row by every question."""

KNOWN_FOR = timedelta(days=7)
"""Properties that a day, or one so long before it, has a column of keep it, however many others come."""

ROWS_IN_MEMORY = 100_000
READ_AT_ONCE = 2_000

EDGES = 500
"""Edges between ids are applied before a day is compacted, when there are so many, and after :data:`AGE_S`: to apply them is to
rewrite segments, and what is not applied is done in memory by every question."""

STATEMENT_S = 300.0

BUSY_ITEMS = 2_000
BUSY_S = 60.0
BUSY_LOOK_S = 0.2
BUSY_PAUSES = 3.0
"""While so many items wait to be stored, which comes first, no day is begun; but one after so long at the latest.
Of one that is begun, pauses are so many times as long as the work between them; shorter where fewer items wait, as they do
between two transactions of storing that keeps up: otherwise segments would not."""

RETRY_S = 600.0
"""A day that could not be compacted because of a bug waits so long for its next turn."""


class Compaction:
    """``run`` until ``stop``. ``waiting`` says how many items wait to be stored."""

    def __init__(self, database: Database, waiting: Callable[[], int], *, every_s: float = EVERY_S) -> None:
        self._database = database
        self._waiting = waiting
        self._every_s = every_s
        self._failed: dict[datetime | str, float] = {}
        self._applied_at = -AGE_S
        self.compacted = 0
        """Events that were put into segments."""
        self.merged = 0
        """Edges between ids that were applied."""
        self.failed = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                session = await until(stop, self._database.wait_connection(name="segments", statement_s=STATEMENT_S))
                if session is None:
                    return
                async with session:
                    await self._while_open(session, stop)
            except (DatabaseAway, StatementTimeout) as error:
                log.warning("segments are made another time", extra={"reason": str(error)})
            await pause(stop, self._every_s)

    async def _while_open(self, session: Session, stop: asyncio.Event) -> None:
        holding = False
        while not stop.is_set():
            if not holding and await session.value("try_compact"):
                holding = True
                await session.value("compress_fast")
            if holding:
                await until(stop, self._round(session, stop))
            await pause(stop, self._every_s)

    async def _round(self, session: Session, stop: asyncio.Event) -> None:
        days = await due_days(session)
        await self._apply_edges(session, stop, due=bool(days))
        for day in days:
            async with self._once(day, "a day of events cannot be compacted", stop) as due:
                if due:
                    async with rewriting(session):
                        self.compacted += await compact(session, day, self._pauses())

    async def _apply_edges(self, session: Session, stop: asyncio.Event, *, due: bool) -> None:
        now = asyncio.get_running_loop().time()
        due |= now - self._applied_at >= AGE_S
        for record in await session.fetch("tenants_with_pending_edges", EDGES_AT_ONCE):
            tenant, edges = record["tenant"], record["edges"]
            if not due and edges < EDGES:
                continue
            async with self._once(tenant, "edges between ids of users cannot be applied", stop) as applies:
                while applies and not stop.is_set():
                    async with rewriting(session):
                        applied = await apply_edges(session, tenant)
                    self.merged += applied
                    if applied < EDGES_AT_ONCE:
                        break
        if due:
            self._applied_at = now

    @contextlib.asynccontextmanager
    async def _once(self, what: datetime | str, failure: str, stop: asyncio.Event) -> AsyncIterator[bool]:
        """Whether the block is to do its work, after storing. Where that fails by a bug, it is not done for some time: it would
        fail again, and nothing else must wait for it. Questions read rows and edges meanwhile."""
        now = asyncio.get_running_loop().time()
        if self._failed.get(what, now) > now:
            yield False
            return
        await self._let_storing_go_first(stop)
        try:
            yield True
            self._failed.pop(what, None)
        except (DatabaseAway, StatementTimeout):
            raise
        except Exception:
            log.exception(failure, extra={"of": what if isinstance(what, str) else what.date().isoformat()})
            self._failed[what] = now + RETRY_S
            self.failed += 1

    def _pauses(self) -> Pause:
        loop = asyncio.get_running_loop()
        since = loop.time()

        async def pause_if_busy() -> None:
            nonlocal since
            if waiting := self._waiting():
                await asyncio.sleep(min(1.0, waiting / BUSY_ITEMS) * BUSY_PAUSES * (loop.time() - since))
            since = loop.time()

        return pause_if_busy

    async def _let_storing_go_first(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + BUSY_S
        while self._waiting() >= BUSY_ITEMS and loop.time() < latest and not stop.is_set():
            await pause(stop, BUSY_LOOK_S)


@contextlib.asynccontextmanager
async def rewriting(session: Session) -> AsyncIterator[None]:
    """Nobody else changes segments while the block lasts. Outside of a transaction, whose snapshot would be older than that."""
    await session.value("lock_segments")
    try:
        yield
    finally:
        with contextlib.suppress(DatabaseAway):  # the lock goes with the connection
            await session.value("unlock_segments")


async def due_days(session: Session) -> list[datetime]:
    """The days that are to be compacted, the latest first."""
    records = await session.fetch("list_partitions", [EVENTS.name])
    partitions = [found for record in records if (found := partition_named(EVENTS, record["partition"]))]
    due = []
    for record in await session.fetch("new_events_by_day", [partition.starts for partition in partitions]):
        if not record["events"]:
            continue
        if record["age_s"] is None or record["age_s"] >= AGE_S or record["events"] >= ROWS_MOST:
            due.append(record["day"])
        elif record["events"] >= ROWS:
            rows = await session.value("segment_rows_of_day", record["day"].date())
            if record["events"] * SHARE >= rows:
                due.append(record["day"])
    return due


async def _no_pause() -> None:
    pass


async def compact(session: Session, day: datetime, breathe: Pause = _no_pause) -> int:
    """Puts the new events of ``day``, which begins there, into segments; returns how many. The session holds the lock. Awaits
    ``breathe`` after each part of the work."""
    compacted = 0
    ends, of_day = day + timedelta(days=1), day.astimezone(UTC).date()
    await session.fetch("summarize_new_blocks", partition_for(EVENTS, day).name)
    async with session.snapshot(readonly=False):
        below = await session.value("settled_below")
        mark = await session.value("mark_of_day", of_day)
        if mark is None:
            # Never compacted, or elsewhere, before a dump was restored here.
            if await session.execute("delete_segments_of_day", of_day):
                log.warning("segments are of another database, they are made anew", extra={"day": of_day.isoformat()})
            await session.execute("forget_foreign_transactions", day, ends)
        for record in await session.fetch("new_events_by_tenant", day, ends, mark, below):
            tenant, events = record["tenant"], record["events"]
            await session.execute("put_user_ids", tenant, day, ends, mark, below)
            keep = {row["col"] for row in await session.fetch("segment_columns", tenant, of_day - KNOWN_FOR, of_day)}
            keep |= {column_of(row["property"]) for row in await session.fetch("properties_of_rules", tenant)}
            at_once = max(1, min(BUCKETS, BUCKETS * ROWS_IN_MEMORY // events))
            for first in range(0, BUCKETS, at_once):
                buckets = range(first, min(BUCKETS, first + at_once))
                rows = EventRows(keep)
                given = (tenant, day, ends, mark, below, list(buckets))
                async for read in session.batches("new_event_rows", *given, at_once=READ_AT_ONCE):
                    await asyncio.to_thread(rows.add, read)
                    await breathe()
                compacted += len(rows)
                made = await asyncio.to_thread(rows.segments)
                del rows
                while made:
                    bucket, segment = made.popitem()
                    await add_rows(session, tenant, of_day, bucket, segment)
                    await breathe()
        await session.execute("put_mark", of_day, below)
    return compacted


async def drop_segments(session: Session, partition: Partition) -> None:
    """Forgets the segments of a day before its events go, in the same transaction."""
    day = partition.starts.date()
    await session.execute("delete_segments_of_day", day)
    await session.execute("delete_mark", day)
    await session.execute("forget_user_ids", day)
