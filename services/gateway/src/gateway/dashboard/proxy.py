"""The way to dashboard-stream: everything below ``/api/dashboard`` goes on, HTTP and WebSocket, without a buffer in between.

How this works
--------------
HTTP: the request's body is sent on as it comes, the answer's likewise; a client that leaves ends the request behind.

WebSocket: the browser's handshake is accepted once dashboard-stream has accepted one for it, so that a refusal arrives as one.
Where its frames are for sharing, all who watch the same dashboard have one connection to dashboard-stream together
(:mod:`gateway.dashboard.feed`). Otherwise two tasks carry messages, one each way, one at a time: a browser that does not read
stops its task, which stops reading from dashboard-stream. Nothing piles up here, and no other browser notices. Close codes
pass through. Pings are each side's own.

Who asks is settled here: dashboard-stream is given the tenant in ``X-Drishti-Tenant`` and never sees a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import aiohttp
from opentelemetry.metrics import Meter
from yarl import URL

from drishti.service.http.encoded import EXTENSION, EncodedFrames
from drishti.settings import Secret
from gateway.access.dashboards import DashboardAccess, check_editor
from gateway.access.visitors import Visitor
from gateway.answers import start_headers
from gateway.asgi import TENANT, Headers, Receive, Scope, Send, headers_of
from gateway.dashboard import forwarding
from gateway.dashboard.feed import TRY_AGAIN, Feed
from gateway.dashboard.feeds import Feeds, Request
from gateway.dashboard.pages import refusal_answer
from gateway.dashboard.parameters import WrongParameter, parameters
from gateway.dashboard.relay import cancel, relay, sendable
from gateway.dashboard.upstream import ANSWER_TIMEOUT_S, CLOSE_TIMEOUT_S, CONNECT_TIMEOUT_S, UpstreamSocket, close_socket
from gateway.dashboard.viewers import Close, Viewer
from gateway.errors import ClientGone, Refused

log = logging.getLogger(__name__)

GOODBYE_S = 20.0
"""How long a close frame may wait for a viewer that does not read; then the connection is dropped."""

MAX_BODY_BYTES = 1024 * 1024
"""What a dashboard may be sent; data is sent to routes of its own."""

WRONG_PARAMETER = 4400
NOT_VALID: Close = (4401, "the key is not valid any more")
NOT_ALLOWED: Close = (4403, "the key may not see the dashboards any more")

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Everything else changes something, and is for editors."""


class DashboardProxy:
    """``/api/dashboard/*`` as an ASGI application. Enter it as a context: it holds the connections to dashboard-stream."""

    def __init__(self, upstream: str, secret: Secret, access: DashboardAccess) -> None:
        self._upstream = URL(upstream)
        self._secret = secret
        self._access = access
        self.feeds = Feeds(access.key_changes)
        self._entered: aiohttp.ClientSession | None = None
        self._following_keys: asyncio.Task[None] | None = None

    async def __aenter__(self) -> DashboardProxy:
        self._entered = aiohttp.ClientSession(
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=None),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ws_response_class=UpstreamSocket,
        )
        self._following_keys = asyncio.create_task(self.feeds.follow_keys(), name="keys of viewers")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following_keys is not None:
            await cancel(self._following_keys)
        await self.feeds.close()
        await self._session.close()

    def observe(self, meter: Meter) -> None:
        """Offers the numbers of viewers to OpenTelemetry."""
        self.feeds.observe(meter)

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
                    self._url(scope, visitor.query),
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
            await cancel(sending, leaving)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, headers: Headers, visitor: Visitor) -> None:
        try:
            asked, query = parameters(visitor.query)
        except WrongParameter as wrong:
            await send({"type": "websocket.accept"})  # browsers tell their pages nothing of a handshake that is refused
            await _say_goodbye(send, (WRONG_PARAMETER, str(wrong)))
            return
        request = Request(
            url=self._url(scope, query),
            tenant=visitor.tenant,
            origin=headers.get(b"origin", b"").decode("latin-1") or None,
            protocols=tuple(scope.get("subprotocols", ())),
            first_headers=forwarding.of_request(scope, visitor, self._secret),
            own_headers=forwarding.of_visitor(scope, visitor, self._secret),
        )
        frames: EncodedFrames = scope["extensions"][EXTENSION]
        viewer = Viewer(frames, asked, lambda: self._refusal(scope, headers, visitor))
        try:
            opened = await self.feeds.open(self._session, request, viewer)
        except aiohttp.WSServerHandshakeError as error:
            await _refuse(scope, receive, send, Refused(error.status, "the dashboards refused the connection"))
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("dashboard-stream is away", extra={"reason": str(error)})
            await _refuse(scope, receive, send, Refused(503, "the dashboards are starting or restarting", retry_after_s=2))
            return
        cookies = [(b"set-cookie", visitor.cookie)] if visitor.cookie is not None else []
        if isinstance(opened, Feed):
            try:
                await send({"type": "websocket.accept", "headers": cookies})
                close = await opened.serve(viewer, receive)
            finally:
                opened.leave(viewer)
            if close is not None:
                await _say_goodbye(send, close)
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": opened.protocol, "headers": cookies})
            await relay(opened, receive, send)
        finally:
            await close_socket(opened, 1001)

    def _refusal(self, scope: Scope, headers: Headers, visitor: Visitor) -> Close | None:
        """Why the visitor, who was let in with this request, would not be any more."""
        try:
            if self._access.admit(scope, headers).tenant == visitor.tenant:
                return None
        except Refused as refused:
            if refused.status == 403:
                return NOT_ALLOWED
            if refused.status == 503:
                return None  # nothing is known of keys for the moment
        return NOT_VALID

    def _url(self, scope: Scope, query: str) -> URL:
        path = scope["raw_path"].decode("latin-1")
        return URL(f"{self._upstream.origin()}{path}{'?' if query else ''}{query}", encoded=True)


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


async def _say_goodbye(send: Send, close: Close) -> None:
    """Closes a viewer's WebSocket, whose client may not be reading: then it is hung up on."""
    code, reason = close
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await send({"type": "websocket.close", "code": code if sendable(code) else TRY_AGAIN, "reason": reason})


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    """The refusal, as a page for people and as JSON for programs."""
    for_people = b"text/html" in headers_of(scope).get(b"accept", b"")
    answer = refusal_answer(refused, for_people=for_people, query=scope["query_string"].decode("latin-1"))
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    await send({"type": f"{prefix}.response.start", "status": answer.status, "headers": start_headers(answer)})
    await send({"type": f"{prefix}.response.body", "body": answer.body})
    if scope["type"] == "websocket":
        # uvicorn takes the handshake for forgotten, and logs an error, until the connection is closed: see it out.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await receive()
                await receive()
