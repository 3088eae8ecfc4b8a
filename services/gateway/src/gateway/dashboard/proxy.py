"""The way to dashboard-stream: everything below ``/api/dashboard`` goes on, HTTP and WebSocket, without a buffer in between.

How this works
--------------
HTTP: the request's body is sent on as it comes, the answer's likewise; a client that leaves ends the request behind.

WebSocket: the browser's handshake is accepted once dashboard-stream has accepted ours, so that a refusal arrives as one. Then
two tasks carry messages, one each way, one message at a time: a browser that does not read stops its task, which stops reading
from dashboard-stream, whose own bounded slot for this client then drops what is old. Nothing piles up here, and no other
browser notices. Close codes pass through. Pings are each side's own.

Who asks is settled here: dashboard-stream hears the tenant in ``X-Drishti-Tenant`` and never sees a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from yarl import URL

from drishti.settings import Secret
from gateway.access.dashboards import DashboardAccess, check_editor
from gateway.access.visitors import Visitor
from gateway.answers import start_headers
from gateway.asgi import TENANT, Headers, Receive, Scope, Send, headers_of
from gateway.dashboard import forwarding
from gateway.dashboard.pages import refusal_answer
from gateway.errors import ClientGone, Refused

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 30.0
"""How long dashboard-stream may take to begin its answer."""

CLOSE_TIMEOUT_S = 2.0
MAX_BODY_BYTES = 1024 * 1024
"""What a dashboard may be sent; data is sent to routes of its own."""

MAX_FRAME_BYTES = 16 * 1024 * 1024
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Everything else changes something, and is for editors."""

TRY_AGAIN = 1012
"""The close code where dashboard-stream went away without one: "service restart"; clients come again."""


class DashboardProxy:
    """``/api/dashboard/*`` as an ASGI application. Enter it as a context: it holds the connections to dashboard-stream."""

    def __init__(self, upstream: str, secret: Secret, access: DashboardAccess) -> None:
        self._upstream = URL(upstream)
        self._secret = secret
        self._access = access
        self._entered: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> DashboardProxy:
        self._entered = aiohttp.ClientSession(
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=None),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._entered is None:
            raise RuntimeError("enter the proxy before it serves")
        return self._entered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        try:
            visitor = self._access.admit(scope, headers)
            if scope["type"] == "http" and scope["method"] not in _READING:
                check_editor(visitor, headers)
        except Refused as refused:
            await _refuse(scope, receive, send, refused)
            return
        if visitor.has_key:
            scope[TENANT] = visitor.tenant
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, headers, visitor)
        else:
            await self._http(scope, receive, send, visitor, has_body=_has_body(headers))

    async def _http(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor, *, has_body: bool) -> None:
        body = _Body(receive) if has_body else None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + ANSWER_TIMEOUT_S):
                answer = await self._session.request(
                    scope["method"],
                    self._url(scope, visitor),
                    headers=forwarding.of_request(scope, visitor, self._secret),
                    data=body.pieces() if body is not None else None,
                    allow_redirects=False,
                )
        except TimeoutError:
            await _refuse(scope, receive, send, Refused(504, "the dashboards do not answer", retry_after_s=2))
            return
        except aiohttp.ClientError as error:
            if body is not None and body.failed is not None:
                if isinstance(body.failed, Refused):
                    await _refuse(scope, receive, send, body.failed)
                return
            log.warning("dashboard-stream is away", extra={"reason": str(error)})
            await _refuse(scope, receive, send, Refused(503, "the dashboards are starting or restarting", retry_after_s=2))
            return
        async with answer:
            await self._answer(answer, scope, receive, send, visitor)

    async def _answer(
        self, answer: aiohttp.ClientResponse, scope: Scope, receive: Receive, send: Send, visitor: Visitor
    ) -> None:
        headers = forwarding.of_answer(answer.raw_headers, visitor)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        sending = asyncio.create_task(_send_body(answer, send))
        leaving = asyncio.create_task(_wait_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        except aiohttp.ClientError as error:
            # Half of the answer is out: breaking it off is the one way to say that it is not whole.
            log.warning("dashboard-stream broke off", extra={"path": scope["path"], "reason": str(error)})
            raise
        finally:
            await _cancel(sending, leaving)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, headers: Headers, visitor: Visitor) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + ANSWER_TIMEOUT_S):
                upstream = await self._session.ws_connect(
                    self._url(scope, visitor),
                    headers=forwarding.of_request(scope, visitor, self._secret),
                    protocols=scope.get("subprotocols", ()),
                    origin=headers.get(b"origin", b"").decode("latin-1") or None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    max_msg_size=MAX_FRAME_BYTES,
                )
        except aiohttp.WSServerHandshakeError as error:
            await _refuse(scope, receive, send, Refused(error.status, "the dashboards refused the connection"))
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("dashboard-stream is away", extra={"reason": str(error)})
            await _refuse(scope, receive, send, Refused(503, "the dashboards are starting or restarting", retry_after_s=2))
            return
        try:
            cookies = [(b"set-cookie", visitor.cookie)] if visitor.cookie is not None else []
            await send({"type": "websocket.accept", "subprotocol": upstream.protocol, "headers": cookies})
            await _carry(upstream, receive, send)
        finally:
            await _close(upstream, 1001)

    def _url(self, scope: Scope, visitor: Visitor) -> URL:
        path = scope["raw_path"].decode("latin-1")
        query = f"?{visitor.query}" if visitor.query else ""
        return URL(f"{self._upstream.origin()}{path}{query}", encoded=True)


async def _carry(upstream: aiohttp.ClientWebSocketResponse, receive: Receive, send: Send) -> None:
    """Messages both ways until one side closes; the other is closed with the same code."""
    outwards = asyncio.create_task(_to_browser(upstream, send))
    inwards = asyncio.create_task(_to_dashboard(upstream, receive))
    try:
        await asyncio.wait((outwards, inwards), return_when=asyncio.FIRST_COMPLETED)
        if inwards.done():
            code = inwards.result()
            await _close(upstream, code if _sendable(code) else 1001)
        else:
            code, reason = outwards.result()
            await send({"type": "websocket.close", "code": code if _sendable(code) else TRY_AGAIN, "reason": reason})
    finally:
        await _cancel(outwards, inwards)


async def _to_browser(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> tuple[int, str]:
    """Carries what dashboard-stream sends; returns its close code and reason."""
    while True:
        message = await upstream.receive()
        if message.type == aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type == aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        elif message.type == aiohttp.WSMsgType.CLOSE:
            return int(message.data or 1000), message.extra or ""
        else:
            return upstream.close_code or 1006, ""


async def _to_dashboard(upstream: aiohttp.ClientWebSocketResponse, receive: Receive) -> int:
    """Carries what the browser sends; returns its close code."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or 1000)
        try:
            if (text := message.get("text")) is not None:
                await upstream.send_str(text)
            elif (data := message.get("bytes")) is not None:
                await upstream.send_bytes(data)
        except (ConnectionError, aiohttp.ClientError):
            # It went away; the other task knows how and ends both.
            await asyncio.Event().wait()


async def _close(upstream: aiohttp.ClientWebSocketResponse, code: int) -> None:
    """Says goodbye, and hangs up where no goodbye comes back, be it because more and more messages come instead."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await upstream.close(code=code)


def _sendable(code: int) -> bool:
    """Whether a close frame may carry ``code`` (RFC 6455, 7.4; 1005 and 1006 only describe what happened)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


async def _send_body(answer: aiohttp.ClientResponse, send: Send) -> None:
    async for chunk in answer.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _has_body(headers: Headers) -> bool:
    return b"content-length" in headers or b"transfer-encoding" in headers


class _Body:
    """A request's body on its way to dashboard-stream. ``failed`` says why it broke off, where that was not their fault."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.failed: Refused | ClientGone | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self.failed = ClientGone("the client left while it sent")
                raise self.failed
            piece = message.get("body", b"")
            size += len(piece)
            if size > MAX_BODY_BYTES:
                self.failed = Refused(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
                raise self.failed
            if piece:
                yield piece
            if not message.get("more_body"):
                return


async def _wait_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, ConnectionError):
            await task


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    """The refusal, as a page for people and as JSON for programs."""
    answer = refusal_answer(refused, for_people=b"text/html" in headers_of(scope).get(b"accept", b""))
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    await send({"type": f"{prefix}.response.start", "status": answer.status, "headers": start_headers(answer)})
    await send({"type": f"{prefix}.response.body", "body": answer.body})
    if scope["type"] == "websocket":
        # uvicorn takes the handshake for forgotten, and logs an error, until the connection is closed: see it out.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await receive()
                await receive()
