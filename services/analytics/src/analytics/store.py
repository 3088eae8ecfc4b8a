"""The writer's side of PostgreSQL: one batch, one transaction, rows and rollups and keys together.

How this works
--------------
1. The keys of all items go into ``seen``; PostgreSQL says which were new. Meanwhile, the rows and cells are computed here as if
   all were, which nearly always is so; where it is not, they are computed again for those that were.
2. The new rows are copied into the day's partitions, the rollups of this writer replaced, the touched windows noted in
   ``changes``.
3. Commit. Only then does the caller ack, and only then are the cells in memory the new ones.

When anything fails, nobody knows for sure whether the commit happened. Then this writer ends: a new id, an empty memory, a new
connection. Its rows stay in the table as they are, committed or not, and a batch that comes again finds its keys or does not.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from analytics import rows, sql
from analytics.cells import Cell
from analytics.database import Database, close, sorted_errors
from analytics.extract import observe
from analytics.items import Item
from analytics.observations import Series
from analytics.partitions import EVENTS, REQUESTS, ROLLUPS, Partitions, Table
from analytics.rollups import Plan, Rollups, deltas
from analytics.windows import DAY_MS, Window
from drishti.events import AnalyticsEvent, RequestEvent

log = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """What became of a batch."""

    fresh: int
    duplicates: int
    overflowed: int


class _Work(NamedTuple):
    """What a batch comes to."""

    events: list[tuple[object, ...]]
    requests: list[tuple[object, ...]]
    cells: dict[Series, Cell]


class Store:
    """One writer at a time. Calls must not overlap."""

    def __init__(self, database: Database, *, max_series: int, kept_days: Mapping[str, float]) -> None:
        self._database = database
        self._max_series = max_series
        self._kept_days = kept_days
        self._partitions = Partitions()
        self._connection: asyncpg.Connection | None = None
        self._renew()

    async def wait_ready(self) -> asyncpg.Connection:
        """Returns when PostgreSQL answers."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.wait_connection(name="writer", generic=True)
        return self._connection

    async def record(self, items: Sequence[Item], exemplars: Mapping[bytes, str]) -> Recorded:
        """Stores ``items``, each once. Raises :class:`DatabaseAway` (try again) or :class:`Unstorable` (do not)."""
        try:
            connection = await self.wait_ready()
            with sorted_errors():
                recorded, plan = await self._record(connection, items, exemplars)
        except BaseException:  # a cancelled commit is as unknown as a failed one
            self._fail()
            raise
        if plan is not None:
            self._rollups.commit(plan)
        return recorded

    async def close(self) -> None:
        if self._connection is not None:
            await close(self._connection)
            self._connection = None

    def _renew(self) -> None:
        self._writer = uuid.uuid4()
        self._rollups = Rollups(max_series=self._max_series)

    def _fail(self) -> None:
        self._renew()
        self._partitions.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _record(
        self, connection: asyncpg.Connection, items: Sequence[Item], exemplars: Mapping[bytes, str]
    ) -> tuple[Recorded, Plan | None]:
        first: dict[bytes, Item] = {}
        for item in items:
            first.setdefault(item.key, item)
        unique = list(first.values())
        await self._make_partitions(connection, unique)
        async with connection.transaction():
            asked = asyncio.ensure_future(_add_seen(connection, list(first)))
            await asyncio.sleep(0)  # the question goes out; while PostgreSQL looks, this side computes
            try:
                work = _work(unique, exemplars)
            finally:
                fresh, keys = await asked
            if fresh < len(unique):
                new = set(keys or ())
                work = _work([item for item in unique if item.key in new], exemplars)
            plan = await self._write(connection, work) if fresh else None
        return Recorded(fresh, len(items) - fresh, plan.overflowed if plan else 0), plan

    async def _write(self, connection: asyncpg.Connection, work: _Work) -> Plan:
        queries = sql.queries()
        if work.events:
            await connection.copy_records_to_table("events", records=work.events, columns=rows.EVENT_COLUMNS)
        if work.requests:
            await connection.copy_records_to_table("requests", records=work.requests, columns=rows.REQUEST_COLUMNS)
        found = deltas(work.cells, self._kept_from())
        if unknown := self._rollups.unknown(found):
            await self._restore(connection, unknown)
        plan = self._rollups.plan(found)
        if plan.rows:
            await connection.execute(queries["put_rollups"], self._writer, *rows.rollup_columns(plan.rows))
            await connection.execute(queries["add_change"], msgspec.json.encode(plan.windows()).decode())
        return plan

    async def _restore(self, connection: asyncpg.Connection, windows: list[Window]) -> None:
        query = sql.queries()["windows_of_writer"]
        records = await connection.fetch(query, *rows.window_columns(windows), self._writer)
        self._rollups.restore(windows, [rows.row_of(record) for record in records])

    async def _make_partitions(self, connection: asyncpg.Connection, items: Sequence[Item]) -> None:
        """Days come and go: looks at each day of the batch once, not at each row."""
        days: dict[tuple[int, type], datetime] = {}
        for item in items:
            days.setdefault((item.second // 86_400, type(item.body)), item.time)
        wanted: list[tuple[Table, datetime]] = []
        kept_from = self._kept_from()
        for (day, kind), at in days.items():
            if kind is AnalyticsEvent:
                wanted.append((EVENTS, at))
            elif kind is RequestEvent:
                wanted.append((REQUESTS, at))
            wanted += [(table, at) for name, table in ROLLUPS.items() if (day + 1) * DAY_MS > kept_from[name]]
        if missing := self._partitions.missing(wanted):
            await self._partitions.make(connection, missing)

    def _kept_from(self) -> dict[str, int]:
        now = time.time() * 1000
        return {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}


async def _add_seen(connection: asyncpg.Connection, keys: list[bytes]) -> tuple[int, list[bytes] | None]:
    """How many keys are new, and which where not all are."""
    [answer] = await connection.fetch(sql.queries()["add_seen"], keys)
    return answer["fresh"], answer["keys"]


def _work(items: Sequence[Item], exemplars: Mapping[bytes, str]) -> _Work:
    return _Work(rows.event_rows(items), rows.request_rows(items), observe(items, exemplars).cells())
