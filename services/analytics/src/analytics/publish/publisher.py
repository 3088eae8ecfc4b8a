"""The publisher: one replica leads and puts every window that changed on AGGREGATES.

How this works
--------------
The leader holds an advisory lock on its connection; when the connection goes, so does the lead, and another replica takes it.
Every transaction of a writer left a row in ``changes`` under its transaction's number. The leader reads those from the horizon
of its last reading on: the number of the oldest transaction that was still running then. Whatever was not yet committed at the
last reading is at or after that horizon, so a slow commit is never missed; what is read twice is told apart by its number.

Rows of ``changes`` are deleted when everything read up to them is published. So a new leader finds what the old one left, and
besides it publishes the recent windows again: whether the old one had is not known.

A round takes what is due in turn (:mod:`analytics.publish.schedule`), a bounded number of rows of rollups at once and for a
bounded time; what is left is due in the next round, in which other tenants are first. What takes the processor long is done in
a thread, so that this process goes on answering. A message that the bus will never take is counted and passed over; when the
bus is away, everything waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import asyncpg
import msgspec
from opentelemetry.trace import SpanKind

from analytics.computing import computed
from analytics.errors import DatabaseAway
from analytics.overflow import Overflows
from analytics.publish.aggregates import aggregate_series, published_labels
from analytics.publish.lag import Lag
from analytics.publish.schedule import ACTIVE_MS, Agenda, Due, Limits
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from analytics.storage import rows, sql
from analytics.storage.database import Database, closing, sorted_errors
from drishti.bus.connection import Bus
from drishti.errors import BusRefused, BusUnavailable
from drishti.events import Aggregate, AggregateSeries, encode
from drishti.messages import attributes, subjects
from drishti.messages.catalogue import OPEN_REVISION_TTL_S
from drishti.messages.metrics import METRICS, Kind, MetricSpec
from drishti.telemetry import spans
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

LEAD_EVERY_S = 1.0
RECENT_MS = 60_000
"""So far back a new leader publishes again."""

LAST_S = 5.0
"""How long the last rounds may take at the end; what is left then is published by the next leader."""

FORGET_EVERY_S = 5.0
AT_ONCE = 64
"""Publications in flight: more gain nothing and fill the client's buffer."""

ROWS_AT_ONCE = 2_500
"""Rows of rollups that are read in one statement, about: a backlog must not need the memory of all its rows at once."""

WINDOWS_AT_ONCE = 500

ROUND_ROWS = 50_000
ROUND_S = 0.3
"""How long a round goes on taking up further windows before what changed meanwhile is looked at."""

CHANGES_AT_ONCE = 20
"""Transactions of writers that are looked at in one round; each may have changed thousands of windows."""

SLICE_S = 0.01
"""How long windows are computed before everything else in this process gets its turn."""

INLINE_ROWS = 300
INLINE_WINDOWS = 2_000
"""Work on more than that is done in a thread."""

MESSAGE_ROOM = 1_024
"""Bytes of a message that are left for its headers."""

EXEMPLARS = 10_000

NAMES_EVERY_S = 2.0
NAMES_AGAIN_MS = 60_000
"""So far back names of services are read again: what was given in a slow transaction is not missed."""

NAMES = 20_000
"""Names of services in memory, of all tenants; further services are published without theirs."""

_windows = msgspec.json.Decoder(list[Window])
_COUNTERS = [spec.name for spec in METRICS.values() if spec.kind is Kind.COUNTER]


class Publisher:
    """``run`` until ``stop``. Several may run; one leads at a time."""

    def __init__(self, database: Database, bus: Bus, overflows: Overflows, *, every_s: float, max_series: int) -> None:
        self._database = database
        self._bus = bus
        self._overflows = overflows
        self._every_s = every_s
        self._limits = Limits(series=max_series)
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.leads = False
        self.published = 0
        self.active_series = 0
        """Series whose silence is published."""
        self.waiting_windows = 0
        """Windows that changed and were not published by the last round."""

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            connecting = self._database.wait_connection(name="publisher", generic=True)
            connection = await until(stop, connecting)
            if connection is None:
                return
            try:
                async with closing(connection):
                    if await self._wait_lead(connection, stop):
                        log.info("publishes aggregates from now on")
                        self.leads = True
                        await self._lead(connection, stop)
            except DatabaseAway as error:
                log.warning("cannot publish", extra={"reason": str(error)})
            finally:
                self.leads = False
                self.active_series = self.waiting_windows = 0

    async def _wait_lead(self, connection: asyncpg.Connection, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            with sorted_errors():
                if await connection.fetchval(sql.queries()["try_lead"]):
                    return True
            await pause(stop, LEAD_EVERY_S)
        return False

    async def _lead(self, connection: asyncpg.Connection, stop: asyncio.Event) -> None:
        lag = Lag(self._bus)
        watching = asyncio.create_task(lag.watch(), name="lag")
        try:
            term = _Term(connection, self._bus, lag, self._told, self._overflows, self._limits)
            await term.begin()
            loop = asyncio.get_running_loop()
            stopped_at: float | None = None
            while True:
                if stop.is_set() and stopped_at is None:
                    stopped_at = loop.time()
                began = loop.time()
                done = await term.tick()
                self.published += done.messages
                self.active_series, self.waiting_windows = term.agenda.active_series, term.agenda.waiting
                # what was stored before the end is still published, as far as there is time
                if stopped_at is not None and (not done.more or loop.time() > stopped_at + LAST_S):
                    return
                await pause(stop, 0 if done.more else began + self._every_s - loop.time())
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


class _Round(NamedTuple):
    """What a round came to; ``more``: there is more to do at once."""

    messages: int
    more: bool


class _Ready(NamedTuple):
    """One publication, computed; ``rows`` of rollups it was computed from, or series that it has where those are more."""

    due: Due
    revision: int
    payload: bytes
    exemplar: str | None
    rows: int


class _Term:
    """The time of one lead, on one connection. One round at a time: what works in a thread has the agenda for itself."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        bus: Bus,
        lag: Lag,
        told: OrderedDict[tuple[str, str], None],
        overflows: Overflows,
        limits: Limits,
    ) -> None:
        self._connection = connection
        self._bus = bus
        self._lag = lag
        self._told = told
        self._overflows = overflows
        self._limits = limits
        self.agenda = Agenda(0, limits)
        self._horizon = 0
        self._read: set[int] = set()
        self._turns: deque[tuple[int, int]] = deque()
        self._noted = (0, 0)
        self._forgotten_at = 0.0
        self._names: dict[str, dict[str, str]] = {}
        self._names_read_at = float("-inf")
        self._complained = False
        self._away = False

    async def begin(self) -> None:
        """Takes over: the recent windows, and the series that were active."""
        queries = sql.queries()
        with sorted_errors():
            now = await self._connection.fetchval(queries["clock"])
            # Silence is told from now on only: before, nobody may have been there to hear anything.
            self.agenda = Agenda(now, self._limits)
            await self._read_names(0)
            since = rows.instant((now - ACTIVE_MS) // 1000 * 1000)
            for record in await self._connection.fetch(queries["recent_series"], since, _COUNTERS, self._limits.series):
                metric = record["metric"]
                published = published_labels(METRICS[metric], rows.labels_of(metric, record["labels"]))
                first, last = rows.epoch_ms(record["first"]), rows.epoch_ms(record["last"])
                self.agenda.note_active(record["tenant"], metric, published, first, last)
            since = rows.instant((now - RECENT_MS) // 1000 * 1000)
            self.agenda.note(
                Window(r["resolution"], r["tenant"], r["metric"], rows.epoch_ms(r["window_start"]))
                for r in await self._connection.fetch(queries["recent_windows"], since)
                if r["metric"] in METRICS
            )

    async def tick(self) -> _Round:
        """Reads what changed and publishes what is due, as much as one round takes."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        now, more = await self._read_changes()
        if began - self._names_read_at > NAMES_EVERY_S:
            await self._read_names(now - NAMES_AGAIN_MS)
        clock_read_at = loop.time()  # not before the clock was: what is added to ``now`` is never more than has passed
        stored_until = self._lag.stored_until(now)
        waiting = self.agenda.waiting
        due = await computed(lambda: self.agenda.due(now, stored_until, rows=ROUND_ROWS), in_thread=waiting > INLINE_WINDOWS)
        self._note_overflow()
        full = sum(self.agenda.expected_rows(item.window) for item in due) >= ROUND_ROWS
        messages = done = 0
        self._away = False
        while done < len(due) and not self._away and loop.time() - began < ROUND_S:
            some = self._some(due, done)
            messages += await self._publish_all(some, now + int((loop.time() - clock_read_at) * 1000))
            done += len(some)
        if not self._away:
            self._complained = False
            await self._forget()
        return _Round(messages, not self._away and (more or full or done < len(due)))

    async def _read_changes(self) -> tuple[int, bool]:
        """Notes what changed since the last time; returns the clock, and whether there is more."""
        query = sql.queries()["changes_since"]
        read = [str(xid) for xid in self._read]
        with sorted_errors():
            records = await self._connection.fetch(query, str(self._horizon), read, CHANGES_AT_ONCE)
        now, horizon = records[0]["now_ms"], records[0]["horizon"]
        found = [(record["xid"], record["windows"]) for record in records if record["xid"] is not None]
        more = len(found) == CHANGES_AT_ONCE
        if more:  # what is beyond the limit is not read, whatever the snapshot had
            horizon = min(horizon, found[-1][0])
        self._horizon = horizon
        self._read = {xid for xid in (*self._read, *(xid for xid, _ in found)) if xid >= horizon}
        large = sum(len(windows) for _, windows in found) > INLINE_WINDOWS * 50
        turn = await computed(lambda: self.agenda.note(_known(windows for _, windows in found)), in_thread=large)
        if not self._turns or self._turns[-1][1] != horizon:
            self._turns.append((turn, horizon))
        return now, more

    async def _read_names(self, since: int) -> None:
        """Takes up the names of services that were given, or are given still, ``since`` an instant."""
        self._names_read_at = asyncio.get_running_loop().time()
        with sorted_errors():
            records = await self._connection.fetch(sql.queries()["service_names_since"], rows.instant(since), NAMES)
        known = sum(len(names) for names in self._names.values())
        for record in records:
            names = self._names.setdefault(record["tenant"], {})
            if record["service"] not in names:
                if known >= NAMES:
                    continue
                known += 1
            names[record["service"]] = record["name"]

    def _names_of(self, window: Window, series: Sequence[AggregateSeries]) -> dict[str, str]:
        """The names that the services of ``series`` were given, of those that were given one."""
        names = self._names.get(window.tenant)
        if not names or "service" not in METRICS[window.metric].dimensions:
            return {}
        tokens = {one.labels.get("service", "") for one in series}
        return {service: names[service] for service in sorted(tokens) if service in names}

    def _note_overflow(self) -> None:
        refused, dropped = self.agenda.refused_series, self.agenda.dropped_windows
        self._overflows.note("active_series", refused - self._noted[0])
        self._overflows.note("waiting_windows", dropped - self._noted[1])
        self._noted = refused, dropped

    async def _forget(self) -> None:
        """Rows of ``changes`` that were read in turns of which everything is published have done their work."""
        now = asyncio.get_running_loop().time()
        if now - self._forgotten_at <= FORGET_EVERY_S:
            return
        self._forgotten_at = now
        until, horizon = self.agenda.published_until(), None
        while self._turns and self._turns[0][0] <= until:
            horizon = self._turns.popleft()[1]
        if horizon is not None:
            with sorted_errors():
                await self._connection.execute(sql.queries()["forget_changes"], str(horizon))

    def _some(self, due: Sequence[Due], start: int) -> Sequence[Due]:
        """The windows from ``start`` on that are read at once."""
        end, rows = start, 0
        while end < len(due) and end - start < WINDOWS_AT_ONCE and (end == start or rows < ROWS_AT_ONCE):
            rows += self.agenda.expected_rows(due[end].window)
            end += 1
        return due[start:end]

    async def _publish_all(self, due: Sequence[Due], now: int) -> int:
        """How many of ``due`` are published; none where the bus is away."""
        columns = rows.window_columns([item.window for item in due])
        with sorted_errors():
            records = await self._connection.fetch(sql.queries()["windows"], *columns)
        ready = await self._compute(due, records, now)
        places = asyncio.Semaphore(AT_ONCE)
        return sum(await asyncio.gather(*(self._publish(item, now, places) for item in ready)))

    async def _compute(self, due: Sequence[Due], records: Sequence[asyncpg.Record], now: int) -> list[_Ready]:
        """The messages of ``due``. Small windows are computed here, a few at a time; large ones in a thread."""
        found: dict[Window, list[tuple[Labels, Cell]]] = {}
        for record in records:
            row = rows.row_of(record)
            found.setdefault(row.window, []).append((row.labels, row.cell))
        loop = asyncio.get_running_loop()
        ready: list[_Ready] = []
        began = loop.time()
        for item in due:
            cells = found.get(item.window, [])
            large = len(cells) + len(item.silent) > INLINE_ROWS
            ready.append(await computed(partial(self._ready, item, cells, now), in_thread=large))
            if loop.time() - began > SLICE_S:
                await asyncio.sleep(0)
                began = loop.time()
        return ready

    def _ready(self, due: Due, cells: list[tuple[Labels, Cell]], now: int) -> _Ready:
        """The message of one window, small enough for the bus: where it is not, more of its series become ``other``."""
        window = due.window
        spec = METRICS[window.metric]
        if window.resolution == "1s" and spec.dimensions:
            seen = {published for labels, cell in cells if cell.count for published in published_labels(spec, labels)}
            self.agenda.note_active(window.tenant, window.metric, seen, window.start, window.start)
        revision = self.agenda.revision(window, now)
        most = self._bus.nc.max_payload - MESSAGE_ROOM
        limit = self._limits.series
        while True:
            series = aggregate_series(
                spec,
                cells,
                due.silent,
                limit=limit,
                is_active=lambda published: self.agenda.is_active(window.tenant, window.metric, published),
            )
            aggregate = Aggregate(
                tenant=window.tenant,
                metric=window.metric,
                unit=spec.unit,
                resolution=window.resolution,
                window_start=window.start,
                revision=revision,
                final=due.final,
                published_at=now,
                series=series,
                service_names=self._names_of(window, series),
            )
            payload = encode(aggregate)
            if len(payload) > most and aggregate.service_names:  # numbers go before names
                aggregate.service_names = {}
                payload = encode(aggregate)
            if len(payload) <= most or not limit:
                break
            limit //= 2
        if len(cells) > limit:
            self._overflows.note("published_series", max(0, _folded(spec, cells, series)), tenant=window.tenant)
        exemplar = self._exemplar(window, (cell for _, cell in cells))
        return _Ready(due, revision, payload, exemplar, max(len(cells), len(series)))

    async def _publish(self, ready: _Ready, now: int, places: asyncio.Semaphore) -> bool:
        due, window = ready.due, ready.due.window
        subject = subjects.aggregates(window.tenant, window.resolution, window.metric)
        ttl_s = None if due.final else OPEN_REVISION_TTL_S
        async with places:
            if self._away:  # the others need not find out one by one, each by its own timeout
                return False
            try:
                await self._send(subject, ready.payload, ttl_s, ready.exemplar)
            except BusUnavailable as error:
                self._away = True
                if not self._complained:
                    self._complained = True
                    log.warning("aggregates wait for the bus", extra={"reason": str(error)})
                return False
            except BusRefused as error:  # the same every time: it must not be due for ever
                self._overflows.note("unpublishable", 1, tenant=window.tenant)
                log.debug("aggregate is passed over", extra={"subject": subject, "reason": str(error)})
                self.agenda.published(due, ready.revision, now, rows=ready.rows)
                return False
        if ready.exemplar is not None:
            self._told[window.metric, ready.exemplar] = None
            if len(self._told) > EXEMPLARS:
                self._told.popitem(last=False)
        self.agenda.published(due, ready.revision, now, rows=ready.rows)
        return True

    async def _send(self, subject: str, payload: bytes, ttl_s: float | None, exemplar: str | None) -> None:
        if exemplar is None:
            await self._bus.publish(subject, payload, ttl_s=ttl_s)
            return
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: "AGGREGATES",
            attributes.MESSAGING_OPERATION_TYPE: "send",
        }
        with spans.span("publish AGGREGATES", kind=SpanKind.PRODUCER, parent=spans.extract(exemplar), attributes=about) as span:
            headers = {"traceparent": spans.traceparent_of(span) or exemplar}
            await self._bus.publish(subject, payload, ttl_s=ttl_s, headers=headers)

    def _exemplar(self, window: Window, cells: Iterable[Cell]) -> str | None:
        """A trace that goes on with this message: each once for each metric, and only where both readers look, at seconds."""
        if window.resolution != "1s":
            return None
        for cell in cells:
            if cell.exemplar is not None and (window.metric, cell.exemplar) not in self._told:
                return cell.exemplar
        return None


def _known(changes: Iterable[str]) -> Iterable[Window]:
    """The windows of some rows of ``changes`` whose metrics are known to this version."""
    return (window for windows in changes for window in _windows.decode(windows) if window.metric in METRICS)


def _folded(spec: MetricSpec, cells: Iterable[tuple[Labels, Cell]], series: Sequence[AggregateSeries]) -> int:
    """How many series of ``cells`` are not published by name."""
    return len({published for labels, _ in cells for published in published_labels(spec, labels)}) - len(series)
