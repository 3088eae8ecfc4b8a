"""Which path answers what: the pages, the dashboards as JSON, and the WebSockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

import drishti
from dashboard_stream.http.access import PREFIX, SecretCheck, tenant_of
from dashboard_stream.http.documents import Documents
from dashboard_stream.http.notes import PastRoutes
from dashboard_stream.http.pages import STATIC, Pages, unknown_dashboard
from dashboard_stream.http.sockets import Sockets
from dashboard_stream.live.clients import Broadcaster
from dashboard_stream.live.hub import Hub
from dashboard_stream.past.insight_history import InsightReader
from dashboard_stream.past.stored_notes import MAX_NOTES, StoredNotes
from dashboard_stream.settings import DashboardSettings
from drishti.dashboards.choices import choice_of
from drishti.dashboards.stored import MAX_DASHBOARDS, StoredDashboards
from drishti.dashboards.variables import WrongChoice
from drishti.messages.catalogue import DASHBOARD
from drishti.messages.installation import Limit, ServiceSetup

Clock = Callable[[], float]

APPLICATION_PAGES = (
    "home",
    "metrics",
    "traces",
    "service-map",
    "errors",
    "bottlenecks",
    "logs",
    "root-cause",
    "incidents",
    "funnels",
    "retention",
    "journeys",
    "activity",
    "engagement",
    "experience",
    "cohorts",
    "users",
    "sessions",
    "compare-traces",
    "dashboards-list",
    "dashboard-editor",
    "capsule",
    "settings",
)
"""Pages that are no dashboards, by the last part of their paths; the first is where people begin."""


class Endpoints:
    """The routes of one service."""

    def __init__(
        self,
        settings: DashboardSettings,
        hub: Hub,
        broadcaster: Broadcaster,
        stored: StoredDashboards,
        notes: StoredNotes,
        insights: InsightReader,
        *,
        now: Clock,
        history: Callable[[], Awaitable[None]],
        check: Callable[[], Awaitable[dict[str, str]]],
        static: Path = STATIC,
    ) -> None:
        self._secret = settings.secret.reveal()
        self._hub = hub
        self._stored = stored
        self._notes = notes
        self._check = check
        self._broadcaster = broadcaster
        self._all_known = stored.loaded.is_set
        self._pages = Pages(hub.names, static, all_known=self._all_known)
        self._documents = Documents(hub, stored)
        self._past = PastRoutes(notes, insights)
        self._sockets = Sockets(settings, hub, broadcaster, all_known=self._all_known, history=history)
        self._now = now

    def routes(self) -> list[BaseRoute]:
        home = RedirectResponse(f"{PREFIX}/{APPLICATION_PAGES[0]}")
        return [
            Route(PREFIX, home),
            Route(f"{PREFIX}/", home),
            Route(f"{PREFIX}/dashboard/{{name}}", self._pages.dashboard),
            *(Route(f"{PREFIX}/{page}", self._pages.application) for page in APPLICATION_PAGES),
            Route(f"{PREFIX}/dashboards", self._documents.list),
            Route(f"{PREFIX}/dashboards/{{name}}", self._documents.one, methods=["GET", "PUT", "DELETE"]),
            Route(f"{PREFIX}/check-dashboard", self._documents.check, methods=["POST"]),
            Route(f"{PREFIX}/notes", self._past.notes, methods=["GET", "POST"]),
            Route(f"{PREFIX}/notes/{{id}}", self._past.note, methods=["PUT", "DELETE"]),
            Route(f"{PREFIX}/insight-history", self._past.insight_history),
            Route(f"{PREFIX}/insights/{{metric}}", self._insights),
            Route(f"{PREFIX}/unwatched", self._unwatched),
            Route(f"{PREFIX}/setup", self._setup),
            Route(f"{PREFIX}/state/{{name}}", self._snapshot),
            WebSocketRoute(f"{PREFIX}/ws/{{name}}", self._sockets, name="socket"),
            Mount(f"{PREFIX}/assets", self._pages.assets),
            Route(f"{PREFIX}/{{file}}", self._pages.file),
        ]

    def middleware(self) -> list[Middleware]:
        return [Middleware(SecretCheck, secret=self._secret)] if self._secret else []

    async def _snapshot(self, request: Request) -> Response:
        """The frame that a new WebSocket would get first."""
        name, tenant = request.path_params["name"], tenant_of(request.headers)
        if tenant is None:
            return PlainTextResponse("This tenant cannot be shown here.\n", 400)
        document = self._hub.document(tenant, name)
        if document is None:
            return unknown_dashboard(name, self._hub.names(tenant), all_known=self._all_known())
        try:
            choice = choice_of(document, request.query_params.multi_items())
        except WrongChoice as wrong:
            return PlainTextResponse(f"{wrong}\n", 400)
        channel = self._hub.channel(tenant, name, choice)
        if channel is None:
            return PlainTextResponse("There is no room for one more dashboard: try again later.\n", 503)
        text = self._broadcaster.snapshot(channel)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _setup(self, request: Request) -> Response:
        """How this service is set up, as far as it concerns the tenant."""
        tenant = tenant_of(request.headers)
        if tenant is None:
            return PlainTextResponse("This tenant cannot be shown here.\n", 400)
        setup = ServiceSetup(
            service=DASHBOARD,
            version=drishti.__version__,
            limits=[
                Limit(what="Dashboards", most=MAX_DASHBOARDS, used=len(self._stored.of(tenant))),
                Limit(what="Notes and deployments", most=MAX_NOTES, used=self._notes.count(tenant)),
            ],
            failing=await self._check(),
        )
        return Response(msgspec.json.encode(setup), media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _unwatched(self, request: Request) -> Response:
        """Metrics with series for which the models have no room, and why."""
        tenant = tenant_of(request.headers)
        if tenant is None:
            return PlainTextResponse("This tenant cannot be shown here.\n", 400)
        now_ms = int(self._now() * 1000)
        answer = {"ts": now_ms, "insights": self._hub.unwatched(tenant, now_ms)}
        return Response(msgspec.json.encode(answer), media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _insights(self, request: Request) -> Response:
        """What models say about a metric, by its token: of one that nobody watches, nothing."""
        tenant = tenant_of(request.headers)
        if tenant is None:
            return PlainTextResponse("This tenant cannot be shown here.\n", 400)
        answer = {"ts": int(self._now() * 1000), "insights": self._hub.insights(tenant, request.path_params["metric"])}
        return Response(msgspec.json.encode(answer), media_type="application/json", headers={"Cache-Control": "no-store"})
