"""Fills the history of metrics that are drawn from events, from the rows of events. One replica at a time, in the background.

How this works
--------------
History is filled hour by hour, from the newest back. Of an hour, the rows that were written before the metric's ``cut``
(:mod:`.table`) are read in portions, counted by the code that counts live, and put into rollups by one transaction, together
with how far the history is filled.

Why every event counts once:

* *Live or from its row, never both, never neither.* Below the cut no transaction of a writer counted the metric, from it on
  every one does; a row carries the number of the transaction that wrote it (``xmin``) for ever. It does not matter when an
  event happened or when it came: one of last week that arrives during the filling has a row above the cut, and is counted live.
* *The rows of an hour below the cut are always the same.* At the cut no transaction of a writer runs, so that none of them is
  yet to be committed; rows are never changed; they go only by the day, when their time is over.
* *An hour is filled once.* All its windows lie inside it and have rows of the metric's own filling writer, which nothing else
  writes. What an hour comes to does not depend on when it is read, and its rows replace those of an earlier try: ``kill -9`` at
  any moment leaves the hour and its progress, both or neither.
* *The numbers are those of live counting*, since cells are merged as those of any two writers. Counts, smallest and largest
  values, histograms and distinct counts are equal whatever the order. Sums of floats are equal as far as adding in another
  order leaves them; sums of whole numbers are equal to the last digit.

``xmin`` is compared by age, which is right as long as rows are kept for less than two billion transactions. It does not survive
a dump and restore, which must not happen while history is filled.

Windows that somebody may still watch (:data:`PUBLISHED_MS`) are published again as they are filled; older ones are there to be
asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from analytics.computing import computed
from analytics.errors import DatabaseAway
from analytics.event_metrics.extractors import OWN, Counted, names_of, taken_from
from analytics.rollup.admission import Admitted
from analytics.rollup.cells import Cell, merge
from analytics.rollup.observations import Observations, Series
from analytics.rollup.rollups import RollupPlan, Rollups, deltas
from analytics.rollup.windows import DAY_MS
from analytics.storage import rows
from analytics.storage.cell_tables import put_cells
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.rows import Record
from analytics.storage.series import SeriesIds
from analytics.storage.tables import ROLLUPS
from drishti.events import NEWEST
from drishti.measures.definitions import EventSource, MetricDefinition
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)

PORTION_ROWS = 20_000
"""Rows that are read and counted at once, about."""

LEAST_PORTION_S = 1.0
MOST_PORTION_S = 3600.0

MAX_ROWS = 1_000_000
"""Of one portion: a single second has fewer."""

PUBLISHED_MS = 900_000

LOOK_EVERY_S = 1.0
IDLE_SHARE = 0.2
BUSY_SHARE = 4.0
"""How long it pauses after each portion, in parts of the time that this took: while nothing waits to be stored, and else."""

_definition = msgspec.json.Decoder(MetricDefinition)
_json = msgspec.json.Decoder()


class Fill(NamedTuple):
    """One metric whose history is filled, from ``filled_to`` back to ``start``; it began at ``end``."""

    id: int
    counted: Counted
    source: EventSource
    writer: UUID
    cut: str
    start: datetime
    end: datetime
    filled_to: datetime


class HistoryFiller:
    """``run`` until ``stop``. ``busy`` says whether live events wait to be stored; ``limit_of`` a tenant and a metric, how many
    series it may have in an hour."""

    def __init__(
        self,
        database: Database,
        *,
        kept_days: Mapping[str, float],
        events_days: float,
        limit_of: Callable[[str, str], int],
        busy: Callable[[], bool],
    ) -> None:
        self._database = database
        self._kept_days = kept_days
        self._events = timedelta(days=events_days)
        self._series = SeriesIds(database, limit_of=limit_of)
        self._busy = busy
        self._partitions = Partitions()
        self._portion_s = 60.0
        self._quiet: set[int] = set()
        """Metrics whose last hour had no events: whether there are any is asked of whole days."""
        self.filled_rows = 0

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await self._run(stop)
        finally:
            await self._series.close()

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="event metrics history"))
            if session is None:
                return
            try:
                async with session:
                    await until(stop, self._lead(session, stop))
            except DatabaseAway as error:
                self._partitions.forget()
                log.warning("history is filled another time", extra={"reason": str(error)})

    async def _lead(self, session: Session, stop: asyncio.Event) -> None:
        while not await session.value("try_fill"):
            await pause(stop, LOOK_EVERY_S)
        while True:
            records = await session.fetch("unfilled_event_metrics")
            for record in records:
                fill = self._begun(record)
                if fill is not None:
                    await self._fill(session, fill, stop)
            if not records:
                await self._series.close()  # until there is something to fill again
                await pause(stop, LOOK_EVERY_S)

    def _begun(self, record: Record) -> Fill | None:
        made: datetime = record["made_at"]
        end = record["fill_to"] or hour_of(made + NEWEST) + HOUR
        start = record["fill_from"] or hour_of(made - self._events)
        counted = Counted(
            record["tenant"], rows.stored_name(record["token"], record["id"]), _definition.decode(record["definition"])
        )
        source = counted.definition.source
        if source is None:
            return None
        return Fill(record["id"], counted, source, record["writer"], record["cut"], start, end, record["filled_to"] or end)

    async def _fill(self, session: Session, fill: Fill, stop: asyncio.Event) -> None:
        """The next hour of one metric: each metric in turn, so that a small one need not wait for a large one."""
        if fill.filled_to <= fill.start:
            await session.execute("put_fill", fill.id, fill.start, fill.end, fill.start, True)
            log.info("history of a metric is filled", extra={"tenant": fill.counted.tenant, "metric": fill.counted.stored})
            return
        if fill.id in self._quiet:
            day = max(fill.start, fill.filled_to - timedelta(days=1))
            where = fill.counted.tenant, fill.source.event, day, fill.filled_to, fill.cut
            if not await session.value("any_event_before_cut", *where):
                await session.execute("put_fill", fill.id, fill.start, fill.end, day, False)
                return
        hour = fill.filled_to - HOUR
        cells = await self._cells(session, fill, hour, stop)
        self._quiet = self._quiet - {fill.id} if cells else self._quiet | {fill.id}
        admission = await self._series.admit(cells)
        self._series.forget_quiet()
        plan = await computed(lambda: self._planned(admission.cells), in_thread=True)
        await self._put(session, fill, hour, plan)

    async def _cells(self, session: Session, fill: Fill, hour: datetime, stop: asyncio.Event) -> dict[Series, Cell]:
        """What the events of one hour come to, by series and second."""
        source = fill.source
        own = any(name in OWN for name in names_of(fill.counted.definition, source))
        statement = "events_before_cut" if own else "data_before_cut"
        cells: dict[Series, Cell] = {}
        at = hour
        while at < hour + HOUR:
            began = time.perf_counter()
            until_ = min(hour + HOUR, at + timedelta(seconds=self._portion_s))
            records = await session.fetch(statement, fill.counted.tenant, source.event, at, until_, fill.cut, MAX_ROWS)
            if records:
                added = await computed(partial(_counted, fill, records, own=own), in_thread=True)
                for series, cell in added.items():
                    there = cells.get(series)
                    cells[series] = cell if there is None else merge(there, cell)
            self.filled_rows += len(records)
            at = until_
            taken = time.perf_counter() - began
            self._portion_s = _next_portion(self._portion_s, len(records))
            if records:
                await pause(stop, taken * (BUSY_SHARE if self._busy() else IDLE_SHARE))
        return cells

    def _planned(self, cells: Iterable[Admitted]) -> RollupPlan:
        now = time.time() * 1000
        kept_from = {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}
        return Rollups().plan(deltas(cells, kept_from))

    async def _put(self, session: Session, fill: Fill, hour: datetime, plan: RollupPlan) -> None:
        wanted = [(ROLLUPS[row.window.resolution], rows.instant(row.window.start)) for row in plan.rows]
        if missing := self._partitions.missing(wanted):
            await self._partitions.make(session, missing)
        since = time.time() * 1000 - PUBLISHED_MS
        published = [window for window in plan.windows() if window.end >= since]
        async with session.transaction():
            if plan.rows:
                await put_cells(session, fill.writer, plan.rows, self._series.metric)
            if published:
                await session.execute("add_change", msgspec.json.encode(published).decode())
            await session.execute("put_fill", fill.id, fill.start, fill.end, hour, False)


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _counted(fill: Fill, records: Sequence[Record], *, own: bool) -> dict[Series, Cell]:
    observations = Observations()
    taken_from(fill.counted, fill.source, _events(records, own=own), observations)
    return observations.cells()


def _events(records: Iterable[Record], *, own: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for record in records:
        data: dict[str, Any] = {} if record["data"] is None else _json.decode(record["data"])
        yield record["second"], {**{name: record[name] for name in OWN}, **data} if own else data


def _next_portion(seconds: float, count: int) -> float:
    fitting = seconds * 4 if count < PORTION_ROWS // 4 else seconds * PORTION_ROWS / count
    return max(LEAST_PORTION_S, min(MOST_PORTION_S, fitting))
