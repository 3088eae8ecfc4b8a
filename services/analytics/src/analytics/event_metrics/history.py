"""Fills the history of metrics that are drawn from events, from the rows of events. One replica at a time, in the background.

How this works
--------------
History is filled back from the newest hour, some hours at a time: few where they are busy. Of these, the
rows that were written before the metric's ``cut`` (:mod:`.table`) are counted in PostgreSQL (:mod:`.statements`), by the finest
windows that are still kept, and put into rollups by one transaction, together with how far the history is filled. Metrics that
begin together and have the same labels, such as the terms of a KPI, are filled together: their rows are read once. What is
nothing but numbers never leaves PostgreSQL: it waits in ``counted_groups`` for its transaction. A busy hour
is read in portions of :data:`PORTION_S`, with a rest after each that depends on what is stored live meanwhile (:mod:`.pace`).

Why every event counts once:

* *Live or from its row, never both, never neither.* Below the cut no transaction of a writer counted the metric, from it on
  every one does; a row carries the number of the transaction that wrote it (``xmin``) for ever. It does not matter when an
  event happened or when it came: one of last week that arrives during the filling has a row above the cut, and is counted live.
* *The rows of an hour below the cut are always the same.* At the cut no transaction of a writer runs, so that none of them is
  yet to be committed; rows are never changed; they go only by the day, when their time is over.
* *An hour is filled once.* All its windows lie inside it and have rows of the metric's own filling writer, which nothing else
  writes. They are committed together with the progress: ``kill -9`` at any moment leaves both or neither.
* *The numbers are those of live counting*, since cells are merged as those of any two writers. Counts, smallest and largest
  values, histograms and distinct counts are equal whatever the order: buckets and sketches are made here, by the code that
  makes them live, from the very values (a bucket's border depends on the last digit of a logarithm). Sums of floats are equal
  as far as adding in another order leaves them; sums of whole numbers are equal to the last digit.

``xmin`` is compared by age, which is right as long as rows are kept for less than two billion transactions. It does not survive
a dump and restore, which must not happen while history is filled.

Windows that somebody may still watch (:data:`PUBLISHED_MS`) are published again as they are filled; older ones are there to be
asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from analytics.computing import INLINE_CELLS, computed
from analytics.errors import DatabaseAway, StatementTimeout
from analytics.event_metrics.extractors import Counted
from analytics.event_metrics.fills import Fill, Made, Step, add_cells, together
from analytics.event_metrics.pace import Pace
from analytics.event_metrics.row_counts import Cells, cells_of, labels_in, rows_of
from analytics.event_metrics.statements import is_number, statement
from analytics.rollup.admission import HOUR_S
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels, Series
from analytics.rollup.windows import DAY_MS, RESOLUTIONS, Window
from analytics.storage import rows
from analytics.storage.cell_tables import put_cells
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.rows import Record
from analytics.storage.series import SeriesIds
from analytics.storage.tables import ROLLUPS
from drishti.events import NEWEST, RESOLUTION_MS, Resolution
from drishti.measures.definitions import MetricDefinition
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)

PORTION_S = 0.25
"""How long one read of rows should take, about: while it runs, live events have less of the machine."""

FIRST_PORTION_S = 60.0
GROWTH = 4.0
"""By how much a portion may be longer, in seconds of events, than the one before."""

STEP_HOURS = 24
"""At most so many hours are filled by one transaction."""

STEP_CELLS = 20_000
"""Cells that a transaction should put, about."""

NUMBERS_WEIGH = 1 / 3
"""What a cell counts that PostgreSQL makes itself."""

PUBLISHED_MS = 900_000

LOOK_EVERY_S = 1.0

WORK_MEMORY = "32MB"
"""Of PostgreSQL, for the groups of one read."""

_definition = msgspec.json.Decoder(MetricDefinition)


class HistoryFiller:
    """``run`` until ``stop``. ``pace`` knows what is stored live; ``limit_of`` a tenant and a metric, how many series it may
    have in an hour."""

    def __init__(
        self,
        database: Database,
        *,
        kept_days: Mapping[str, float],
        events_days: float,
        limit_of: Callable[[str, str], int],
        pace: Pace,
    ) -> None:
        self._database = database
        self._kept_days = kept_days
        self._events = timedelta(days=events_days)
        self._series = SeriesIds(database, limit_of=limit_of)
        self._pace = pace
        self._partitions = Partitions()
        self._rested = time.perf_counter()
        self._portion_s = FIRST_PORTION_S
        self._step_hours = 1
        self._quiet: set[int] = set()
        """Metrics whose last hours had no events: whether there are any is asked of whole days."""

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await self._run(stop)
        finally:
            await self._series.close()

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="event metrics history", work_memory=WORK_MEMORY))
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
        await session.execute("commit_without_waiting")
        await session.execute("make_counted_groups")
        while True:
            records = await session.fetch("unfilled_event_metrics")
            for fills in together(fill for record in records if (fill := self._begun(record)) is not None):
                await self._fill(session, fills, stop)
            if not records:
                await self._series.close()  # until there is something to fill again
                await pause(stop, LOOK_EVERY_S)
                self._pace.begin()
                self._rested = time.perf_counter()

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

    async def _fill(self, session: Session, fills: Sequence[Fill], stop: asyncio.Event) -> None:
        """The next hours of some metrics: each group in turn, so that a small one need not wait for a large one."""
        first = fills[0]
        if first.filled_to <= first.start:
            await self._put_progress(session, fills, first.start, 0, filled=True)
            names = [fill.counted.stored for fill in fills]
            log.info("history of metrics is filled", extra={"tenant": first.counted.tenant, "metrics": names})
            return
        quiet = {fill.id for fill in fills}
        if quiet <= self._quiet:
            day = max(first.start, first.filled_to - timedelta(days=1))
            where = first.counted.tenant, first.source.event, day, first.filled_to, first.cut
            if not await session.value("any_event_before_cut", *where):
                await self._put_progress(session, fills, day, 0)
                return
        hours = max(1, min(self._step_hours, int(self._portion_s // HOUR.total_seconds())))
        starts = max(first.start, first.filled_to - hours * HOUR)
        finest = self._finest(first.filled_to)  # once: what is kept changes while rows are read
        try:
            step = await self._counted(session, fills, starts, finest, stop)
        except StatementTimeout:
            self._portion_s = max(1.0, self._portion_s / GROWTH**2)  # many more rows than in the hours after these
            log.info("a part of history is read in smaller portions", extra={"seconds": self._portion_s})
            return
        self._quiet = self._quiet - quiet if step.rows else self._quiet | quiet
        if step.size > STEP_CELLS:
            self._step_hours = max(1, hours // 2)
        elif step.size < STEP_CELLS // 2:
            self._step_hours = min(STEP_HOURS, self._step_hours * 2)
        began = time.perf_counter()
        await self._put(session, fills, step)
        await self._rest(stop, time.perf_counter() - began)

    async def _counted(
        self, session: Session, fills: Sequence[Fill], starts: datetime, resolution: Resolution, stop: asyncio.Event
    ) -> Step:
        """What ``fills`` come to from ``starts`` on, by windows of ``resolution``."""
        first = fills[0]
        metrics = [(fill.counted, fill.source) for fill in fills]
        only_numbers = all(is_number(fill.counted) for fill in fills)
        step = Step(starts, resolution, [{} for _ in fills])
        await session.execute("empty_counted_groups")
        at = starts
        while at < first.filled_to:
            began = time.perf_counter()
            ends = min(first.filled_to, at + self._portion(resolution))
            text, values = statement(metrics, resolution=resolution, starts=at, ends=ends, cut=first.cut)
            records = await session.fetch_composed(text, *values)
            if not only_numbers:
                found = await computed(partial(cells_of, metrics, records), in_thread=len(records) > 1)
                for total, cells in zip(step.cells, found, strict=True):
                    add_cells(total, cells)
            read = sum(record["rows"] for record in records)
            step.rows += read
            step.size += len(fills) * (records[0]["groups"] * NUMBERS_WEIGH if only_numbers else len(records))
            at = ends
            taken = time.perf_counter() - began
            if read:
                self._portion_s = next_portion(self._portion_s, taken)
                await self._rest(stop, taken)
        return step

    async def _rest(self, stop: asyncio.Event, worked_s: float) -> None:
        """Leaves the machine to live events."""
        now = time.perf_counter()
        rest_s = self._pace.rest_s(worked_s, now - self._rested)
        self._rested = now
        while rest_s > 0 and not stop.is_set():
            await pause(stop, min(rest_s, LOOK_EVERY_S))
            rest_s -= LOOK_EVERY_S
            if self._pace.ended():
                return

    def _portion(self, resolution: Resolution) -> timedelta:
        """Whole windows of ``resolution``."""
        width = RESOLUTION_MS[resolution] // 1000
        return timedelta(seconds=max(width, self._portion_s // width * width))

    def _finest(self, ends: datetime) -> Resolution:
        """The finest resolution at which anything before ``ends`` is kept."""
        kept_from = self._kept_from()
        at_ms = ends.timestamp() * 1000
        return "1s" if at_ms > kept_from["1s"] else "1m" if at_ms > kept_from["1m"] else "1h"

    def _kept_from(self) -> dict[str, int]:
        now = time.time() * 1000
        return {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}

    async def _put(self, session: Session, fills: Sequence[Fill], step: Step) -> None:
        """Adds the cells of a step, notes the windows that somebody may watch, and how far the history is filled."""
        kept_from = self._kept_from()
        since_ms = int(time.time() * 1000) - PUBLISHED_MS
        recent = fills[0].filled_to.timestamp() * 1000 > since_ms
        made: list[Made] = []
        published: list[Window] = []
        for place, (fill, cells) in enumerate(zip(fills, step.cells, strict=True), start=1):
            if is_number(fill.counted):
                made.append(await self._series_of_groups(session, fill, place))
                if recent:
                    published += await self._recent_windows(session, fill, place, step.finest, since_ms)
            else:
                filled = await self._rows(fill, cells, step.finest, kept_from)
                made.append(filled)
                published += dict.fromkeys(row.window for row in filled.rows if row.window.end >= since_ms)
        self._series.forget_quiet()
        resolutions = RESOLUTIONS[RESOLUTIONS.index(step.finest) :]
        days = {rows.epoch_ms(hour) // DAY_MS for one in made for hour in one.hours}
        places = [
            (ROLLUPS[resolution], rows.instant(day * DAY_MS))
            for day in days
            for resolution in resolutions
            if (day + 1) * DAY_MS > kept_from[resolution]
        ]
        if missing := self._partitions.missing(places):
            await self._partitions.make(session, missing)
        async with session.transaction():
            for place, (fill, one) in enumerate(zip(fills, made, strict=True), start=1):
                if one.rows:
                    await put_cells(session, fill.writer, one.rows, self._series.metric)
                elif one.hours and is_number(fill.counted):
                    metric = self._series.metric(fill.counted.tenant, fill.counted.stored)
                    for resolution in resolutions:
                        earliest = rows.instant(kept_from[resolution])
                        groups = one.hours, one.labels, one.series
                        await session.execute(f"add_counted_{resolution}", fill.writer, metric, place, earliest, *groups)
            if published:
                await session.execute("add_change", msgspec.json.encode(published).decode())
            await self._put_progress(session, fills, step.starts, step.rows)

    async def _series_of_groups(self, session: Session, fill: Fill, place: int) -> Made:
        """The series that the groups of a metric in ``counted_groups`` count for."""
        records = await session.fetch("counted_labels", place)
        known: dict[str, Labels] = {}
        wanted: list[Series] = []
        for record in records:
            text = record["labels"]
            labels = known.get(text)
            if labels is None:
                labels = known[text] = labels_in(fill.counted, text)
            wanted.append(Series(fill.counted.tenant, fill.counted.stored, labels, rows.epoch_ms(record["hour"]) // 1000))
        admission = await self._series.admit(dict.fromkeys(wanted, Cell()))
        ids = {one.series: one.id for one in admission.cells}
        return Made(
            [record["hour"] for record in records], [record["labels"] for record in records], [ids[one] for one in wanted], []
        )

    async def _recent_windows(
        self, session: Session, fill: Fill, place: int, finest: Resolution, since_ms: int
    ) -> list[Window]:
        windows: list[Window] = []
        for resolution in RESOLUTIONS[RESOLUTIONS.index(finest) :]:
            width = RESOLUTION_MS[resolution]
            since = rows.instant(since_ms - width)
            for record in await session.fetch("counted_windows", place, timedelta(milliseconds=width), since):
                start = rows.epoch_ms(record["window_start"])
                windows.append(Window(resolution, fill.counted.tenant, fill.counted.stored, start))
        return windows

    async def _rows(self, fill: Fill, cells: Cells, finest: Resolution, kept_from: Mapping[str, int]) -> Made:
        """The rows that ``cells`` come to, with the ids of their series, which are admitted for hours, not for seconds."""
        hours: dict[tuple[int, Labels], Series] = {}
        for second, labels in cells:
            hour = second // HOUR_S
            if (hour, labels) not in hours:
                hours[hour, labels] = Series(fill.counted.tenant, fill.counted.stored, labels, second)
        admission = await self._series.admit(dict.fromkeys(hours.values(), Cell()))
        ids = {(one.series.second // HOUR_S, one.series.labels): one.id for one in admission.cells}
        made = await computed(
            partial(rows_of, fill.counted, cells, ids, finest, kept_from), in_thread=len(cells) > INLINE_CELLS
        )
        return Made([rows.instant(hour * HOUR_S * 1000) for hour, _ in hours], [], [], made)

    async def _put_progress(
        self, session: Session, fills: Sequence[Fill], filled_to: datetime, count: int, *, filled: bool = False
    ) -> None:
        first = fills[0]
        await session.execute("put_fill", [fill.id for fill in fills], first.start, first.end, filled_to, filled, count)


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def next_portion(seconds: float, taken: float) -> float:
    """The next portion, in seconds of events, after one of ``seconds`` has taken so long: never more than a whole step."""
    return min(STEP_HOURS * HOUR.total_seconds(), max(1.0, seconds * min(GROWTH, PORTION_S / max(taken, 1e-3))))
