"""The publisher: one replica leads and puts every window that changed on AGGREGATES.

How this works
--------------
The leader holds an advisory lock on its connection; when the connection goes, so does the lead, and another replica takes it.
Every transaction of a writer left a row in ``changes`` under its transaction's number. The leader reads those from the horizon
of its last reading on: the number of the oldest transaction that was still running then. Whatever was not yet committed at the
last reading is at or after that horizon, so a slow commit is never missed; what is read twice is told apart by its number.

Rows of ``changes`` are deleted when everything read up to them is published. So a new leader finds what the old one left, and
besides it publishes the recent windows again: whether the old one had is not known.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import asyncpg
import msgspec
from opentelemetry.trace import SpanKind

from analytics import rows, sql
from analytics.agenda import ACTIVE_MS, Agenda, Due
from analytics.aggregates import aggregate_series, published_labels
from analytics.cells import Cell
from analytics.database import Database, closing, sorted_errors
from analytics.errors import DatabaseAway
from analytics.lag import Lag
from analytics.observations import Labels
from analytics.windows import Window
from drishti import attributes, subjects, telemetry
from drishti.bus import Bus
from drishti.catalogue import OPEN_REVISION_TTL_S
from drishti.errors import BusUnavailable
from drishti.events import Aggregate, encode
from drishti.metrics import METRICS, Kind
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

LEAD_EVERY_S = 1.0
RECENT_MS = 60_000
"""So far back a new leader publishes again."""

FORGET_EVERY_S = 5.0
AT_ONCE = 64
"""Publications in flight: more gain nothing and fill the client's buffer."""

WINDOWS_AT_ONCE = 500
"""Windows read in one statement, so that a backlog does not need the memory of all its rows at once."""

EXEMPLARS = 10_000

_windows = msgspec.json.Decoder(list[Window])
_COUNTERS = [spec.name for spec in METRICS.values() if spec.kind is Kind.COUNTER]


class Publisher:
    """``run`` until ``stop``. Several may run; one leads at a time."""

    def __init__(self, database: Database, bus: Bus, *, every_s: float) -> None:
        self._database = database
        self._bus = bus
        self._every_s = every_s
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.leads = False
        self.published = 0

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
            term = _Term(connection, self._bus, lag, self._told)
            await term.begin()
            loop = asyncio.get_running_loop()
            while True:
                last = stop.is_set()  # what was stored before the end is still told
                began = loop.time()
                self.published += await term.tick()
                if last:
                    return
                await pause(stop, began + self._every_s - loop.time())
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


class _Term:
    """The time of one lead, on one connection."""

    def __init__(self, connection: asyncpg.Connection, bus: Bus, lag: Lag, told: OrderedDict[tuple[str, str], None]) -> None:
        self._connection = connection
        self._bus = bus
        self._lag = lag
        self._told = told
        self._agenda = Agenda(0)
        self._horizon = 0
        self._read: set[int] = set()
        self._forgotten_at = 0.0
        self._complained = False
        self._away = False

    async def begin(self) -> None:
        """Takes over: the recent windows, and the series that were active."""
        queries = sql.queries()
        with sorted_errors():
            now = await self._connection.fetchval(queries["clock"])
            # Silence is told from now on only: before, nobody may have been there to hear anything.
            self._agenda = Agenda(now)
            since = rows.instant((now - ACTIVE_MS) // 1000 * 1000)
            for record in await self._connection.fetch(queries["recent_series"], since, _COUNTERS):
                metric = record["metric"]
                published = published_labels(METRICS[metric], rows.labels_of(metric, record["labels"]))
                first, last = rows.epoch_ms(record["first"]), rows.epoch_ms(record["last"])
                self._agenda.note_active(record["tenant"], metric, published, first, last)
            since = rows.instant((now - RECENT_MS) // 1000 * 1000)
            self._agenda.note(
                Window(r["resolution"], r["tenant"], r["metric"], rows.epoch_ms(r["window_start"]))
                for r in await self._connection.fetch(queries["recent_windows"], since)
                if r["metric"] in METRICS
            )

    async def tick(self) -> int:
        """Reads what changed and publishes what is due; returns how many messages."""
        with sorted_errors():
            records = await self._connection.fetch(sql.queries()["changes_since"], str(self._horizon))
        now, horizon = records[0]["now_ms"], records[0]["horizon"]
        fresh = {r["xid"]: r["windows"] for r in records if r["xid"] is not None and r["xid"] not in self._read}
        for windows in fresh.values():
            self._agenda.note(w for w in _windows.decode(windows) if w.metric in METRICS)
        self._horizon = horizon
        self._read = {xid for xid in self._read | fresh.keys() if xid >= horizon}
        due = self._agenda.due(now, self._lag.stored_until(now))
        count = 0
        self._away = False
        for start in range(0, len(due), WINDOWS_AT_ONCE):
            if self._away:
                break
            count += await self._publish_all(due[start : start + WINDOWS_AT_ONCE], now)
        if count == len(due):
            self._complained = False
            await self._forget()
        return count

    async def _forget(self) -> None:
        """Everything that was read is published: the rows before the horizon have done their work."""
        now = asyncio.get_running_loop().time()
        if now - self._forgotten_at > FORGET_EVERY_S:
            self._forgotten_at = now
            with sorted_errors():
                await self._connection.execute(sql.queries()["forget_changes"], str(self._horizon))

    async def _publish_all(self, due: Sequence[Due], now: int) -> int:
        found = await self._cells([item.window for item in due])
        places = asyncio.Semaphore(AT_ONCE)
        done = await asyncio.gather(*(self._publish(item, found.get(item.window, []), now, places) for item in due))
        return sum(done)

    async def _cells(self, windows: Sequence[Window]) -> dict[Window, list[tuple[Labels, Cell]]]:
        found: dict[Window, list[tuple[Labels, Cell]]] = {}
        with sorted_errors():
            records = await self._connection.fetch(sql.queries()["windows"], *rows.window_columns(windows))
        for record in records:
            row = rows.row_of(record)
            found.setdefault(row.window, []).append((row.labels, row.cell))
        return found

    async def _publish(self, due: Due, cells: list[tuple[Labels, Cell]], now: int, places: asyncio.Semaphore) -> bool:
        window = due.window
        spec = METRICS[window.metric]
        series = aggregate_series(spec, cells, due.silent)
        if window.resolution == "1s" and spec.kind is Kind.COUNTER:
            seen = (tuple(s.labels.items()) for s in series if s.count)
            self._agenda.note_active(window.tenant, window.metric, seen, window.start, window.start)
        revision = self._agenda.revision(window, now)
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
        )
        subject = subjects.aggregates(window.tenant, window.resolution, window.metric)
        ttl_s = None if due.final else OPEN_REVISION_TTL_S
        exemplar = self._exemplar(window, (cell for _, cell in cells))
        async with places:
            if self._away:  # the others need not find out one by one, each by its own timeout
                return False
            try:
                await self._send(subject, encode(aggregate), ttl_s, exemplar)
            except BusUnavailable as error:
                self._away = True
                if not self._complained:
                    self._complained = True
                    log.warning("aggregates wait for the bus", extra={"reason": str(error)})
                return False
        if exemplar is not None:
            self._told[window.metric, exemplar] = None
            if len(self._told) > EXEMPLARS:
                self._told.popitem(last=False)
        self._agenda.published(due, revision, now)
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
        with telemetry.span(
            "publish AGGREGATES", kind=SpanKind.PRODUCER, parent=telemetry.extract(exemplar), attributes=about
        ) as span:
            headers = {"traceparent": telemetry.traceparent_of(span) or exemplar}
            await self._bus.publish(subject, payload, ttl_s=ttl_s, headers=headers)

    def _exemplar(self, window: Window, cells: Iterable[Cell]) -> str | None:
        """A trace that goes on with this message: each once for each metric, and only where both readers look, at seconds."""
        if window.resolution != "1s":
            return None
        for cell in cells:
            if cell.exemplar is not None and (window.metric, cell.exemplar) not in self._told:
                return cell.exemplar
        return None
