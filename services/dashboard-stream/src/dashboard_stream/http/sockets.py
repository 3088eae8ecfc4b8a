"""The WebSocket endpoint: who is admitted, and why a socket is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard_stream.http.access import origin_allowed, tenant_of
from dashboard_stream.http.pages import NOT_READ
from dashboard_stream.live.channel import Channel
from dashboard_stream.live.clients import Broadcaster, Client, Ended
from dashboard_stream.live.hub import Hub
from dashboard_stream.settings import DashboardSettings
from drishti.dashboards.choices import OF_VIEWERS, Choice, choice_of
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.sharing import ASK_SNAPSHOT, HEADER, SharingTerms, encode_terms
from drishti.dashboards.variables import WrongChoice

WRONG_CHOICE = 4400
UNKNOWN_DASHBOARD = 4404
TOO_SLOW = 4408
TOO_MANY = 4429
MOST_REASON = 120
"""Bytes of the reason in a close frame, which takes 123."""

CLOSE_S = 20.0
"""How long the close frame may wait for a client that does not read; then the connection is dropped."""


_CLOSES: dict[Ended, tuple[int, str]] = {
    "slow": (TOO_SLOW, "the client did not read for too long"),
    "deleted": (UNKNOWN_DASHBOARD, "the dashboard was deleted"),
}


class Sockets:
    """An ASGI application, so that frames go to the server's own ``send``. Frames flow until the client goes, or is too slow.

    Everybody gets the same frames, which the answer to the handshake says. A client that shares them among others may ask for
    further snapshots (:mod:`drishti.dashboards.sharing`); what else it sends is read and ignored. ``history`` returns when the
    first snapshot can be built, ``all_known`` says whether the dashboards that tenants made are known.
    """

    def __init__(
        self,
        settings: DashboardSettings,
        hub: Hub,
        broadcaster: Broadcaster,
        *,
        all_known: Callable[[], bool],
        history: Callable[[], Awaitable[None]],
    ) -> None:
        self._all_known = all_known
        self._wait_history = history
        self._settings = settings
        self._hub = hub
        self._broadcaster = broadcaster
        terms = SharingTerms(slow_s=settings.slow_s, max_clients=settings.max_clients)
        self._shared = [(HEADER.lower().encode(), encode_terms(terms).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # it may go at any moment, also while it is refused
            await self._admit(WebSocket(scope, receive, send), send)

    async def _admit(self, websocket: WebSocket, send: Send) -> None:
        headers, name = websocket.headers, websocket.path_params["name"]
        tenant = tenant_of(headers)
        if tenant is None or not origin_allowed(headers, self._settings.allowed_origins):
            text = "This page may not open a WebSocket here (Origin).\n" if tenant else "X-Drishti-Tenant is malformed.\n"
            await websocket.send_denial_response(PlainTextResponse(text, 403 if tenant else 400))
            return
        await self._wait_history()
        document = self._hub.document(tenant, name)
        choice, wrong = _choice(document, websocket)
        channel = self._hub.channel(tenant, name, choice) if not wrong else None
        full = self._broadcaster.clients >= self._settings.max_clients
        if channel is not None and not full:
            await websocket.accept(headers=self._shared)
            await self._feed(websocket, send, channel)
            return
        unknown = document is None
        if unknown and not self._all_known():
            await websocket.send_denial_response(PlainTextResponse(NOT_READ, 503))
            return
        await websocket.accept()
        if unknown:
            await websocket.close(UNKNOWN_DASHBOARD, f"there is no dashboard {name[:64]}")
        elif wrong:
            await websocket.close(WRONG_CHOICE, wrong.encode()[:MOST_REASON].decode(errors="ignore"))
        elif full:
            await websocket.close(TOO_MANY, "too many clients, try again later")
        else:
            await websocket.close(TOO_MANY, "no room for one more dashboard, try again later")

    async def _feed(self, websocket: WebSocket, send: Send, channel: Channel) -> None:
        client = Client(send)  # the server's own: Starlette's would look at every message again
        reading = asyncio.create_task(self._read(websocket, client, channel), name="read-socket")
        gone = asyncio.create_task(client.gone.wait(), name="client-gone")
        self._broadcaster.join(channel, client)
        try:
            await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._broadcaster.leave(channel, client)
            reading.cancel()
            gone.cancel()
            await client.cancel()
        if client.ended is not None:
            code, reason = _CLOSES[client.ended]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await websocket.close(code, reason)

    async def _read(self, websocket: WebSocket, client: Client, channel: Channel) -> None:
        """Returns when the client is gone. Reading keeps pings and closes flowing."""
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            if message.get("text") == ASK_SNAPSHOT:
                await client.answer(self._broadcaster.snapshot(channel))


def _choice(document: DashboardDocument | None, websocket: WebSocket) -> tuple[Choice, str]:
    """What the address chooses, and what is wrong with that."""
    if document is None:
        return Choice(), ""
    try:
        parameters = [one for one in websocket.query_params.multi_items() if one[0] not in OF_VIEWERS]
        return choice_of(document, parameters), ""
    except WrongChoice as wrong:
        return Choice(), str(wrong)
