"""The wiring of dashboard-stream, and the order in which it starts and ends.

Start: pages and health answer at once; NATS is waited for; then the history is read (:data:`REPLAYS`) and what is new follows.
When NATS goes away the history stays, the frames go on and say so (``stream.bus_connected``), and the replays take up where
they were. End: the replays and the frames stop, every socket is closed with 1012, the connection to NATS closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.applications import Starlette

from dashboard_stream.http.routes import Endpoints
from dashboard_stream.live.clients import Broadcaster
from dashboard_stream.live.funnel_results import FollowedFunnels
from dashboard_stream.live.handlers import Clock, Handlers
from dashboard_stream.live.hub import Hub
from dashboard_stream.live.past import Past
from dashboard_stream.past.insight_history import InsightReader
from dashboard_stream.past.stored_notes import StoredNotes
from dashboard_stream.settings import DashboardSettings
from drishti.bus.connection import Bus, connect
from drishti.bus.stream_health import StreamHealth
from drishti.dashboards.stored import StoredDashboards
from drishti.errors import BusUnavailable
from drishti.events import AnomalyInsight, ForecastInsight
from drishti.measures.registry import MetricRegistry
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import AGGREGATES, INSIGHTS
from drishti.service.disk import Disk
from drishti.service.health import Health
from drishti.service.http.limits import connections_within
from drishti.service.lifecycle import serve_http
from drishti.waiting import until

log = logging.getLogger(__name__)


class Replay(NamedTuple):
    """A part of a stream and how far back it is read at start."""

    stream: str
    subject: str
    back_s: int


REPLAYS = (
    Replay(AGGREGATES, subjects.aggregates_filter("1s"), 15 * 60),
    Replay(AGGREGATES, subjects.aggregates_filter("1m"), 3 * 3600),
    Replay(AGGREGATES, subjects.aggregates_filter("1h"), 25 * 3600),
    Replay(INSIGHTS, subjects.series_insights(AnomalyInsight.kind), 24 * 3600),
    Replay(INSIGHTS, subjects.series_insights(ForecastInsight.kind), 65 * 60),
    Replay(INSIGHTS, subjects.SYSTEM_INSIGHTS, 24 * 3600),
)
"""As far back as the history reaches, each by itself: seconds would drown what the hours need. Forecasts age fast, and those
that look furthest are published once an hour."""


REGISTRY_S = 5.0
"""How long the history waits for the definitions of metrics, without which it keeps what is built in, and for dashboards."""


BUS_S = 2.0
HISTORY_S = 15.0
"""How long after the start a WebSocket waits for the bus, and for the history, before it is opened: a page that saw the run
before keeps what it shows, and then gets everything at once. Without them its frames say what is missing."""

LOOK_S = 0.05


class DashboardStream:
    """The service without its server and its connection: ``app`` is served, :meth:`follow` reads a bus, :meth:`send` sends."""

    def __init__(self, settings: DashboardSettings, *, epoch: str, now: Clock = time.time) -> None:
        self._now = now
        self._began = time.monotonic()
        self._bus: Bus | None = None
        self._streams: StreamHealth | None = None
        self._disk = Disk(settings.disk_folders, reserve_mb=settings.disk_reserve_mb)
        self._history_read = False
        self.registry = MetricRegistry()
        self.stored = StoredDashboards(changed=lambda _tenant: self.broadcaster.wake())
        self.notes = StoredNotes()
        self.insight_reader = InsightReader()
        self.funnels = FollowedFunnels(self._funnel_changed)
        self.hub = Hub(
            epoch,
            problems=self.problems,
            metrics_of=self.registry.of,
            documents_of=self.stored.of,
            funnels_of=self.funnels.of,
        )
        self.broadcaster = Broadcaster(state=self.state, now=now, slow_s=settings.slow_s)
        health = Health(run_id=settings.run_id)
        health.add("nats", self._ping_nats)
        health.add("streams", self._ping_streams)
        health.add("history", self._ping_history)
        endpoints = Endpoints(
            settings,
            self.hub,
            self.broadcaster,
            self.stored,
            self.notes,
            self.insight_reader,
            now=now,
            history=self.wait_history,
            check=health.check,
        )
        self.app = Starlette(routes=[*health.routes(), *endpoints.routes()], middleware=endpoints.middleware())

    def state(self) -> dict[str, float | None]:
        """Values about this service, for every frame."""
        return {
            "stream.bus_connected": int(self._bus is not None and self._bus.nc.is_connected),
            "stream.history_ready": int(self._history_read),
            "stream.clients": self.broadcaster.clients,
            "stream.skipped_frames": self.broadcaster.skipped,
            "stream.refused_tenants": self.hub.refused_tenants,
            "stream.unknown_insights": self.hub.unknown_insights,
        }

    def problems(self) -> list[str]:
        """Sentences for every frame: why what was accepted is not counted, or what was counted does not come here."""
        if self._bus is None or self._streams is None:
            return []
        no_room = [f"nothing is taken in, {self._disk.full}"] if self._disk.full else []
        unread = self._streams.unread() or self._streams.behind()
        return [*no_room, *unread, *self._bus.unreadable().values()]

    def _funnel_changed(self, tenant: str, name: str) -> None:
        if self.hub.funnel_changed(tenant, name):
            self.broadcaster.wake()

    async def wait_history(self) -> None:
        """Returns when a WebSocket is to be opened: with the history, or without one that does not come."""
        while not self._history_read:
            connected = self._bus is not None and self._bus.nc.is_connected
            if time.monotonic() - self._began > (HISTORY_S if connected else BUS_S):
                return
            await asyncio.sleep(LOOK_S)

    async def send(self, stop: asyncio.Event) -> None:
        """Sends frames until ``stop``."""
        await self.broadcaster.run(stop)

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the history and what is new from ``bus`` until ``stop``."""
        self._bus = bus
        self.insight_reader.connect(bus)
        self._streams = StreamHealth(bus, needs=catalogue.needed_streams(catalogue.DASHBOARD), durables=catalogue.durables())
        handlers = Handlers(bus, self.hub, wake=self.broadcaster.wake, now=self._now)
        take = {AGGREGATES: handlers.take_aggregate, INSIGHTS: handlers.take_insight}
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.registry.follow(bus, stop), name="metric definitions")
            tasks.create_task(self.stored.follow(bus, stop), name="dashboards")
            tasks.create_task(self.notes.follow(bus, stop), name="notes")
            tasks.create_task(self.funnels.follow(bus, stop), name="results of funnels")
            # What the history keeps follows from the definitions; without them it keeps what is built in.
            await until(stop, self._definitions_read())
            read = []
            for replay in REPLAYS:
                read.append(ready := asyncio.Event())
                replaying = bus.replay(
                    replay.stream,
                    subjects=[replay.subject],
                    start=datetime.fromtimestamp(self._now() - replay.back_s, UTC),
                    handler=take[replay.stream],
                    stop=stop,
                    ready=ready,
                )
                tasks.create_task(replaying, name=f"replay {replay.stream}")
            # Kinds that are not read above, since this version does not know them, are counted.
            counting = bus.replay(
                INSIGHTS,
                subjects=[subjects.series_insights()],
                start=datetime.fromtimestamp(self._now(), UTC),
                handler=handlers.count_unknown_kind,
                stop=stop,
                headers_only=True,
            )
            tasks.create_task(counting, name="unknown insights")
            tasks.create_task(self._streams.run(stop), name="streams")
            tasks.create_task(self._disk.run(stop), name="disk")
            past = Past(bus, self.hub, handlers, now=self._now)
            tasks.create_task(past.run(stop), name="past of opened dashboards")
            waiting = tasks.create_task(self._wait_history(read, began), name="history")
            await stop.wait()
            waiting.cancel()

    async def _definitions_read(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REGISTRY_S):
                await self.registry.loaded.wait()
                await self.stored.loaded.wait()

    async def _wait_history(self, read: list[asyncio.Event], began: float) -> None:
        for ready in read:
            await ready.wait()
        self._history_read = True
        log.info("history read", extra={"seconds": round(time.monotonic() - began, 2)})

    async def _ping_nats(self) -> None:
        if self._bus is None:
            raise BusUnavailable("not connected to NATS yet")
        await self._bus.ping()

    async def _ping_streams(self) -> None:
        if self._streams is not None:
            await self._streams.ping()

    async def _ping_history(self) -> None:
        if not self._history_read:
            raise BusUnavailable("the history is still being read")


async def serve(
    settings: DashboardSettings, stop: asyncio.Event, *, epoch: str | None = None, ready: asyncio.Event | None = None
) -> None:
    """The whole service until ``stop``; ``ready`` is set when it listens. ``epoch`` names this start, else by chance."""
    if settings.open_to_others:
        log.warning("other machines can reach this port; set DASHBOARD_STREAM_SECRET here and at the gateway")
    stream = DashboardStream(settings, epoch=epoch or secrets.token_hex(4))
    async with asyncio.TaskGroup() as tasks:
        connections = connections_within(settings.http)
        serving = serve_http(
            stream.app, host=settings.host, port=settings.port, stop=stop, ready=ready, connections=connections
        )
        tasks.create_task(serving, name="http")
        tasks.create_task(stream.send(stop), name="frames")
        bus = await until(stop, connect(settings.bus, name=catalogue.DASHBOARD))
        if bus is None:
            return
        try:
            await stream.follow(bus, stop)
        finally:
            await bus.close()
