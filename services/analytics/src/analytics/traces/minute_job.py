"""Counts the minutes of spans that have become quiet: one replica at a time, each minute in one transaction.

The notes about a minute are taken away first, and its spans read after that: what is committed in between is noted again, and
counts next time. So the sums of a minute are those of all its spans in the end, however often it was counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from analytics.errors import DatabaseAway, StatementTimeout
from analytics.storage.database import Database, Session
from analytics.storage.minute_tables import SPAN_MINUTES
from analytics.storage.partitions import Partitions
from analytics.traces.hour_job import Hours
from analytics.traces.minute_reading import count_minute
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

EVERY_S = 5.0

HOURS_EVERY_S = 60.0

QUIET_S = 30.0
"""After its end a minute is given so long for its last spans: SDKs send every 5 s, and retry."""

UNCHANGED_S = 10.0
PATIENCE_S = 120.0
"""Spans that come late are waited for until none has come for so long, or so long at most."""

AT_ONCE = 50

RETRY_S = 5.0
RETRY_MOST_S = 1_800.0
"""A minute that could not be counted (its statements take too long, the database went away) waits so long for its next turn,
twice as long after each failure: the others are counted meanwhile."""

MAX_POSTPONED = 1_000
"""Minutes of which that is remembered; of more the first ones are tried again at once."""

BUSY_ITEMS = 2_000
BUSY_S = 60.0
BUSY_LOOK_S = 0.2
"""While so many items wait to be stored, which comes first, no minute is counted; but one after so long at the latest."""

MAX_SPANS = 150_000
"""Spans of a minute of a tenant that are counted; of more, a sample of traces is taken."""


class Postponed:
    """Minutes that are not to be counted before their time, each of a tenant."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, datetime], tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._until)

    def waits(self, tenant: str, minute: datetime, now: float) -> bool:
        """Whether it is not its turn yet; ``now`` in seconds of any clock, always of the same."""
        return self._until.get((tenant, minute), (0.0, 0.0))[0] > now

    def add(self, tenant: str, minute: datetime, now: float) -> None:
        """After a failure."""
        _, before_s = self._until.pop((tenant, minute), (0.0, 0.0))
        wait_s = min(RETRY_MOST_S, before_s * 2) if before_s else RETRY_S
        while len(self._until) >= MAX_POSTPONED:
            del self._until[next(iter(self._until))]
        self._until[tenant, minute] = now + wait_s, wait_s

    def remove(self, tenant: str, minute: datetime) -> None:
        """It is counted."""
        self._until.pop((tenant, minute), None)


class MinuteJob:
    """``run`` until ``stop``. ``waiting`` says how many items wait to be stored: while they are many, minutes wait."""

    def __init__(self, database: Database, waiting: Callable[[], int]) -> None:
        self._database = database
        self._waiting = waiting
        self._partitions = Partitions()
        self.counted = 0
        self.failed = 0
        self.hours = Hours()
        self._hours_at = 0.0
        self._postponed = Postponed()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                session = await until(stop, self._database.wait_connection(name="minutes of spans"))
                if session is None:
                    return
                async with session:
                    await self._count_while_open(session, stop)
            except (DatabaseAway, StatementTimeout) as error:
                log.warning("minutes of spans are counted another time", extra={"reason": str(error)})
            await pause(stop, EVERY_S)

    async def _count_while_open(self, session: Session, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await session.value("try_count_minutes"):
                while await self._round(session, stop):
                    pass
                await self._count_hours(session, stop)
            await pause(stop, EVERY_S)

    async def _count_hours(self, session: Session, stop: asyncio.Event) -> None:
        """Now and then: hours are in no hurry, and to find them takes a look at all minutes."""
        now = asyncio.get_running_loop().time()
        if now < self._hours_at:
            return
        await until(stop, self.hours.count(session))
        self._hours_at = now + HOURS_EVERY_S

    async def _round(self, session: Session, stop: asyncio.Event) -> bool:
        """Counts what is due; whether there may be more."""
        most = AT_ONCE + len(self._postponed)
        due = await session.fetch("due_minutes", QUIET_S, UNCHANGED_S, PATIENCE_S, most)
        now = asyncio.get_running_loop().time()
        ready = [record for record in due if not self._postponed.waits(record["tenant"], record["minute"], now)]
        for record in ready:
            await self._let_storing_go_first(stop)
            if stop.is_set():
                return False
            await until(stop, self._count(session, record["tenant"], record["minute"]))
        return len(due) == most and len(ready) > 0

    async def _let_storing_go_first(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + BUSY_S
        while self._waiting() >= BUSY_ITEMS and loop.time() < latest and not stop.is_set():
            await pause(stop, BUSY_LOOK_S)

    async def _count(self, session: Session, tenant: str, minute: datetime) -> bool:
        if missing := self._partitions.missing([(SPAN_MINUTES, minute)]):
            await self._partitions.make(session, missing)
        try:
            async with session.transaction():
                await session.execute("take_changes", tenant, minute)
                sums, traces, one_in, _ = await count_minute(session, tenant, minute, most_spans=MAX_SPANS)
                for kind, data in (await asyncio.to_thread(sums.encoded)).items():
                    await session.execute("put_minute", tenant, kind, minute, traces, one_in, data)
        except (DatabaseAway, StatementTimeout):
            self._partitions.forget()
            self._postponed.add(tenant, minute, asyncio.get_running_loop().time())
            raise
        except Exception:
            # A bug: it would fail again, and no other minute must wait for it. The log has the traceback.
            log.exception("a minute of spans cannot be counted", extra={"tenant": tenant, "minute": minute.isoformat()})
            self.failed += 1
            await session.execute("take_changes", tenant, minute)
            self._postponed.remove(tenant, minute)
            return False
        self._postponed.remove(tenant, minute)
        self.counted += 1
        return True
