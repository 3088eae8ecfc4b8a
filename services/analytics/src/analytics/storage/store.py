"""The writer's side of PostgreSQL: one batch, one transaction, rows and rollups and keys together.

How this works
--------------
1. The keys of all items go into ``seen``, as if all were new, which nearly always is so; meanwhile, the rows and cells are
   computed here. Where some are known already, the transaction begins again in a way that costs PostgreSQL twice as much: it
   says which were new, and rows and cells are those items'. Repetitions come in company, so some batches stay with that way.
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
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import asyncpg
import msgspec

from analytics.computing import computed
from analytics.ingest.extract import observe
from analytics.ingest.items import Item
from analytics.ingest.service_names import OF_ONE_TENANT, LatelyGiven, given, shown
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Series
from analytics.rollup.rollups import Plan, Rollups, deltas
from analytics.rollup.windows import DAY_MS, Window
from analytics.storage import rows, sql
from analytics.storage.database import Database, close, sorted_errors
from analytics.storage.partitions import EVENTS, REQUESTS, ROLLUPS, Partitions, Table
from drishti.events import AnalyticsEvent, RequestEvent
from drishti.service.disk import Disk

log = logging.getLogger(__name__)

DAY_S = DAY_MS // 1000

INLINE_CELLS = 2_000
"""What more series of a batch come to is computed in a thread: this process goes on answering meanwhile. Ordinary batches have
some hundreds, and there a thread would only have the event loop wait for it at every turn."""

INLINE_NAMES = 50
"""More new names of services are looked at in a thread."""

RESTORED_AT_ONCE = 25
"""Windows whose rows are read back at once; each may have thousands."""

CAREFUL_BATCHES = 50
"""So many batches after a repetition are stored in the way that expects more."""


class Recorded(NamedTuple):
    """What became of a batch."""

    fresh: int
    duplicates: int
    overflowed: int
    rows: int = 0
    unnamed: int = 0
    """Names of services that are not kept, because of their number."""


class _Work(NamedTuple):
    """What a batch comes to."""

    events: list[tuple[object, ...]]
    requests: list[tuple[object, ...]]
    cells: dict[Series, Cell]


class Store:
    """One writer at a time; batches one after the other."""

    def __init__(
        self, database: Database, *, max_series: int, kept_days: Mapping[str, float], disk: Disk | None = None
    ) -> None:
        self._database = database
        self._disk = disk or Disk(())
        self._max_series = max_series
        self._kept_days = kept_days
        self._partitions = Partitions()
        self._connection: asyncpg.Connection | None = None
        self._careful = 0
        self._lately_given = LatelyGiven()
        self._busy = asyncio.Lock()
        self._renew()

    async def wait_ready(self) -> asyncpg.Connection:
        """Returns when PostgreSQL answers, and its disk has room."""
        await self._disk.wait_room()
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.wait_connection(name="writer", generic=True)
        return self._connection

    async def record(self, items: Sequence[Item], exemplars: Mapping[bytes, str]) -> Recorded:
        """Stores ``items``, each once. Raises :class:`DatabaseAway` (try again) or :class:`Unstorable` (do not)."""
        async with self._busy:
            try:
                connection = await self.wait_ready()
                with sorted_errors():
                    unnamed = await self._put_names(connection, items)
                    recorded, plan = await self._record(connection, items, exemplars)
            except BaseException:  # a cancelled commit is as unknown as a failed one
                self._fail()
                raise
            self._rollups.commit(plan)
        return recorded._replace(unnamed=unnamed)

    async def forget_quiet(self) -> None:
        """Forgets the rollups that nothing has changed since the last call: they are read back when something does."""
        async with self._busy:
            self._rollups.forget_quiet()
            self._lately_given.forget()

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

    async def _put_names(self, connection: asyncpg.Connection, items: Sequence[Item]) -> int:
        """Keeps the names of services that are new here, before the batch: they are true whatever becomes of that."""
        new, unnamed = self._lately_given.new(given(items))
        if new:
            names = await computed(lambda: shown(new), in_thread=len(new) > INLINE_NAMES)
            if names:
                unnamed += await connection.fetchval(
                    sql.queries()["put_service_names"], *zip(*names, strict=True), OF_ONE_TENANT
                )
            self._lately_given.remember(new)
        return unnamed

    async def _record(
        self, connection: asyncpg.Connection, items: Sequence[Item], exemplars: Mapping[bytes, str]
    ) -> tuple[Recorded, Plan]:
        first = {item.key: item for item in reversed(items)}  # of equal keys the first item stays
        unique = list(first.values())[::-1]
        await self._make_partitions(connection, unique)
        if not self._careful:
            try:
                plan = await self._add_all(connection, unique, exemplars)
                return Recorded(len(unique), len(items) - len(unique), plan.overflowed, len(plan.rows)), plan
            except asyncpg.UniqueViolationError:
                self._careful = CAREFUL_BATCHES
        self._careful -= 1
        new, plan = await self._add_new(connection, unique, exemplars)
        return Recorded(new, len(items) - new, plan.overflowed, len(plan.rows)), plan

    async def _add_all(self, connection: asyncpg.Connection, items: Sequence[Item], exemplars: Mapping[bytes, str]) -> Plan:
        """Stores ``items``; changes nothing and raises where one is known already."""
        async with connection.transaction():
            keys = [item.key for item in items]
            adding = asyncio.ensure_future(connection.execute(sql.queries()["add_new_to_seen"], keys))
            try:
                await asyncio.sleep(0)  # the keys go out; while PostgreSQL takes them, this side computes
                work = await _work(items, exemplars)
            finally:
                await adding
            return await self._write(connection, work)

    async def _add_new(
        self, connection: asyncpg.Connection, items: Sequence[Item], exemplars: Mapping[bytes, str]
    ) -> tuple[int, Plan]:
        """Stores those of ``items`` that are new, and says how many they were."""
        async with connection.transaction():
            records = await connection.fetch(sql.queries()["add_to_seen"], [item.key for item in items])
            new = {record["id"] for record in records}
            fresh = [item for item in items if item.key in new]
            work = await _work(fresh, exemplars)
            return len(new), await self._write(connection, work)

    async def _write(self, connection: asyncpg.Connection, work: _Work) -> Plan:
        queries = sql.queries()
        if work.events:
            await connection.copy_records_to_table("events", records=work.events, columns=rows.EVENT_COLUMNS)
        if work.requests:
            await connection.copy_records_to_table("requests", records=work.requests, columns=rows.REQUEST_COLUMNS)
        found = await computed(lambda: deltas(work.cells, self._kept_from()), in_thread=len(work.cells) > INLINE_CELLS)
        parts: list[Plan] = []
        unknown = self._rollups.unknown(found)
        while len(unknown) > RESTORED_AT_ONCE:
            part, unknown = unknown[:RESTORED_AT_ONCE], unknown[RESTORED_AT_ONCE:]
            await self._restore(connection, part)
            changes = {window: found.pop(window) for window in part}
            parts.append(await computed(partial(self._rollups.plan, changes), in_thread=len(work.cells) > INLINE_CELLS))
            self._rollups.release(part)
        if unknown:
            await self._restore(connection, unknown)
        plan = await computed(lambda: self._rollups.plan(found), in_thread=len(work.cells) > INLINE_CELLS)
        for part_plan in parts:
            plan.rows += part_plan.rows
            plan.overflowed += part_plan.overflowed
        if plan.rows:
            columns = await computed(lambda: rows.rollup_columns(plan.rows), in_thread=len(plan.rows) > INLINE_CELLS)
            await connection.execute(queries["put_rollups"], self._writer, *columns)
            await connection.execute(queries["add_change"], msgspec.json.encode(plan.windows()).decode())
        return plan

    async def _restore(self, connection: asyncpg.Connection, windows: list[Window]) -> None:
        query = sql.queries()["windows_of_writer"]
        records = await connection.fetch(query, *rows.window_columns(windows), self._writer)
        found = await computed(lambda: [rows.row_of(record) for record in records], in_thread=len(records) > INLINE_CELLS)
        self._rollups.restore(windows, found)

    async def _make_partitions(self, connection: asyncpg.Connection, items: Sequence[Item]) -> None:
        """Days come and go: looks at each day of the batch once, not at each row."""
        wanted: list[tuple[Table, datetime]] = []
        kept_from = self._kept_from()
        for day, kind in {(item.second // DAY_S, type(item.body)) for item in items}:
            at = datetime.fromtimestamp(day * DAY_S, UTC)
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


async def _work(items: Sequence[Item], exemplars: Mapping[bytes, str]) -> _Work:
    observed = observe(items, exemplars)
    cells = await computed(observed.cells, in_thread=len(observed) > INLINE_CELLS)
    return _Work(rows.event_rows(items), rows.request_rows(items), cells)
