"""A middleware for ASGI applications: one SERVER span and one request event for each request served.

Names follow OpenTelemetry's HTTP conventions. The span is called ``<method> <route>``, where the route is the template that
the router matched (``/items/{id}``), never a path with its values; what matched nothing is ``unmatched``. A streamed body is
measured to its last chunk, and what an application does after that (background tasks) is not. An exception that leaves the
application before its answer has begun counts as status 500. WebSockets and lifespan messages pass through untouched.

Whatever fails in here is logged and leaves the request alone.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from drishti import attributes, subjects, telemetry
from drishti.analytics import analytics as default_analytics
from drishti.events import RequestEvent
from drishti.tracing import detach, record_exception

__all__ = ["DrishtiMiddleware", "describe_request"]

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED = "unmatched"
CLIENT_CLOSED = 499
"""The status of a request whose client went away before an answer began; HTTP has no number for it, proxies use this one."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_DESCRIPTION = "drishti.request"
_FASTAPI_TELEMETRY = "fastapi.telemetry"
"""In the scope of a request that FastAPI traces by itself. A second SERVER span would say the same: its span is taken then."""

_PROPAGATED = frozenset(propagate.get_global_textmap().fields)

_tracer = trace.get_tracer("drishti.asgi")


class RequestSink(Protocol):
    """What takes request events, without waiting: :class:`drishti.analytics.Analytics`, or a service's own."""

    def track_request(self, request: RequestEvent) -> bool: ...


def describe_request(
    request: Any, *, user_id: str | None = None, session_id: str | None = None, model: str | None = None
) -> None:
    """Adds to the request's event who asked and which model answered. ``request`` is a scope, or what has one."""
    scope = getattr(request, "scope", request)
    known = {"user_id": user_id, "session_id": session_id, "model": model}
    scope.setdefault(_DESCRIPTION, {}).update({name: value for name, value in known.items() if value is not None})


class DrishtiMiddleware:
    """Wraps ``app``. ``service`` is by default ``OTEL_SERVICE_NAME``; ``exclude`` lists paths to leave alone."""

    def __init__(
        self,
        app: App,
        *,
        service: str | None = None,
        sink: RequestSink | None = None,
        exclude: Collection[str] = (),
    ) -> None:
        self.app = app
        self._sink: RequestSink = sink or default_analytics
        self._service = subjects.token(service or os.environ.get("OTEL_SERVICE_NAME", ""))
        self._exclude = frozenset(exclude)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._exclude:
            await self.app(scope, receive, send)
            return
        served = _Served(scope, self._service, self._sink)
        served.begin()

        async def watched(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                served.status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                served.finish(None)

        try:
            await self.app(scope, receive, watched)
        except BaseException as error:
            served.finish(error)
            raise
        else:
            served.finish(None)
        finally:
            served.leave()


class _Served:
    """One request on its way. Each method is safe: it logs what fails and returns."""

    __slots__ = ("_began", "_done", "_ours", "_root", "_scope", "_service", "_sink", "_span", "_token", "status")

    def __init__(self, scope: Scope, service: str, sink: RequestSink) -> None:
        self._scope = scope
        self._service = service
        self._sink = sink
        self._root = scope.get("root_path", "")
        self._began = time.perf_counter()
        self._span: Span = trace.INVALID_SPAN
        self._ours = True
        self._token: Any = None
        self._done = False
        self.status: int | None = None

    def begin(self) -> None:
        try:
            if _FASTAPI_TELEMETRY in self._scope and trace.get_current_span().is_recording():
                self._span, self._ours = trace.get_current_span(), False
                return
            parent = _parent(self._scope)
            if parent is None and not telemetry.enabled():
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

    def leave(self) -> None:
        if self._token is not None:
            detach(self._token)

    def finish(self, error: BaseException | None) -> None:
        """Ends the span and emits the event, once: later calls change nothing."""
        if self._done:
            return
        self._done = True
        try:
            self._finish(error, (time.perf_counter() - self._began) * 1000)
        except Exception:
            # A request is never lost for its own measurement.
            log.warning("a request could not be measured", exc_info=True)

    def _finish(self, error: BaseException | None, duration_ms: float) -> None:
        status = self.status
        if status is None:  # no answer was begun; for what an application raises or forgets, servers answer 500
            status = 500 if error is None or isinstance(error, Exception) else CLIENT_CLOSED
        reason = type(error).__qualname__ if error is not None else (str(status) if status >= 500 else None)
        method, route = _method(self._scope), route_template(self._scope, self._root)
        if self._ours:
            self._end_span(method, route, status, error)
        description = self._scope.get(_DESCRIPTION, {})
        self._sink.track_request(
            RequestEvent(
                event_id=uuid.uuid4().hex,
                service=self._service,
                method=method,
                route=route[:256],
                status=status,
                duration_ms=round(duration_ms, 3),
                timestamp=datetime.now(UTC),
                error=reason,
                traceparent=telemetry.traceparent_of(self._span),
                **description,
            )
        )

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


def route_template(scope: Scope, root: str = "") -> str:
    """The template that Starlette or FastAPI matched, with the templates of its mounts; ``unmatched`` without one.

    ``root`` is the ``root_path`` at which the application itself is served: it is no part of the template.
    """
    route = scope.get("route")
    # FastAPI names the route as its own router knows it; with the prefixes of include_router it is in this context.
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and getattr(included, "original_route", None) is route:
        route = included
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    if not isinstance(template, str):
        return UNMATCHED
    mounted = str(scope.get("root_path", "")).removeprefix(root)
    for name, value in scope.get("path_params", {}).items():
        mounted = "/".join(f"{{{name}}}" if part == str(value) else part for part in mounted.split("/"))
    if not hasattr(route, "methods"):  # a mount, whose own application has no routes that we know
        return f"{mounted}/*"
    return mounted + template


def _method(scope: Scope) -> str:
    method = str(scope["method"]).upper()
    return method if method in _METHODS else "_OTHER"


def _parent(scope: Scope) -> Context | None:
    """The trace context that the request came with; ``None`` where it came with none."""
    carrier = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in _PROPAGATED:
            carrier[key] = value.decode("latin-1")
    return propagate.extract(carrier, Context()) if carrier else None
