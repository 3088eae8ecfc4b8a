"""A middleware for ASGI applications: one SERVER span and one request event for each request served.

Names follow OpenTelemetry's HTTP conventions. The span is called ``<method> <route>``, where the route is the template that
the routers matched (:mod:`drishti.sdk.route_templates`), never a path with its values; what matched nothing is ``unmatched``. A
streamed body is measured to its last chunk, and what an application does after that (background tasks) is not. An exception
that leaves the application before its answer has begun counts as status 500, and a client that went away before as 499.
A request that passes several of these middlewares, as in a mounted application that is instrumented itself, is the
outermost one's. WebSockets pass through untouched.

When the server tells the application to shut down, what was tracked so far is sent before the server hears that it is
complete: servers may end their process by a signal right after that, and nothing of Python runs then.

Whatever fails in here is logged and leaves the request alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from drishti.analytics import EXIT_FLUSH_S, Analytics
from drishti.analytics import analytics as default_analytics
from drishti.events import RequestEvent
from drishti.messages import attributes, subjects
from drishti.sdk.process_life import flush_telemetry
from drishti.sdk.request_description import DESCRIPTION, describe_request
from drishti.sdk.route_templates import UNMATCHED, RouteEntry, route_template
from drishti.telemetry import setup, spans, trace_context
from drishti.tracing import detach, record_exception

__all__ = ["DrishtiMiddleware", "describe_request"]

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CLIENT_CLOSED = 499
"""The status of a request whose client went away before an answer began; HTTP has no number for it, proxies use this one."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_MEASURED = "drishti.measured"
"""In the scope of a request that one of these middlewares has taken, or was told to leave alone."""

_FASTAPI_TELEMETRY = "fastapi.telemetry"
"""In the scope of a request that FastAPI traces by itself. A second SERVER span would say the same: its span is taken then."""

_LAST_BODY = frozenset({"http.response.body", "http.response.trailers", "http.response.pathsend", "http.response.zerocopysend"})
_SHUT_DOWN = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})

_PROPAGATED = frozenset(propagate.get_global_textmap().fields)

_tracer = trace.get_tracer("drishti.asgi")


class RequestSink(Protocol):
    """What takes request events, without waiting: :class:`drishti.analytics.Analytics`, or a service's own."""

    def track_request(self, request: RequestEvent) -> bool: ...


class RoutedScope:
    """The innermost middleware of a Starlette application: shows the scope that its router gets.

    A middleware that hands on a changed copy of the scope, with another path for instance, would hide it.
    """

    def __init__(self, app: App, *, router: Any) -> None:
        self.app = app
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        measured = scope.get(_MEASURED)
        if isinstance(measured, _Measured) and measured.router is self._router:
            measured.scope = scope
        await self.app(scope, receive, send)


class _Measured:
    """In the scope of a request that is measured. ``scope`` is the one that ``router`` was given, where that is seen."""

    __slots__ = ("router", "scope")

    def __init__(self, router: Any) -> None:
        self.router = router
        self.scope: Scope | None = None


class DrishtiMiddleware:
    """Wraps ``app``. ``service`` is by default ``OTEL_SERVICE_NAME``; ``exclude`` lists paths to leave alone.

    ``router`` is what has the routes, where that is not to be seen from ``app``. Whatever else is asked of this object is
    answered by ``app``.
    """

    def __init__(
        self,
        app: App,
        *,
        service: str | None = None,
        sink: RequestSink | None = None,
        exclude: Collection[str] = (),
        router: Any = None,
    ) -> None:
        self.app = app
        self._sink: RequestSink = sink or default_analytics
        name = service or setup.service_name()
        self._service, self._service_name = subjects.token(name), subjects.given_name(name)
        self._exclude = frozenset(exclude)
        self._router = app if router is None else router

    def __getattr__(self, name: str) -> Any:
        if name == "app":  # not initialised, as in a copy that is being made
            raise AttributeError(name)
        return getattr(self.app, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http" or _MEASURED in scope:
            await self.app(scope, receive, send)
            return
        scope[_MEASURED] = measured = _Measured(self._router)
        if self._exclude and _path(scope) in self._exclude:
            await self.app(scope, receive, send)
            return
        scope.setdefault(DESCRIPTION, {})  # here, so that copies of the scope share it
        served = _Served(scope, self._service, self._service_name, self._sink, self._router)
        served.begin()

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and served.status is None:
                served.abandoned = True
            return message

        async def watched(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                served.start(message)
            await send(message)
            if kind in _LAST_BODY and served.is_last(message):
                served.end_answer()

        try:
            await self.app(scope, heard, watched)
        except BaseException as error:
            served.finish(error)
            raise
        else:
            served.finish(None)
        finally:
            served.leave()
            measured.scope = None  # which holds ``measured``

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] in _SHUT_DOWN:
                await self._flush()
            await send(message)

        await self.app(scope, receive, watched)

    async def _flush(self) -> None:
        """Sends what was tracked and traced, for some seconds at most."""
        try:
            await asyncio.to_thread(self._flush_blocking)
        except RuntimeError:  # another kind of event loop; nothing else runs any more
            self._flush_blocking()
        except Exception:
            # As everywhere in here: the application ends as it would have.
            log.warning("what was measured last could not be sent", exc_info=True)

    def _flush_blocking(self) -> None:
        clients = [default_analytics]
        if isinstance(self._sink, Analytics) and self._sink is not default_analytics:
            clients.append(self._sink)
        for client in clients:
            client.flush_blocking(EXIT_FLUSH_S)
        flush_telemetry(EXIT_FLUSH_S)


class _Served:
    """One request on its way. Each method is safe: it logs what fails and returns."""

    __slots__ = (
        "_began", "_done", "_duration_ms", "_ended", "_entry", "_ours", "_router", "_scope", "_service", "_service_name",
        "_sink", "_span", "_token", "_trailers", "abandoned", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, service: str, service_name: str | None, sink: RequestSink, router: Any) -> None:
        self._scope = scope
        self._service = service
        self._service_name = service_name
        self._sink = sink
        self._router = router
        self._entry = RouteEntry(scope)
        self._began = time.perf_counter()
        self._span: Span = trace.INVALID_SPAN
        self._ours = True
        self._token: Any = None
        self._done = False
        self._trailers = False
        self._ended: datetime | None = None
        self._duration_ms = 0.0
        self.abandoned = False
        """The client went away before an answer began."""
        self.status: int | None = None

    def begin(self) -> None:
        try:
            current = trace.get_current_span()
            if current.is_recording() and (_FASTAPI_TELEMETRY in self._scope or _is_of(current, self._scope)):
                self._span, self._ours = current, False
                return
            parent = _parent(self._scope)
            if not spans.enabled():
                # Nothing is recorded here; whom the application calls belongs to the caller's trace all the same.
                self._pass_on(parent)
                return
            method = _method(self._scope)
            # Only what a sampler may decide by; the rest waits until it is known that the span is kept.
            known = {
                attributes.HTTP_METHOD: method,
                attributes.URL_PATH: self._scope["path"],
                attributes.URL_SCHEME: self._scope.get("scheme", "http"),
            }
            self._span = _tracer.start_span(method, context=parent, kind=SpanKind.SERVER, attributes=known)
            self._token = otel_context.attach(trace.set_span_in_context(self._span, parent))
        except Exception:
            # Whatever a sampler or propagator raises: the request is served without a span.
            log.warning("a request could not be traced", exc_info=True)

    def _pass_on(self, parent: Context | None) -> None:
        known = trace.get_current_span(parent).get_span_context().is_valid
        context = parent if known and parent is not None else trace_context.new_trace(parent)
        self._span, self._ours = trace.get_current_span(context), False
        self._token = otel_context.attach(context)

    def leave(self) -> None:
        if self._token is not None:
            detach(self._token)

    def start(self, message: Message) -> None:
        """The answer begins."""
        status = message["status"]
        self.status = status if isinstance(status, int) else None
        self._trailers = bool(message.get("trailers", False))

    def is_last(self, message: Message) -> bool:
        """Whether the answer ends with ``message``."""
        if message["type"] == "http.response.body":
            return not message.get("more_body", False) and not self._trailers
        return not message.get("more_trailers", False) and not message.get("more_body", False)

    def end_answer(self) -> None:
        """The answer is complete. Whether it failed is known when the application ends: it may raise after its answer."""
        self._stop_clock()
        if self.status is None or self.status < 500:
            self.finish(None)

    def finish(self, error: BaseException | None) -> None:
        """Ends the span and emits the event, once: later calls change nothing."""
        if self._done:
            return
        self._done = True
        self._stop_clock()
        try:
            self._finish(error)
        except Exception:
            # A request is never lost for its own measurement.
            log.warning("a request could not be measured", exc_info=True)

    def _stop_clock(self) -> None:
        if self._ended is None:
            self._duration_ms = (time.perf_counter() - self._began) * 1000
            self._ended = datetime.now(UTC)

    def _finish(self, error: BaseException | None) -> None:
        status = self.status
        if status is None:  # no answer was begun; for what an application raises or forgets, servers answer 500
            status = 500 if error is None or isinstance(error, Exception) else CLIENT_CLOSED
        if self.abandoned and status >= 500:  # nobody was there to be failed
            status = CLIENT_CLOSED
        reason = type(error).__qualname__ if error is not None else (str(status) if status >= 500 else None)
        method, route = _method(self._scope), self._route(status)
        if self._ours:
            self._end_span(method, route, status, error)
        description = self._scope.get(DESCRIPTION, {})
        self._sink.track_request(
            RequestEvent(
                event_id=uuid.uuid4().hex,
                service=self._service,
                service_name=self._service_name,
                method=method,
                route=route[:256],
                status=status,
                duration_ms=round(self._duration_ms, 3),
                timestamp=self._ended,
                error=reason,
                traceparent=spans.traceparent_of(self._span),
                **description,
            )
        )

    def _route(self, status: int) -> str:
        try:
            measured = self._scope.get(_MEASURED)
            routed = measured.scope if isinstance(measured, _Measured) else None
            return route_template(routed or self._scope, self._entry, self._router, status)
        except Exception:
            # A route of the application's own class, typically: the request counts, whatever it does.
            log.warning("the route of a request is not known", exc_info=True)
            return UNMATCHED

    def _end_span(self, method: str, route: str, status: int, error: BaseException | None) -> None:
        span = self._span
        if span.is_recording():
            span.update_name(method if route == UNMATCHED else f"{method} {route}")
            if route != UNMATCHED:
                span.set_attribute(attributes.HTTP_ROUTE, route)
            span.set_attribute(attributes.HTTP_STATUS, status)
            if error is not None:
                record_exception(span, error)
            elif status >= 500:
                span.set_attribute(attributes.ERROR_TYPE, str(status))
                span.set_status(Status(StatusCode.ERROR))
        span.end()


def _path(scope: Scope) -> str:
    """The path as the application knows it, without the prefix it is served under."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _method(scope: Scope) -> str:
    method = str(scope["method"]).upper()
    return method if method in _METHODS else "_OTHER"


def _is_of(span: Any, scope: Scope) -> bool:
    """Whether ``span`` is the SERVER span of this very request: OpenTelemetry's middleware is around ours."""
    if getattr(span, "kind", None) is not SpanKind.SERVER:
        return False
    known = span.attributes or {}
    return str(known.get(attributes.URL_PATH) or known.get("http.target", "")).partition("?")[0] == str(scope["path"])


def _parent(scope: Scope) -> Context | None:
    """The trace context that the request came with; ``None`` where it came with none."""
    carrier: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in _PROPAGATED:
            carrier.setdefault(key, []).append(value.decode("latin-1"))
    return propagate.extract(carrier, Context()) if carrier else None
