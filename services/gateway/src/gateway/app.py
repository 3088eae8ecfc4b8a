"""The wiring of the gateway, and the order in which it starts and ends.

Start: the ports are open at once and say 503 (``UNAVAILABLE``) to what needs the bus; then NATS is waited for, the API keys are
read, and it is ready. End: the ports close, requests that are in are answered, the last request events and what is to be
forwarded go out, the connections close.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from opentelemetry import metrics
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute

from drishti.bus.connection import connect
from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import Role
from drishti.bus.stream_health import StreamHealth
from drishti.errors import BusUnavailable
from drishti.measures.registry import MetricRegistry
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import GATEWAY
from drishti.service.disk import Disk
from drishti.service.health import Health
from drishti.service.http.limits import Connections, connections_within
from drishti.service.lifecycle import serve_http
from drishti.telemetry import setup, spans
from drishti.waiting import until
from gateway.access.admission import Admit, admin_as_page, admin_by_key, as_page, as_page_editor, by_key
from gateway.access.dashboards import DashboardAccess
from gateway.administration.erasures import ErasureRoutes
from gateway.administration.keys import KeyAdministration
from gateway.administration.routes import PAGES as KEYS_PAGES
from gateway.administration.routes import PREFIX as KEYS_PREFIX
from gateway.administration.routes import KeyRoutes
from gateway.administration.setup import PAGES as SETUP_PAGES
from gateway.administration.setup import PREFIX as SETUP_PREFIX
from gateway.administration.setup import GatewaySetup
from gateway.asgi import App
from gateway.dashboard.proxy import DashboardProxy
from gateway.dashboard.session import Sessions
from gateway.dispatcher import Dispatcher, Handler, RequestRecorder
from gateway.explorer.exports import ExportRoutes
from gateway.explorer.routes import PAGES, PREFIX, ExplorerRoutes
from gateway.grpc import exports as grpc_exports
from gateway.grpc.server import serve_grpc
from gateway.ingest.admission import Admission
from gateway.ingest.event_intake import EventIntake
from gateway.ingest.handlers import EventsHandler, OtlpHandler
from gateway.ingest.otlp_intake import OtlpIntake
from gateway.ingest.publishing import IngestPublisher
from gateway.link import Link
from gateway.metrics.limits import MetricLimits
from gateway.metrics.routes import MetricRoutes
from gateway.otlp.exports import Signal
from gateway.questions import calling
from gateway.questions.routes import Questions
from gateway.request_log import RequestLog
from gateway.routes import PageData, not_served, routes
from gateway.settings import GatewaySettings
from gateway.sources.handlers import handlers as source_handlers

CONSUMERS = "consumers"
"""In readiness: whether what is accepted is also read. Not asked about where only accepting matters."""

FILES_EACH = 2
"""Open files of a connection: its own, and one to dashboard-stream where it is passed on. There may be as many of OTLP/gRPC."""


class Gateway:
    """The parts of one gateway. ``app`` is the ASGI application; it answers 503 until :meth:`run` has reached the bus."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.link = Link()
        self._streams: StreamHealth | None = None
        self.ring = KeyRing()
        self.registry = MetricRegistry()
        self.disk = Disk(settings.disk_folders, reserve_mb=settings.disk_reserve_mb)
        self.publisher = IngestPublisher(self.link, self.disk)
        self.record = RequestLog(self.publisher, service=subjects.own_name(setup.service_name(GATEWAY)))
        traced = spans.enabled()
        self.limits = MetricLimits(self.registry, self.link, settings.query_timeout_s)
        self.admission = Admission(settings, self.ring, self.publisher, self.disk, self.limits)
        self.intake = EventIntake(self.admission, traced=traced)
        self.events = EventsHandler(self.admission, self.intake)
        self.sources = source_handlers(self.admission, self.intake, metrics.get_meter("drishti.gateway"))
        signals: tuple[Signal, ...] = ("traces", "metrics", "logs")
        self.intakes = {signal: OtlpIntake(self.admission, signal) for signal in signals}
        access = DashboardAccess(self.ring, open_on_loopback=settings.on_loopback)
        self.proxy = DashboardProxy(settings.dashboard_url, settings.dashboard_secret, access)
        self.proxy.observe(metrics.get_meter("drishti.gateway"))
        keyed: dict[Role, Admit] = {role: by_key(self.ring, role) for role in ("viewer", "editor")}
        page = as_page(access)
        paged: dict[Role, Admit] = {"viewer": page, "editor": as_page_editor(access)}
        timeout_s, jaeger_ui_url = settings.query_timeout_s, settings.jaeger_ui_url
        questions = Questions(self.link, keyed["viewer"], timeout_s)
        changes = MetricRoutes(self.registry, self.link, keyed, timeout_s)
        of_page = MetricRoutes(self.registry, self.link, paged, timeout_s)
        pages = PageData(Questions(self.link, page, timeout_s), of_page, Sessions(self.ring, access, jaeger_ui_url))
        explorers = {
            PREFIX: ExplorerRoutes(self.link, keyed, timeout_s, jaeger_ui_url),
            PAGES: ExplorerRoutes(self.link, paged, timeout_s, jaeger_ui_url),
        }
        explored = [route for prefix, explorer in explorers.items() for route in explorer.routes(prefix)]
        administration = KeyAdministration(self.ring, self.link)
        explored += KeyRoutes(administration, admin_by_key(self.ring)).routes(KEYS_PREFIX)
        explored += ErasureRoutes(self.link, admin_by_key(self.ring), timeout_s).routes()
        explored += ExportRoutes(self.link, admin_by_key(self.ring), timeout_s).routes()
        explored += KeyRoutes(administration, admin_as_page(self.ring)).routes(KEYS_PAGES)
        health = self._health()
        setup_of = GatewaySetup(settings, self.registry, self.ring, health.check)
        explored.append(Route(SETUP_PREFIX, setup_of.answering(keyed["viewer"])))
        explored.append(Route(SETUP_PAGES, setup_of.answering(page)))
        served = explored + routes(questions, changes, pages, self.proxy, health, accepting_without=CONSUMERS)
        if settings.test_routes:
            served.append(Route(calling.PATH, calling.TraceContextRoute(self.link).answer, methods=["POST"]))
        inner = Starlette(routes=served, exception_handlers={HTTPException: not_served})
        paths = frozenset(
            route.path for route in inner.routes if isinstance(route, Route | WebSocketRoute) and "{" not in route.path
        )
        recorder = RequestRecorder(self.ring, self.record, metrics.get_meter("drishti.gateway"))
        dispatcher: App = Dispatcher(self.hot, inner, paths, recorder, traced=traced)

        def record_call(tenant: str | None, path: str, status: int, duration_s: float, traceparent: str | None) -> None:
            recorder.add(tenant, "POST", path, status, duration_s=duration_s, traceparent=traceparent)

        self.grpc_methods = grpc_exports.methods(self.intakes.values(), record_call, traced=traced)
        self.app = _with_cors(dispatcher, settings.cors_origins)

    @property
    def hot(self) -> dict[str, Handler]:
        """The data paths, which pass by Starlette's router."""
        return {
            "/api/events": self.events,
            "/v1/traces": OtlpHandler(self.intakes["traces"]),
            "/v1/metrics": OtlpHandler(self.intakes["metrics"]),
            "/v1/logs": OtlpHandler(self.intakes["logs"]),
            **self.sources,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the gateway on the bus until ``stop``, then sends what is left and disconnects."""
        bus = await until(stop, connect(self.settings.bus, name=GATEWAY))
        if bus is None:
            return
        self.link.set(bus)
        streams = StreamHealth(bus, needs=catalogue.needed_streams(GATEWAY), durables=catalogue.durables())
        self._streams = streams
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(streams.run(stop), name="streams")
                tasks.create_task(self.disk.run(stop), name="disk")
                tasks.create_task(self.ring.follow(bus, stop), name="keys")
                tasks.create_task(self.registry.follow(bus, stop), name="metric definitions")
                tasks.create_task(self.limits.run(stop), name="limits of metrics")
                tasks.create_task(self.record.run(stop), name="requests")
            await self.intake.coalescer.wait_empty()
            await self.record.drain()
        finally:
            await bus.close()

    def _health(self) -> Health:
        health = Health(run_id=self.settings.run_id)
        health.add("nats", self.link.ping)
        health.add("api keys", self._ping_keys)
        health.add("streams", self._ping_streams)
        health.add("disk", self.disk.ping)
        health.add(CONSUMERS, self._ping_consumers)
        return health

    async def _ping_streams(self) -> None:
        if self._streams is not None:
            await self._streams.ping()

    async def _ping_consumers(self) -> str:
        return await self._streams.ping_consumers() if self._streams is not None else ""

    async def _ping_keys(self) -> None:
        if not self.ring.loaded.is_set():
            raise BusUnavailable("not read yet")


def build_app(settings: GatewaySettings) -> Gateway:
    """The gateway, wired; nothing connects or runs yet."""
    return Gateway(settings)


@contextlib.asynccontextmanager
async def on_the_bus(gateway: Gateway) -> AsyncIterator[None]:
    """Runs the gateway's background work while the block lasts: it ends after the port is closed."""
    stop = asyncio.Event()
    async with gateway.proxy, asyncio.TaskGroup() as tasks:
        tasks.create_task(gateway.run(stop), name="bus")
        tasks.create_task(gateway.admission.forwarder.run(stop), name="forwarding")
        try:
            yield
        finally:
            stop.set()


async def serve(settings: GatewaySettings, stop: asyncio.Event, *, ready: asyncio.Event | None = None) -> None:
    """The whole service until ``stop``; ``ready`` is set when its ports are open."""
    gateway = build_app(settings)
    async with on_the_bus(gateway):
        await serve_ports(gateway, stop, ready=ready)


async def serve_ports(gateway: Gateway, stop: asyncio.Event, *, ready: asyncio.Event | None = None) -> None:
    """HTTP, and OTLP/gRPC where it has a port, until ``stop``; ``ready`` is set when both are open."""
    settings = gateway.settings
    connections = connections_within(settings.http, files_each=FILES_EACH + (settings.otlp_grpc_port is not None))
    async with asyncio.TaskGroup() as ports:
        if settings.otlp_grpc_port is not None:
            listening = asyncio.Event()
            ports.create_task(
                serve_grpc(
                    gateway.grpc_methods,
                    host=settings.host,
                    port=settings.otlp_grpc_port,
                    stop=stop,
                    connections=Connections(settings.http, most=connections.most),
                    ready=listening,
                ),
                name="grpc",
            )
            await listening.wait()
        await serve_http(gateway.app, host=settings.host, port=settings.port, stop=stop, ready=ready, connections=connections)


def _with_cors(app: App, origins: tuple[str, ...]) -> App:
    if not origins:
        return app
    allowed = ["authorization", "x-api-key", "content-type", "content-encoding", "traceparent", "tracestate", "if-match"]
    methods = ["GET", "POST", "PUT", "DELETE"]
    return CORSMiddleware(app, allow_origins=origins, allow_methods=methods, allow_headers=allowed, expose_headers=["etag"])
