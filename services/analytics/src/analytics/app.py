"""The wiring of analytics, and the order in which it starts and ends.

Start: health answers at once; then PostgreSQL is waited for and migrated, NATS is waited for, and answers, consumers, writer
and publisher begin. End: the consumers stop, the writer stores and acknowledges what was decoded, the publisher publishes it
and gives its share to the others, questions are answered no more, the connections close.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial

from faststream.nats import NatsBroker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from analytics import memory
from analytics.erasure.job import Erasing
from analytics.errors import DatabaseAway
from analytics.event_metrics.changes import EventMetricChanges
from analytics.event_metrics.extractors import EventMetrics
from analytics.event_metrics.history import HistoryFiller
from analytics.event_metrics.pace import Pace
from analytics.event_metrics.table import Held
from analytics.ingest.deliveries import Acknowledger, Delivery
from analytics.ingest.handlers import Handlers
from analytics.ingest.registration import Registration
from analytics.ingest.registry import load_signals
from analytics.ingest.tenants import QUIET_S, Tenants
from analytics.ingest.tombstones import HeldTombstones, Tombstones
from analytics.ingest.writer import Writer
from analytics.llm_price_file import read_prices
from analytics.maintenance import Maintenance
from analytics.overflow import Overflows
from analytics.product.saved import Saved, nothing_saved
from analytics.product.segments.compaction import Compaction
from analytics.publish.published_metrics import PublishedMetrics
from analytics.publish.publisher import Publisher
from analytics.query.answers import MetricAnswers
from analytics.query.api import api, broker
from analytics.query.calling import answer_calls
from analytics.query.catalogue_answers import CatalogueAnswers
from analytics.query.explorer import ExplorerAsks, explorer_answers
from analytics.query.product.counting import ProductCounting
from analytics.query.product.funnels import FunnelAnswers
from analytics.query.product.saved_funnels.live import LiveFunnels
from analytics.query.question_answers import QuestionAnswers
from analytics.query.sessions import Sessions
from analytics.query.traces.explanations import Asks, Explanations
from analytics.settings import AnalyticsSettings
from analytics.spans import llm_prices
from analytics.spans.span import Span
from analytics.storage import rows
from analytics.storage.carrying import Carrying
from analytics.storage.database import Database
from analytics.storage.store import Store
from analytics.traces.citations import Citations
from analytics.traces.deployments import Deployments
from analytics.traces.minute_job import MinuteJob
from analytics.traces.retention import LATE_HOURS
from drishti.bus.connection import Bus, connect
from drishti.bus.stream_health import StreamHealth
from drishti.errors import BusUnavailable
from drishti.measures.registry import MetricRegistry
from drishti.messages.catalogue import ANALYTICS, durables, needed_streams
from drishti.service.disk import Disk
from drishti.service.health import Health
from drishti.service.http.limits import connections_within
from drishti.service.lifecycle import serve_http
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

MAX_MESSAGES = 200
STORES_UNTIL = 0.5
"""Of the disk's reserve: the gateway stops accepting before this service has to stop storing what was accepted."""

FORGET_EVERY_S = 60.0
GIVE_BACK_EVERY_S = 10.0
DEFINITIONS_S = 10.0
DRAIN_S = 10.0
"""How long the last batch may take at the end; the rest is redelivered to another replica or a later start."""


class AnalyticsService:
    """One replica on one bus connection. ``run`` until ``stop``."""

    def __init__(
        self,
        settings: AnalyticsSettings,
        bus: Bus,
        database: Database,
        overflows: Overflows,
        registry: MetricRegistry,
        event_metrics: EventMetrics,
        saved: Saved,
        funnels: FunnelAnswers,
        asks: Asks,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._database = database
        self.disk = Disk(settings.disk_folders, reserve_mb=settings.disk_reserve_mb, share=STORES_UNTIL)
        self.overflows = overflows
        self._signals = load_signals()
        self.acknowledger = Acknowledger(bus, self.overflows)
        self._tombstones = Tombstones()
        self.store = Store(
            database,
            disk=self.disk,
            max_series=settings.max_series,
            kept_days=settings.kept_days,
            metrics=registry.view,
            event_metrics=HeldTombstones(Held(event_metrics), self._tombstones),
        )
        self._registry = registry
        self._changes = EventMetricChanges(database, registry, event_metrics)
        self.publisher = Publisher(
            database,
            bus,
            self.overflows,
            consumers=self._signals.consumers,
            every_s=settings.publish_every_s,
            max_series=settings.published_series,
            events_stored=self._note_events,
            metrics=PublishedMetrics(registry.view, self._changes.of, event_metrics.stored, event_metrics.of),
        )
        self.writer = Writer(
            self.store,
            self.acknowledger,
            self.overflows,
            batch_items=settings.batch_items,
            linger_s=settings.linger_s,
            event_metrics=event_metrics,
            tombstones=self._tombstones,
            hours_kept=settings.spans_hours + LATE_HOURS,
            stored=self._stored,
        )
        self._live_funnels = LiveFunnels(saved.funnels, saved.results, funnels, self.publisher.owns)
        self._deployments = Deployments(bus, database, overflows)
        self._history = HistoryFiller(
            database,
            kept_days=settings.kept_days,
            events_days=settings.events_days,
            limit_of=self.store.limit_of,
            pace=Pace(stored=lambda: self.writer.stored, waiting=lambda: self.writer.waiting),
        )
        self._minutes = MinuteJob(database, lambda: self.writer.waiting)
        self._compaction = Compaction(database, lambda: self.writer.waiting)
        self._erasing = Erasing(database, bus, saved.cohorts)
        self._explanations = Explanations(bus, database, asks)
        self._citations = Citations(bus, database, self._explanations.opened)
        self.streams = StreamHealth(bus, needs=needed_streams(ANALYTICS), durables=durables(ANALYTICS), repair=True)
        self._tenants = Tenants(settings.max_tenants)
        self._registration = Registration(registry, self.overflows)
        self._handlers = Handlers(self.writer, self.acknowledger, self.overflows, self._tenants, self._registration)

    def statistics(self) -> dict[str, int | bool]:
        """What became of everything since the start, and what waits now."""
        return {
            "stored": self.writer.stored,
            "duplicates": self.writer.duplicates,
            "overflowed": self.writer.overflowed,
            "refused": self.acknowledger.refused,
            "bugs": self.acknowledger.bugs,
            "waiting": self.writer.waiting,
            "published": self.publisher.published,
            "active_series": self.publisher.active_series,
            "waiting_windows": self.publisher.waiting_windows,
            "partitions": self.publisher.partitions,
            "llm_calls_without_price": llm_prices.IN_USE.unpriced,
            "cited_traces": self._citations.cited,
            "explanations": self._explanations.published,
            "explanations_passed_over": self._explanations.passed_over,
            "deployments": self._deployments.published,
            "span_minutes": self._minutes.counted,
            "span_minutes_failed": self._minutes.failed,
            "span_hours": self._minutes.hours.counted,
            "compacted": self._compaction.compacted,
            "merged_ids": self._compaction.merged,
            "compactions_failed": self._compaction.failed,
            "funnels_counted": self._live_funnels.counted,
            "funnel_results": self._live_funnels.published,
            "erased_items_dropped": self._tombstones.dropped,
            "erasures_finished": self._erasing.finished,
            **self.overflows.statistics(),
        }

    async def run(self, stop: asyncio.Event) -> None:
        stored = asyncio.Event()
        maintenance = Maintenance(self._settings, self._database, self._registry, self._signals.tables)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.publisher.run(stored), name="publisher")
            tasks.create_task(self._changes.run(stop), name="event metrics")
            tasks.create_task(self._history.run(stop), name="event metrics history")
            tasks.create_task(maintenance.run(stop), name="maintenance")
            tasks.create_task(Carrying(self._database).run(stop), name="carrying")
            tasks.create_task(self._minutes.run(stop), name="minutes of spans")
            tasks.create_task(self._compaction.run(stop), name="segments")
            tasks.create_task(self._erasing.run(stop), name="erasure")
            tasks.create_task(self._live_funnels.run(stop), name="saved funnels")
            tasks.create_task(self._citations.run(stop), name="citations")
            tasks.create_task(self._explanations.run(stop), name="explanations")
            tasks.create_task(self._deployments.run(stop), name="deployments")
            tasks.create_task(self._forget_quiet(stop), name="memory")
            tasks.create_task(self._give_back(stop), name="free memory")
            tasks.create_task(self.streams.run(stop), name="streams")
            tasks.create_task(self.disk.run(stop), name="disk")
            writing = tasks.create_task(self.writer.run(), name="writer")
            consuming = tasks.create_task(self._consume(stop), name="consumers")
            await stop.wait()
            finishing = tasks.create_task(self._finish(consuming, writing), name="drain")
            done, _ = await asyncio.wait((finishing,), timeout=DRAIN_S)
            if not done:
                log.warning("the last batch is not stored, it comes again")
                writing.cancel()
                await self.writer.abandon()
                await finishing
            stored.set()
        await self.store.close()

    def _note_events(self, tenant: str) -> None:
        self._live_funnels.note(tenant)

    def _stored(self, deliveries: Sequence[Delivery]) -> None:
        self.publisher.wake()
        for delivery in deliveries:
            first, last = delivery.items[0], delivery.items[-1]
            if isinstance(first.body, Span):  # all spans of a message have one resource
                self._deployments.note(first.tenant, first.body.resource, first.second, last.second)

    async def _finish(self, consuming: asyncio.Task[None], writing: asyncio.Task[None]) -> None:
        """Waits for the consumers' last messages, then for the writer's last batch."""
        await consuming
        await self.writer.finish()
        await asyncio.wait((writing,))

    async def _consume(self, stop: asyncio.Event) -> None:
        if await until(stop, self._restore_tenants()) is None:
            return
        async with asyncio.TaskGroup() as tasks:
            for signal in self._signals:
                consuming = self._bus.consume(
                    signal.stream,
                    signal.durable,
                    partial(self._handlers.take, signal),
                    stop=stop,
                    max_messages=MAX_MESSAGES,
                )
                tasks.create_task(consuming, name=signal.durable)

    async def _restore_tenants(self) -> int:
        """Tenants that were counted before the start stay admitted, whichever sends first now."""
        while True:
            try:
                async with await self._database.wait_connection(name="tenants") as session:
                    records = await session.fetch("recent_tenants", QUIET_S, self._tenants.most)
            except DatabaseAway as error:
                log.warning("the tenants are read another time", extra={"reason": str(error)})
                continue
            self._tenants.restore((record["tenant"], record["last"]) for record in records)
            return len(self._tenants)

    async def _give_back(self, stop: asyncio.Event) -> None:
        """Gives memory back to the system that a burst left behind: free, or of windows that are quiet."""
        while not stop.is_set():
            await pause(stop, GIVE_BACK_EVERY_S)
            await self.store.forget_quiet_windows()
            await asyncio.to_thread(memory.give_back)

    async def _forget_quiet(self, stop: asyncio.Event) -> None:
        """Forgets what only a burst has needed."""
        while not stop.is_set():
            await pause(stop, FORGET_EVERY_S)
            await self.store.forget_quiet()
            self._registration.forget_quiet()
            for signal in self._signals:
                if signal.forget_quiet is not None:
                    signal.forget_quiet()
            rows.clear_caches()


async def serve(settings: AnalyticsSettings, stop: asyncio.Event) -> None:
    """The whole service until ``stop``."""
    llm_prices.IN_USE.table = read_prices(settings.llm_prices)
    database = Database(settings.database_url)
    overflows = Overflows()
    sessions = Sessions(database)
    of_funnels = Sessions(database)  # of its own: what is counted without being asked keeps no question waiting
    started: list[tuple[Bus, AnalyticsService]] = []

    async def ping_nats() -> None:
        if not started:
            raise BusUnavailable("does not answer questions on NATS yet")
        await started[0][0].ping()

    async def statistics(_request: Request) -> JSONResponse:
        return JSONResponse({name: value for _, analytics in started for name, value in analytics.statistics().items()})

    async def ping_streams() -> None:
        if started:
            await started[0][1].streams.ping()

    async def ping_disk() -> None:
        if started:
            await started[0][1].disk.ping()

    async def ping_consumers() -> str:
        return await started[0][1].streams.ping_consumers() if started else ""

    health = Health(run_id=settings.run_id)
    health.add("nats", ping_nats)
    health.add("streams", ping_streams)
    health.add("consumers", ping_consumers)
    health.add("disk", ping_disk)
    health.add("postgresql", sessions.ping)
    app = Starlette(routes=[*health.routes(), Route("/statistics", statistics)])
    async with asyncio.TaskGroup() as tasks:
        connections = connections_within(settings.http)
        serving = serve_http(app, host=settings.host, port=settings.port, stop=stop, websockets=False, connections=connections)
        tasks.create_task(serving, name="health")
        if await until(stop, _migrate(database)) is None:
            return
        bus = await until(stop, connect(settings.bus, name=ANALYTICS))
        if bus is None:
            return
        try:
            registry = MetricRegistry()
            event_metrics = EventMetrics()
            questions = QuestionAnswers(sessions, registry, kept_days=settings.kept_days, stored=event_metrics.stored)
            catalogue = CatalogueAnswers(sessions, registry, stored=event_metrics.stored)
            saved = nothing_saved()
            explorer = explorer_answers(sessions, settings, saved)
            funnels = FunnelAnswers(ProductCounting(of_funnels, saved.cohorts))
            router = api(MetricAnswers(questions), questions, catalogue, explorer, overflows)
            if settings.test_routes:
                answer_calls(router)
            async with _following(registry, saved, bus, stop), _answering(broker(bus.nc, router)):
                analytics = AnalyticsService(
                    settings, bus, database, overflows, registry, event_metrics, saved, funnels, ExplorerAsks(sessions)
                )
                started.append((bus, analytics))  # from here on it is of use, and says so
                await analytics.run(stop)
        finally:
            await bus.close()
            await sessions.close()
            await of_funnels.close()


async def _migrate(database: Database) -> list[str]:
    while True:
        try:
            return await database.migrate()
        except DatabaseAway as error:
            log.warning("migrations begin again", extra={"reason": str(error)})


@contextlib.asynccontextmanager
async def _following(registry: MetricRegistry, saved: Saved, bus: Bus, stop: asyncio.Event) -> AsyncIterator[None]:
    """Keeps the definitions of metrics, and what users saved, current while the block lasts. It begins when the former are
    read, or at ``stop``; where they cannot be, after :data:`DEFINITIONS_S`, with what is built in."""
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(registry.follow(bus, ended), name="metric definitions")
        tasks.create_task(saved.cohorts.follow(bus, ended), name="cohorts")
        tasks.create_task(saved.funnels.follow(bus, ended), name="saved funnels")
        tasks.create_task(saved.results.follow(bus, ended), name="results of funnels")
        try:
            async with asyncio.timeout(DEFINITIONS_S):
                await until(stop, registry.loaded.wait())
        except TimeoutError:
            log.warning("the definitions of metrics are not read yet", extra={"reason": "; ".join(bus.unreadable().values())})
        try:
            yield
        finally:
            ended.set()


@contextlib.asynccontextmanager
async def _answering(answering: NatsBroker) -> AsyncIterator[None]:
    await answering.start()
    try:
        yield
    finally:
        await answering.stop()
