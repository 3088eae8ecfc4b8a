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
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from drishti.settings import Secret
from gateway.answers import start_headers
from gateway.asgi import TENANT, Headers, Receive, Scope, Send, headers_of
from gateway.dashboard_access import COOKIE, DashboardAccess, Visitor
from gateway.errors import Refused
from gateway.pages import refusal_answer

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 30.0
"""How long dashboard-stream may take to begin its answer."""

CLOSE_TIMEOUT_S = 2.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
TRY_AGAIN = 1012
"""The close code where dashboard-stream went away without one: "service restart"; clients come again."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS = frozenset({b"host", b"authorization", b"x-api-key", b"cookie", b"x-forwarded-host", b"x-forwarded-proto", b"expect"})
_WEBSOCKET = (b"sec-websocket-", b"origin")


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
        try:
            visitor = self._access.admit(scope, headers)
        except Refused as refused:
            await _refuse(scope, send, headers, refused)
            return
        scope[TENANT] = visitor.tenant
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, headers, visitor)
        else:
            await self._http(scope, receive, send, headers, visitor)

    async def _http(self, scope: Scope, receive: Receive, send: Send, headers: Headers, visitor: Visitor) -> None:
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + ANSWER_TIMEOUT_S):
                answer = await self._session.request(
                    scope["method"],
                    self._url(scope, visitor),
                    headers=_forwarded(scope, visitor, self._secret),
                    data=_body(receive) if has_body else None,
                    allow_redirects=False,
                )
        except TimeoutError:
            await _refuse(scope, send, headers, Refused(504, "the dashboards do not answer", retry_after_s=2))
            return
        except aiohttp.ClientError as error:
            log.warning("dashboard-stream is away", extra={"reason": str(error)})
            await _refuse(scope, send, headers, Refused(503, "the dashboards are starting or restarting", retry_after_s=2))
            return
        async with answer:
            await self._answer(answer, scope, receive, send, visitor)

    async def _answer(
        self, answer: aiohttp.ClientResponse, scope: Scope, receive: Receive, send: Send, visitor: Visitor
    ) -> None:
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in _HOP_BY_HOP]
        headers.append((b"x-content-type-options", b"nosniff"))
        headers.append((b"referrer-policy", b"same-origin"))
        if visitor.cookie is not None:
            headers.append((b"set-cookie", visitor.cookie))
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
        await receive()  # websocket.connect
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + ANSWER_TIMEOUT_S):
                upstream = await self._session.ws_connect(
                    self._url(scope, visitor),
                    headers=_forwarded(scope, visitor, self._secret),
                    protocols=scope.get("subprotocols", ()),
                    origin=headers.get(b"origin", b"").decode("latin-1") or None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    max_msg_size=MAX_FRAME_BYTES,
                )
        except aiohttp.WSServerHandshakeError as error:
            await _refuse(scope, send, headers, Refused(error.status, "the dashboards refused the connection"))
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("dashboard-stream is away", extra={"reason": str(error)})
            await _refuse(scope, send, headers, Refused(503, "the dashboards are starting or restarting", retry_after_s=2))
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


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise aiohttp.ClientConnectionError("the client left while it sent")
        if body := message.get("body"):
            yield body
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


def _forwarded(scope: Scope, visitor: Visitor, secret: Secret) -> CIMultiDict[str]:
    """The request's headers for dashboard-stream: without keys, with who asks and by which name we were called."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in scope["headers"]:
        if name in _HOP_BY_HOP or name in _OURS or name.startswith(b"x-drishti-"):
            if name == b"cookie" and (cookies := _other_cookies(value)):
                headers.add("Cookie", cookies)
            continue
        if scope["type"] == "websocket" and name.startswith(_WEBSOCKET):
            continue  # the client of this connection makes its own
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    secure = scope.get("scheme") in ("https", "wss")
    headers["X-Forwarded-Host"] = host
    headers["X-Forwarded-Proto"] = "https" if secure else "http"
    headers["X-Drishti-Tenant"] = visitor.tenant
    if secret:
        headers["X-Drishti-Secret"] = secret.reveal()
    return headers


def _other_cookies(value: bytes) -> str:
    cookies: Iterable[str] = value.decode("latin-1").split(";")
    return "; ".join(c.strip() for c in cookies if c.strip() and c.partition("=")[0].strip() != COOKIE)


async def _refuse(scope: Scope, send: Send, headers: Headers, refused: Refused) -> None:
    """The refusal, as a page for people and as JSON for programs."""
    answer = refusal_answer(refused, for_people=b"text/html" in headers.get(b"accept", b""))
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    await send({"type": f"{prefix}.response.start", "status": answer.status, "headers": start_headers(answer)})
    await send({"type": f"{prefix}.response.body", "body": answer.body})
