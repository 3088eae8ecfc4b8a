"""HTTP's door: the pages, their assets, the dashboards as JSON, and the WebSockets.

Requests come through the gateway, which checks who asks and says in ``X-Drishti-Tenant`` for whom. Where a secret is set,
requests without it in ``X-Drishti-Secret`` are refused (health excepted).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard_stream.boards.dashboards import describe
from dashboard_stream.live.clients import Broadcaster, Client, State
from dashboard_stream.live.hub import Channel, Hub
from dashboard_stream.settings import DashboardSettings
from drishti.messages.subjects import DEFAULT_TENANT

PREFIX = "/api/dashboard"
STATIC = Path(__file__).parents[1] / "static"

UNKNOWN_DASHBOARD = 4404
TOO_SLOW = 4408
TOO_MANY = 4429
CLOSE_S = 20.0
"""How long the close frame may wait for a client that does not read; then the connection is dropped."""

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}
"""What the page needs and no more; headers that every answer should have are the gateway's."""

FOR_EVER = "public, max-age=31536000, immutable"
"""The build puts a hash of the content into the name of every asset."""

NOT_BUILT = "The page is not built yet: `make setup` builds it.\n"

Clock = Callable[[], float]

_TENANT = re.compile(r"[a-z0-9_-]{1,64}\Z")


class Door:
    """The routes of one service."""

    def __init__(
        self,
        settings: DashboardSettings,
        hub: Hub,
        broadcaster: Broadcaster,
        *,
        state: State,
        now: Clock,
        static: Path = STATIC,
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._broadcaster = broadcaster
        self._state = state
        self._now = now
        self._static = static

    def routes(self) -> list[BaseRoute]:
        first = next(iter(self._hub.dashboards))
        home = RedirectResponse(f"{PREFIX}/dashboard/{first}")
        return [
            Route(PREFIX, home),
            Route(f"{PREFIX}/", home),
            Route(f"{PREFIX}/dashboard/{{name}}", self._page),
            Route(f"{PREFIX}/dashboards", self._list),
            Route(f"{PREFIX}/state/{{name}}", self._snapshot),
            WebSocketRoute(f"{PREFIX}/ws/{{name}}", self._socket),
            Mount(f"{PREFIX}/assets", Assets(self._static / "assets")),
            Route(f"{PREFIX}/{{file}}", self._file),
        ]

    def middleware(self) -> list[Middleware]:
        secret = self._settings.secret.reveal()
        return [Middleware(SecretCheck, secret=secret)] if secret else []

    async def _page(self, request: Request) -> Response:
        """The page of a dashboard: one build for all, which reads the name from its address."""
        if request.path_params["name"] not in self._hub.dashboards:
            return self._unknown(request.path_params["name"])
        page = self._static / "index.html"
        if not page.is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        return FileResponse(page, headers=SECURITY | {"Cache-Control": "no-cache"})

    async def _file(self, request: Request) -> Response:
        """What lies beside the page, its icon for one. Only names that the build made."""
        wanted = request.path_params["file"]
        built = self._static.iterdir() if self._static.is_dir() else ()
        file = next((file for file in built if file.name == wanted != "index.html" and file.is_file()), None)
        if file is None:
            return PlainTextResponse("There is nothing here.\n", 404)
        return FileResponse(file, headers=SECURITY | {"Cache-Control": "public, max-age=3600"})

    async def _list(self, _request: Request) -> Response:
        return JSONResponse({"dashboards": [describe(dashboard) for dashboard in self._hub.dashboards.values()]})

    async def _snapshot(self, request: Request) -> Response:
        """The frame that a new WebSocket would get first."""
        name, tenant = request.path_params["name"], tenant_of(request.headers)
        if name not in self._hub.dashboards:
            return self._unknown(name)
        channel = self._hub.channel(tenant, name) if tenant else None
        if channel is None:
            return PlainTextResponse("This tenant cannot be shown here.\n", 503 if tenant else 400)
        text = channel.frame(None, self._state(), int(self._now() * 1000))
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    def _unknown(self, name: str) -> Response:
        known = ", ".join(self._hub.dashboards)
        return PlainTextResponse(f"There is no dashboard {name[:64]!r}. There are: {known}.\n", 404)

    async def _socket(self, websocket: WebSocket) -> None:
        """Frames until the client goes, or is too slow. What a client sends is read and ignored."""
        with contextlib.suppress(WebSocketDisconnect):  # it may go at any moment, also while it is refused
            await self._admit(websocket)

    async def _admit(self, websocket: WebSocket) -> None:
        headers, name = websocket.headers, websocket.path_params["name"]
        tenant = tenant_of(headers)
        if tenant is None or not origin_allowed(headers, self._settings.allowed_origins):
            text = "This page may not open a WebSocket here (Origin).\n" if tenant else "X-Drishti-Tenant is malformed.\n"
            await websocket.send_denial_response(PlainTextResponse(text, 403 if tenant else 400))
            return
        await websocket.accept()
        channel = self._hub.channel(tenant, name)
        if channel is None and name not in self._hub.dashboards:
            await websocket.close(UNKNOWN_DASHBOARD, f"there is no dashboard {name[:64]}")
        elif channel is None or self._broadcaster.clients >= self._settings.max_clients:
            await websocket.close(TOO_MANY, "too many clients, try again later")
        else:
            await self._feed(websocket, channel)

    async def _feed(self, websocket: WebSocket, channel: Channel) -> None:
        client = Client(websocket._send)  # the raw send: Starlette's own looks at every message again
        reading = asyncio.create_task(_read(websocket), name="read-socket")
        gone = asyncio.create_task(client.gone.wait(), name="client-gone")
        self._broadcaster.join(channel, client)
        try:
            await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._broadcaster.leave(channel, client)
            reading.cancel()
            gone.cancel()
            await client.cancel()
        if client.slow:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await websocket.close(TOO_SLOW, "the client did not read for too long")


async def _read(websocket: WebSocket) -> None:
    """Returns when the client is gone. Reading keeps pings and closes flowing."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def tenant_of(headers: Headers) -> str | None:
    """The tenant that the gateway names; ``None`` where the name is none."""
    tenant = headers.get("x-drishti-tenant", DEFAULT_TENANT)
    return tenant if _TENANT.match(tenant) else None


def origin_allowed(headers: Headers, allowed: tuple[str, ...]) -> bool:
    """Whether the page that asks is ours or an allowed one.

    Browsers send ``Origin`` with every WebSocket and let any page open one, so a foreign page could read the dashboards of
    whoever visits it. No ``Origin``, no browser.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = urlsplit(origin).netloc.lower()
    ours = {headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower()} - {""}
    return bool(host) and (host in ours or host in allowed)


class SecretCheck:
    """Refuses what did not come through the gateway."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(PREFIX):
            shown = dict(scope["headers"]).get(b"x-drishti-secret", b"")
            if not hmac.compare_digest(shown, self._secret):
                refusal = PlainTextResponse("Ask the gateway: this port answers it alone.\n", 403)
                if scope["type"] == "websocket":
                    await WebSocket(scope, receive, send).send_denial_response(refusal)
                else:
                    await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Assets:
    """The build's assets: compressed, and kept by browsers for ever."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = GZipMiddleware(StaticFiles(directory=folder, check_dir=False))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_cacheable(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message["headers"], (b"cache-control", FOR_EVER.encode())]
            await send(message)

        if self._folder.is_dir():
            await self._files(scope, receive, send_cacheable)
        else:
            await PlainTextResponse(NOT_BUILT, 503)(scope, receive, send)
