"""The outermost layer: every request passes here, is traced, answered and recorded.

The data paths are answered right here; everything else goes on to the Starlette application behind. Health checks leave
neither a span nor a request event. A request without a valid key belongs to no tenant: it is counted by an OpenTelemetry
metric of the gateway itself (``drishti.gateway.unauthenticated``) and writes no row anywhere. Telemetry intake (``/v1/…``)
starts no trace of its own, only continues one: the exporter of a traced gateway may point at the gateway itself, and a span
for each delivery of spans would never end. Where no more traces are followed for the moment
(:mod:`drishti.telemetry.rate_limited_sampler`), a request is served as without tracing, and keeps its caller's context.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from drishti.bus.key_ring import KeyRing
from drishti.messages import attributes
from drishti.telemetry import spans, trace_context
from gateway.access.keys import key_of
from gateway.addresses import wrong_escapes
from gateway.answers import Answer, json, refusal, send_answer
from gateway.asgi import OWN_SERVICE, TENANT, App, Headers, Message, Receive, Scope, Send, headers_of
from gateway.errors import ClientGone, Refused
from gateway.request_log import RequestLog

log = logging.getLogger(__name__)

Handler = Callable[[Scope, Headers, Receive], Awaitable[Answer]]

UNMATCHED = "/{unmatched}"
DASHBOARD = "/api/dashboard/{path}"
_TEMPLATES = {
    "/api/dashboard/": DASHBOARD,
    "/api/analytics/metrics/": "/api/analytics/metrics/{name}",
    "/api/analytics/packs/": "/api/analytics/packs/{name}",
    "/api/keys/": "/api/keys/{id}",
    "/api/export/": "/api/export/{rows}",
}
"""What is recorded of paths with a part of their own, by their beginning."""

_QUIET = frozenset({"/healthz", "/readyz", "/readyz/accept"})
_INTAKE_PREFIX = "/v1/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})

CLIENT_CLOSED = 499
"""Recorded where the client left before its answer; the usual word for it, though no standard's."""

_CRASHED = json(500, {"error": "the gateway failed; its log says why"})


class Dispatcher:
    """The gateway as an ASGI application. ``hot``: path → handler of POST; ``routes``: the paths that ``inner`` knows."""

    def __init__(
        self, hot: Mapping[str, Handler], inner: App, routes: frozenset[str], record: RequestRecorder, *, traced: bool
    ) -> None:
        self._hot = hot
        self._inner = inner
        self._routes = routes | hot.keys()
        self._record = record
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        path = scope.get("path", "")
        if kind not in ("http", "websocket") or path in _QUIET:
            await self._inner(scope, receive, send)
            return
        headers = headers_of(scope)
        method = scope["method"] if kind == "http" else "GET"
        if method not in _METHODS:
            method = "_OTHER"
        exchange = _Exchange(self._record, scope, headers, send, method, self._route(path))
        try:
            in_trace = b"traceparent" in headers
            intake = path.startswith(_INTAKE_PREFIX) and not in_trace
            if self._traced and not intake and spans.may_follow(begun_elsewhere=in_trace):
                await self._serve_traced(exchange, headers, receive)
            else:
                await self._serve(exchange, headers, receive)
        finally:
            exchange.finish()

    async def _serve_traced(self, exchange: _Exchange, headers: Headers, receive: Receive) -> None:
        parent = trace_context.context_of(exchange.scope["headers"]) if b"traceparent" in headers else None
        name = f"{exchange.method} {exchange.route}"
        with contextlib.ExitStack() as stack:
            exchange.span = stack.enter_context(spans.span(name, kind=SpanKind.SERVER, parent=parent))
            exchange.end_span = stack.close
            try:
                await self._serve(exchange, headers, receive)
            finally:
                exchange.finish()

    async def _serve(self, exchange: _Exchange, headers: Headers, receive: Receive) -> None:
        scope = exchange.scope
        is_http = scope["type"] == "http"
        handler = self._hot.get(scope["path"]) if is_http else None
        if is_http and (wrong := wrong_escapes(scope.get("raw_path", b""), scope["query_string"])):
            exchange.status = wrong.status
            await send_answer(exchange.raw_send, refusal(wrong))
            return
        if handler is None:
            await self._inner(scope, receive, exchange.send)
            return
        try:
            if scope["method"] != "POST":
                answer = json(405, {"error": "use POST"}, ((b"allow", b"POST"),))
            else:
                answer = await handler(scope, headers, receive)
        except Refused as refused:
            answer = refusal(refused)
        except ClientGone:
            return
        except Exception:
            # A bug here must cost this request only; the traceback is in the log.
            log.exception("request failed", extra={"path": scope["path"]})
            answer = _CRASHED
        exchange.status = answer.status
        await send_answer(exchange.raw_send, answer)

    def _route(self, path: str) -> str:
        """The template of ``path``: few values, whatever is asked for."""
        if path in self._routes:
            return path.rstrip("/") or path
        return next((template for prefix, template in _TEMPLATES.items() if path.startswith(prefix)), UNMATCHED)


class RequestRecorder:
    """Where served requests go: to the request events of the key's tenant, or, without a valid key, into a counter.

    What the services send with their own key (role ``service``) is no traffic of anybody's application: it goes nowhere.
    """

    def __init__(self, ring: KeyRing, log: RequestLog, meter: Meter) -> None:
        self._ring = ring
        self._log = log
        self._unauthenticated = meter.create_counter(
            attributes.GATEWAY_UNAUTHENTICATED, "{request}", "requests without a valid key, whatever they were answered"
        )

    def owner_of(self, scope: Scope, headers: Headers) -> tuple[str | None, bool]:
        """Whose request it is, whether or not its key was asked for, and whether one of the services sent it."""
        tenant: str | None = scope.get(TENANT)
        if tenant is not None:
            return tenant, scope.get(OWN_SERVICE, False)
        text = key_of(headers)
        principal = self._ring.check(text) if text else None
        return (principal.tenant, principal.role == "service") if principal is not None else (None, False)

    def add(
        self, tenant: str | None, method: str, route: str, status: int, *, duration_s: float, traceparent: str | None
    ) -> None:
        """One served request, which is over now. Never blocks and never raises."""
        if tenant is None:
            self._unauthenticated.add(
                1, {attributes.HTTP_METHOD: method, attributes.HTTP_ROUTE: route, attributes.HTTP_STATUS: status}
            )
            return
        error = str(status) if status >= 500 else None
        self._log.add(tenant, method, route, status, duration_s=duration_s, error=error, traceparent=traceparent)


class _Exchange:
    """One request and what became of it. A WebSocket's is over with its handshake, however long the socket lives."""

    __slots__ = (
        "_done",
        "_record",
        "_started",
        "end_span",
        "headers",
        "method",
        "raw_send",
        "route",
        "scope",
        "span",
        "status",
    )

    def __init__(self, record: RequestRecorder, scope: Scope, headers: Headers, send: Send, method: str, route: str) -> None:
        self._started = time.perf_counter()
        self._record = record
        self._done = False
        self.scope = scope
        self.headers = headers
        self.raw_send = send
        self.method = method
        self.route = route
        self.status = CLIENT_CLOSED
        self.span: Span | None = None
        self.end_span: Callable[[], None] | None = None

    async def send(self, message: Message) -> None:
        """The server's ``send``, with an eye on the status."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
        elif kind == "websocket.close" and self.status == CLIENT_CLOSED:
            self.status = 403  # what the server answers to a handshake that is closed
        await self.raw_send(message)
        if kind == "websocket.accept":
            self.status = 101
            self.finish()
            if self.end_span is not None:
                self.end_span()

    def finish(self) -> None:
        """Records the request, once."""
        if self._done:
            return
        self._done = True
        tenant, own = self._record.owner_of(self.scope, self.headers)
        traceparent = None
        if self.span is not None:
            _describe(self.span, self.scope, tenant, self.method, self.route, self.status)
            traceparent = spans.traceparent_of(self.span)
        if own:
            return
        duration_s = time.perf_counter() - self._started
        self._record.add(tenant, self.method, self.route, self.status, duration_s=duration_s, traceparent=traceparent)


def _describe(span: Span, scope: Scope, tenant: str | None, method: str, route: str, status: int) -> None:
    if not span.is_recording():
        return
    about: dict[str, Any] = {
        attributes.HTTP_METHOD: method,
        attributes.HTTP_ROUTE: route,
        attributes.HTTP_STATUS: status,
        attributes.URL_PATH: scope["path"],
        attributes.URL_SCHEME: scope.get("scheme", "http"),
    }
    if tenant is not None:
        about[attributes.TENANT] = tenant
    if status >= 500:
        about[attributes.ERROR_TYPE] = str(status)
        span.set_status(Status(StatusCode.ERROR))
    span.set_attributes(about)
