"""Stores batches: one batch, one transaction, with its keys, rows and rollups together.

How this works
--------------
1. The keys of a batch go into ``seen``, as if all were new, which nearly always is so; meanwhile, rows and cells are computed
   here. Where some are known already, the transaction begins again in a way that costs PostgreSQL twice as much: it returns
   which were new, and rows and cells are made of those items only. Repetitions come in company, so some batches stay with that
   way.
2. The new rows are copied into the day's partitions. The series of the cells get their ids, in a transaction of its own
   (:mod:`.series`); then the cells of this writer are added or replaced, and the changed windows noted in ``changes``.
3. Commit. Only then does the caller acknowledge, and only then are the cells in memory the new ones.

When anything fails, nobody knows for sure whether the commit happened. Then this writer ends: a new id, an empty memory, a new
connection. Its rows stay in the table as they are, committed or not, and a redelivered batch finds its keys or does not.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import msgspec

from analytics.computing import INLINE_CELLS, computed
from analytics.errors import DuplicateKey
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Series
from analytics.rollup.rollups import RollupPlan, Rollups, Row, deltas
from analytics.rollup.windows import DAY_MS, Window
from analytics.storage import rows
from analytics.storage.cell_tables import put_cells
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.series import SeriesIds
from analytics.storage.service_names import MAX_OF_TENANT, RecentNames, ServiceName, displayed
from analytics.storage.stream_states import KEPT_DAYS, StreamStates
from analytics.storage.tables import ROLLUPS, Table
from drishti.measures.built_in import PACKS
from drishti.measures.effective import TenantMetrics, merged
from drishti.service.disk import Disk

INLINE_NAMES = 50
"""More new names of services are checked in a thread."""

RESTORED_AT_ONCE = 25
"""Windows whose rows are read back at once; each may have thousands."""

EVERYTHING = merged((), frozenset(PACKS))
"""What is counted where no tenant is asked: every metric that Drishti feeds."""

MAX_LOOKUPS = 100_000
"""Rows of one table for look-ups that are remembered to be there."""

CAREFUL_BATCHES = 50
"""How many batches after a repetition are stored in the way that expects more of them."""


class PutRows(NamedTuple):
    """Rows that ``statement`` adds, a list for each column and then ``limits``; it returns how many went beyond ``bound``."""

    statement: str
    rows: Sequence[tuple[Any, ...]]
    limits: tuple[int, ...]
    bound: str


class Contents(NamedTuple):
    """What a batch adds: rows by table, a cell for each series and second, and rows that statements add."""

    rows: Mapping[Table, Sequence[tuple[Any, ...]]]
    cells: Mapping[Series, Cell]
    puts: Sequence[PutRows] = ()


class Batch(Protocol):
    """Items that are stored together. Each has a key, by which it counts once."""

    @property
    def size(self) -> int:
        """Items, repetitions of one key included."""

    @property
    def keys(self) -> Sequence[bytes]:
        """The distinct keys."""

    @property
    def days(self) -> Collection[datetime]:
        """The days, by an instant of each, in which the items fall."""

    def tables(self) -> Iterable[tuple[Table, datetime]]:
        """The tables that get rows, with an instant of each of their days, or hours."""

    def lookups(self) -> Iterable[tuple[str, Mapping[int, tuple[Any, ...]]]]:
        """What the rows refer to, by what tells it apart, and the statement that adds it where it is missing."""

    def service_names(self) -> Sequence[ServiceName]:
        """The names of services that the items carry."""

    @property
    def streams(self) -> Mapping[bytes, str]:
        """The streams, with their tenants, whose states the items are compared with."""

    async def contents(self, states: StreamStates, new: Collection[bytes] | None = None) -> Contents:
        """What the items add, or only those with a key in ``new``; changes ``states`` accordingly."""


class EventMetricsTable(Protocol):
    """The metrics that batches draw from events, as they were last read."""

    @property
    def epoch(self) -> int:
        """Changes with every change of them."""

    async def load(self, session: Session) -> None:
        """Reads them again, those of the epoch that the transaction of ``session`` holds."""


class Recorded(NamedTuple):
    """What became of a batch."""

    fresh: int
    duplicates: int
    overflowed: int
    rows: int = 0
    passed_over: int = 0
    """Points of streams that add nothing because of what is known of these."""
    beyond: Mapping[str, int] = MappingProxyType({})
    """What statements added beyond their limits, by the name of the bound."""
    unnamed: int = 0
    """Names of services that are not kept, because there are too many."""


class _Written(NamedTuple):
    """What a transaction wrote, to be remembered when it is committed."""

    rollups: RollupPlan
    overflowed: int


class Store:
    """One writer at a time; batches one after the other."""

    def __init__(
        self,
        database: Database,
        *,
        max_series: int,
        kept_days: Mapping[str, float],
        disk: Disk | None = None,
        metrics: Callable[[str], TenantMetrics] = lambda _tenant: EVERYTHING,
        event_metrics: EventMetricsTable | None = None,
    ) -> None:
        self._metrics = metrics
        self._event_metrics = event_metrics
        self._database = database
        self._disk = disk or Disk(())
        self._max_series = max_series
        self._kept_days = kept_days
        self._partitions = Partitions()
        self._session: Session | None = None
        self._careful = 0
        self._recent_names = RecentNames()
        self._series = SeriesIds(database, limit_of=self.limit_of)
        self._busy = asyncio.Lock()
        self._lookups: dict[str, set[int]] = {}
        self._beyond: dict[str, int] = {}
        self._renew()

    async def wait_ready(self) -> Session:
        """Returns when PostgreSQL answers, and its disk has room."""
        await self._disk.wait_room()
        if self._session is None or self._session.is_closed:
            self._session = await self._database.wait_connection(name="writer", generic=True)
        return self._session

    async def record(self, batch: Batch) -> Recorded:
        """Stores ``batch``, each key once. Raises :class:`DatabaseAway` (try again) or :class:`Unstorable` (do not)."""
        async with self._busy:
            try:
                session = await self.wait_ready()
                self._passed_over = 0
                self._beyond = {}
                unnamed = await self._put_names(session, batch.service_names())
                await self._put_lookups(session, batch)
                recorded, plan = await self._record(session, batch)
            except BaseException:  # a cancelled commit is as unknown as a failed one
                self._fail()
                raise
            self._rollups.commit(plan.rollups)
        passed_over, self._passed_over = self._passed_over, 0
        beyond, self._beyond = self._beyond, {}
        return recorded._replace(unnamed=unnamed, passed_over=passed_over, beyond=beyond)

    async def forget_quiet(self) -> None:
        """Forgets the series and names that no batch has brought since the last call: they are read again when one does."""
        async with self._busy:
            self._series.forget_quiet()
            self._recent_names.forget()
            self._lookups.clear()

    async def forget_quiet_windows(self) -> None:
        """Forgets the rollups that nothing has changed for some calls: they are read back when something does."""
        async with self._busy:
            self._rollups.forget_quiet()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._series.close()

    def _renew(self) -> None:
        self._streams_known_from: int | None = None
        self._passed_over = 0
        self._beyond = {}
        self._writer = uuid.uuid4()
        self._rollups = Rollups()

    def _fail(self) -> None:
        self._renew()
        self._partitions.forget()
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    async def _put_names(self, session: Session, names: Sequence[ServiceName]) -> int:
        """Keeps the names of services that are new here, before the batch: they are true whatever becomes of that. Returns how
        many are not kept."""
        new, unnamed = self._recent_names.new(names)
        if new:
            shown = await computed(lambda: displayed(new), in_thread=len(new) > INLINE_NAMES)
            if shown:
                unnamed += await session.value("put_service_names", *zip(*shown, strict=True), MAX_OF_TENANT)
            self._recent_names.remember(new)
        return unnamed

    async def _put_lookups(self, session: Session, batch: Batch) -> None:
        """Puts what rows refer to where it is not yet, before the batch: it is true whatever becomes of that. Sorted, so that
        two writers never wait for each other in a circle."""
        for statement, found in batch.lookups():
            known = self._lookups.setdefault(statement, set())
            if new := sorted(key for key in found if key not in known):
                if len(known) + len(new) > MAX_LOOKUPS:
                    known.clear()
                await session.execute(statement, *map(list, zip(*(found[key] for key in new), strict=True)))
                known.update(new)

    async def _record(self, session: Session, batch: Batch) -> tuple[Recorded, _Written]:
        await self._make_partitions(session, batch)
        total = len(batch.keys)
        if not self._careful:
            try:
                plan = await self._add_all(session, batch)
                return Recorded(total, batch.size - total, plan.overflowed, len(plan.rollups.rows)), plan
            except DuplicateKey:
                self._careful = CAREFUL_BATCHES
        self._careful -= 1
        new, plan = await self._add_new(session, batch)
        return Recorded(new, batch.size - new, plan.overflowed, len(plan.rollups.rows)), plan

    async def _add_all(self, session: Session, batch: Batch) -> _Written:
        """Stores ``batch``; changes nothing and raises :class:`DuplicateKey` where a key is known already."""
        async with session.transaction():
            counted = self._epoch
            adding = asyncio.ensure_future(session.value("add_new_to_seen", batch.keys))
            if batch.streams:
                await self._hold(session, await adding)
                states = await self._lock_states(session, batch)
                return await self._write(session, await batch.contents(states), states)
            states = StreamStates()
            try:
                await asyncio.sleep(0)  # the keys go out; while PostgreSQL takes them, this side computes
                contents = await batch.contents(states)
            finally:
                epoch = await adding
            if epoch != counted:  # others are drawn from events than those which are in contents
                await self._hold(session, epoch)
                contents = await batch.contents(states)
            return await self._write(session, contents, states)

    async def _add_new(self, session: Session, batch: Batch) -> tuple[int, _Written]:
        """Stores the items of ``batch`` that are new, and returns how many they were."""
        async with session.transaction():
            await self._hold(session, await session.value("hold_event_metrics"))
            records = await session.fetch("add_to_seen", batch.keys)
            states = await self._lock_states(session, batch)
            contents = await batch.contents(states, {record["id"] for record in records})
            return len(records), await self._write(session, contents, states)

    @property
    def _epoch(self) -> int:
        return 0 if self._event_metrics is None else self._event_metrics.epoch

    async def _hold(self, session: Session, epoch: int) -> None:
        """The metrics in memory are those of ``epoch``, which the transaction holds."""
        if self._event_metrics is not None and self._event_metrics.epoch != epoch:
            await self._event_metrics.load(session)

    async def _lock_states(self, session: Session, batch: Batch) -> StreamStates:
        """The states of the batch's streams, which nobody else changes until the transaction ends; also where there is none
        yet."""
        streams = batch.streams
        if not streams:
            return StreamStates()
        if self._streams_known_from is None:
            self._streams_known_from = await session.value("metric_streams_known_from", KEPT_DAYS)
        wanted = sorted(streams)
        stored: dict[bytes, bytes | None] = {}
        for _ in range(2):
            records = await session.fetch("lock_metric_streams", wanted)
            stored |= {record["stream"]: record["state"] for record in records}
            missing = [stream for stream in wanted if stream not in stored]
            if not missing:
                break
            added = await session.fetch("add_metric_streams", missing, [streams[stream] for stream in missing])
            stored |= {record["stream"]: None for record in added}
            wanted = [stream for stream in missing if stream not in stored]  # somebody else was faster, and has committed
            if not wanted:
                break
        return StreamStates(stored, self._streams_known_from)

    async def _write(self, session: Session, contents: Contents, states: StreamStates) -> _Written:
        if states.changed:
            changed = states.changed
            tenants, states_after = [tenant for tenant, _ in changed.values()], [state for _, state in changed.values()]
            await session.execute("put_metric_streams", list(changed), tenants, states_after)
        self._passed_over += states.passed_over
        for table, added in contents.rows.items():
            await session.copy(table.name, table.columns, added)
        admission = await self._series.admit(self._counted(contents.cells))
        large = len(admission.cells) > INLINE_CELLS
        changes = await computed(lambda: deltas(admission.cells, self._kept_from()), in_thread=large)
        parts: list[RollupPlan] = []
        unknown = self._rollups.unknown(changes)
        while len(unknown) > RESTORED_AT_ONCE:
            part, unknown = unknown[:RESTORED_AT_ONCE], unknown[RESTORED_AT_ONCE:]
            await self._restore(session, part)
            restored = {window: changes.pop(window) for window in part}
            parts.append(await computed(partial(self._rollups.plan, restored), in_thread=large))
            self._rollups.release(part)
        if unknown:
            await self._restore(session, unknown)
        plan = await computed(lambda: self._rollups.plan(changes), in_thread=large)
        for part_plan in parts:
            plan.rows += part_plan.rows
        if plan.rows:
            await put_cells(session, self._writer, plan.rows, self._series.metric)
            await session.execute("add_change", msgspec.json.encode(plan.windows()).decode())
        for put in contents.puts:  # last: they may wait for those of other replicas, which then are short
            beyond = await session.value(put.statement, *map(list, zip(*put.rows, strict=True)), *put.limits)
            if beyond:
                self._beyond[put.bound] = self._beyond.get(put.bound, 0) + beyond
        return _Written(plan, admission.overflowed)

    async def _restore(self, session: Session, windows: list[Window]) -> None:
        columns = rows.window_columns(windows, self._series.metric)
        records = await session.fetch("cells_of_writer", *columns, self._writer)

        def known() -> list[Row]:
            return [Row(windows[record["place"] - 1], record["series"], rows.cell_of(record)) for record in records]

        self._rollups.restore(windows, await computed(known, in_thread=len(records) > INLINE_CELLS))

    async def _make_partitions(self, session: Session, batch: Batch) -> None:
        """Days come and go: checks each day of the batch once, not each row."""
        kept_from = self._kept_from()
        wanted = list(batch.tables())
        for at in batch.days:
            day_end = (int(at.timestamp()) * 1000 // DAY_MS + 1) * DAY_MS
            wanted += [(table, at) for name, table in ROLLUPS.items() if day_end > kept_from[name]]
        if missing := self._partitions.missing(wanted):
            await self._partitions.make(session, missing)

    def _counted(self, cells: Mapping[Series, Cell]) -> Mapping[Series, Cell]:
        """``cells`` without those of metrics that their tenants have switched off; each tenant is asked about once."""
        uncounted = {tenant: self._metrics(tenant).uncounted for tenant in {series.tenant for series in cells}}
        if not any(uncounted.values()):
            return cells
        return {series: cell for series, cell in cells.items() if series.metric not in uncounted[series.tenant]}

    def limit_of(self, tenant: str, stored: str) -> int:
        """Series of a metric in an hour: what its definition allows, and never more than ours."""
        metric = self._metrics(tenant).definitions.get(rows.token_of(stored))
        return self._max_series if metric is None else min(self._max_series, metric.max_series)

    def _kept_from(self) -> dict[str, int]:
        now = time.time() * 1000
        return {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}
