"""The rounds of a publisher: read what changed, decide what is due, publish it.

A round takes what is due in turn (:mod:`analytics.publish.schedule`), a bounded number of rows of rollups at once and for a
bounded time; what is left is due in the next round, in which other tenants are first. What takes the processor long is done in
a thread, so that this process goes on answering. When the bus is away, everything waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from analytics.computing import computed
from analytics.overflow import Overflows
from analytics.publish.active_series import ACTIVE_MS
from analytics.publish.aggregates import published_labels
from analytics.publish.changes import ChangeLog
from analytics.publish.display_names import DisplayNames
from analytics.publish.lag import Lag
from analytics.publish.publications import Publication, PublicationBuilder, PublishedExemplars
from analytics.publish.published_metrics import PublishedMetrics
from analytics.publish.schedule import Due, Schedule, ScheduleLimits
from analytics.publish.sender import Sender
from analytics.publish.shares import partition_of
from analytics.publish.window_rows import WindowRows, has_merged_total, window_totals
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.bus.connection import Bus
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind

RECENT_MS = 60_000
"""How far back the windows of a partition that was taken over are published again, and further where the backlog has older
ones that could not be final yet."""

HANDED_OVER_MS = 10_000
"""How far back the silence of a partition that was taken over is published again."""

ROWS_AT_ONCE = 2_500
"""Rows of rollups that are read in one statement, about: a backlog must not need the memory of all its rows at once."""

WINDOWS_AT_ONCE = 500

ROUND_ROWS = 50_000
ROUND_S = 0.3
"""How long a round goes on taking up further windows before what changed meanwhile is read."""

SLICE_S = 0.01
"""How long windows are computed before everything else in this process gets its turn."""

INLINE_ROWS = 300
INLINE_WINDOWS = 2_000
"""Work on more than that is done in a thread."""

_COUNTERS = [token for token, metric in FED.items() if metric.kind is Kind.COUNTER]


class Round(NamedTuple):
    """How many messages a round published; ``more``: there is more to do at once."""

    messages: int
    more: bool


class Rounds:
    """Of one connection, from ``now`` on (PostgreSQL's clock, epoch ms): ``take_over`` partitions, then ``next`` again and
    again. One call at a time: what works in a thread has the schedule for itself."""

    def __init__(
        self,
        session: Session,
        bus: Bus,
        lag: Lag,
        exemplars: PublishedExemplars,
        overflows: Overflows,
        limits: ScheduleLimits,
        metrics: PublishedMetrics,
        now: int,
        events_stored: Callable[[str], None],
    ) -> None:
        self._session = session
        self._lag = lag
        self._overflows = overflows
        self._limits = limits
        self._metrics = metrics
        self._partitions: frozenset[int] = frozenset()
        # Silence is published from now on only: before, nobody may have been there to hear anything.
        self.schedule = Schedule(now, limits, metrics.has_silence)
        self._names = DisplayNames(session)
        self._changes = ChangeLog(session, self.schedule, metrics, self._owns, events_stored)
        self._publications = PublicationBuilder(
            self.schedule,
            self._names,
            exemplars,
            overflows,
            max_series=limits.series,
            max_payload=lambda: bus.nc.max_payload,
        )
        self._sender = Sender(bus, self.schedule, exemplars, overflows)
        self._noted = (0, 0)
        self._carried = False
        self._handed_over: deque[tuple[int, int, frozenset[int]]] = deque()

    def give_up(self, partitions: Collection[int]) -> None:
        """Forgets ``partitions``: others publish them from now on."""
        self._partitions = self._partitions.difference(partitions)
        self.schedule.keep(partial(_is_in, self._partitions))

    async def take_over(self, partitions: frozenset[int], *, shared: bool) -> None:
        """Publishes ``partitions`` from now on, which nobody else does: what their last owner left, the recent windows, and the
        silence of the series that were active. ``shared``: others published until a moment ago."""
        first = not self._partitions
        self._partitions |= partitions
        if first:
            await self._names.read(0)
        now = await self._session.value("clock")

        gained = partial(_is_in, partitions)
        since = rows.instant((now - ACTIVE_MS) // 1000 * 1000)
        for record in await self._session.fetch("recent_series", since, _COUNTERS, self._limits.series):
            tenant, metric = record["tenant"], record["metric"]
            definition = self._metrics.of(tenant).metrics.get(metric)
            if definition is None or not gained(tenant, metric):
                continue
            published = published_labels(definition, rows.labels_of(metric, record["labels"]))
            last = rows.epoch_ms(record["last"])
            self.schedule.active.note(tenant, metric, published, rows.epoch_ms(record["first"]), last)
        since = rows.instant((min(now, self._lag.stored_until(now)) - RECENT_MS) // 1000 * 1000)
        windows: list[Window] = []
        for record in await self._session.fetch("recent_windows", since):
            start = rows.epoch_ms(record["window_start"])
            changed = Window(record["resolution"], record["tenant"], record["metric"], start)
            windows += [window for window in self._metrics.windows(changed) if gained(window.tenant, window.metric)]
        turn = self.schedule.note(windows)
        self._changes.restart()
        if shared:  # once the recent windows are published, it is known which series are active
            self._handed_over.append((turn, now - HANDED_OVER_MS, partitions))

    def _note_silence(self) -> None:
        """Publishes the silent seconds of the handover of partitions whose recent windows are published."""
        while self._handed_over and self._handed_over[0][0] <= self.schedule.published_until():
            _, since, partitions = self._handed_over.popleft()
            mine = partial(_is_in, partitions & self._partitions)
            self.schedule.note(self.schedule.active.closed_since(since, mine))

    def _owns(self, window: Window) -> bool:
        return _is_in(self._partitions, window.tenant, window.metric)

    async def next(self, *, ending: bool = False) -> Round:
        """Reads what changed and publishes what is due, as much as one round takes. ``ending``: and all that waits."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        now, more = await self._changes.read()
        await self._names.refresh(now)
        clock_read_at = loop.time()  # not before the clock was: what is added to ``now`` is never more than has passed
        stored_until = self._lag.stored_until(now)
        self._note_silence()
        many = self.schedule.waiting > INLINE_WINDOWS
        due = await computed(lambda: self.schedule.due(now, stored_until, rows=ROUND_ROWS, ending=ending), in_thread=many)
        self._note_overflow()
        full = sum(self.schedule.expected_rows(item.window) for item in due) >= ROUND_ROWS
        messages = done = 0
        self._sender.begin_round()
        while done < len(due) and not self._sender.bus_away and loop.time() - began < ROUND_S:
            some = self._some(due, done)
            messages += await self._publish(some, now + int((loop.time() - clock_read_at) * 1000))
            done += len(some)
        if self._sender.bus_away:
            return Round(messages, more=False)
        self._sender.end_round()
        await self._changes.forget_published(self._partitions)
        return Round(messages, more or full or done < len(due))

    def _note_overflow(self) -> None:
        refused, dropped = self.schedule.active.refused, self.schedule.dropped_windows
        self._overflows.note("active_series", refused - self._noted[0])
        self._overflows.note("waiting_windows", dropped - self._noted[1])
        self._noted = refused, dropped

    def _some(self, due: Sequence[Due], start: int) -> Sequence[Due]:
        """The windows from ``start`` on that are read at once."""
        end, count = start, 0
        while end < len(due) and end - start < WINDOWS_AT_ONCE and (end == start or count < ROWS_AT_ONCE):
            count += self.schedule.expected_rows(due[end].window)
            end += 1
        return due[start:end]

    async def _publish(self, due: Sequence[Due], now: int) -> int:
        """How many of ``due`` are published; none where the bus is away."""
        if not self._carried:
            self._carried = await self._session.value("carried")
        merged, single = self._read_for(due)
        totals = await self._session.fetch("window_totals", *rows.named_window_columns(merged)) if merged else ()
        records = await self._session.fetch("windows", *rows.named_window_columns(single)) if single else ()
        large = sum(total["rows"] for total in totals) > INLINE_ROWS
        found = await computed(partial(window_totals, merged, totals), in_thread=large)
        return await self._sender.send(await self._compute(due, records, found, now), now)

    def _read_for(self, due: Sequence[Due]) -> tuple[list[Window], list[Window]]:
        """The windows of which PostgreSQL merges the rows, as nothing but their total is published, and those whose rows are
        read one by one."""
        merged: list[Window] = []
        single: dict[Window, None] = {}
        for item in due:
            window = item.window
            view = self._metrics.of(window.tenant)
            metric = view.metrics.get(window.metric)
            if window.metric in view.kpis:
                single.update(dict.fromkeys(self._sources(window)))
            elif self._carried and metric is not None and has_merged_total(metric):
                merged.append(window)
            else:
                single[window] = None
        return merged, list(single)

    def _sources(self, window: Window) -> Iterable[Window]:
        """The windows whose rows a KPI's message is computed from."""
        kpi = self._metrics.of(window.tenant).kpis[window.metric]
        return (window._replace(metric=source) for source in kpi.sources)

    async def _compute(
        self, due: Sequence[Due], records: Sequence[Record], totals: Mapping[Window, WindowRows], now: int
    ) -> list[Publication]:
        """The publications of ``due``. Small windows are computed here, a few at a time; large ones in a thread."""
        by_window: dict[Window, list[tuple[Labels, Cell]]] = {}
        for record in records:
            row = rows.row_of(record)
            by_window.setdefault(row.window, []).append((row.labels, row.cell))
        loop = asyncio.get_running_loop()
        publications: list[Publication] = []
        began = loop.time()
        for item in due:
            window = item.window
            view = self._metrics.of(window.tenant)
            metric, kpi = view.metrics.get(window.metric), view.kpis.get(window.metric)
            if metric is None or (metric.kind is Kind.DERIVED and kpi is None):  # deleted since it changed
                self.schedule.published(item, self.schedule.revision(window, now), now)
                continue
            if window in totals and not has_merged_total(metric):
                continue  # defined otherwise since it was read: still due, and its rows are read in the next round
            if kpi is not None:
                read = {source.metric: by_window.get(source, []) for source in self._sources(window)}
                size = sum(map(len, read.values()))
                build = partial(self._publications.build_kpi, item, kpi, read, now)
            else:
                found = totals.get(window) or WindowRows(by_window.get(window, []))
                size = len(found.cells)
                build = partial(self._publications.build, item, metric, found, now)
            large = size + len(item.silent) > INLINE_ROWS
            publications.append(await computed(build, in_thread=large))
            if loop.time() - began > SLICE_S:
                await asyncio.sleep(0)
                began = loop.time()
        return publications


def _is_in(partitions: frozenset[int], tenant: str, metric: str) -> bool:
    return partition_of(tenant, metric) in partitions
