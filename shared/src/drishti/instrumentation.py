"""Turn everything on with one call: telemetry as the environment says, requests, and the libraries in between."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from collections.abc import Collection
from typing import Any, TypeVar, overload

from drishti import settings
from drishti.analytics import EXIT_FLUSH_S, Analytics, ProducerSettings, analytics
from drishti.asgi import DrishtiMiddleware, RequestSink, RoutedScope
from drishti.errors import DrishtiError, SettingsError
from drishti.sdk import instrumentors, recording
from drishti.sdk.addresses import gateway_at
from drishti.sdk.process_life import at_end_of_worker, flush_telemetry, forks_wait
from drishti.telemetry import setup, spans, trace_context
from drishti.telemetry.destinations import Gateway
from drishti.telemetry.setup import Telemetry

__all__ = ["instrument"]

log = logging.getLogger(__name__)

A = TypeVar("A")

FRAMEWORKS = frozenset({"starlette", "fastapi"})

_MEASURED_CALL = "_drishti_measured_call"

_NO_APPLICATION: Any = object()

_telemetry: Telemetry | None = None


@overload
def instrument(*, service: str | None = None) -> None: ...


@overload
def instrument(app: A, *, service: str | None = None, exclude: Collection[str] = (), sink: RequestSink | None = None) -> A: ...


def instrument(
    app: Any = _NO_APPLICATION, *, service: str | None = None, exclude: Collection[str] = (), sink: RequestSink | None = None
) -> Any:
    """Traces ``app`` and emits its request events; returns the application to serve.

    A FastAPI or Starlette application is changed and returned, any other ASGI application is wrapped. Either way the whole
    application is measured, with middleware that is added later and the answers and time of each. A Flask application, and one
    of Django's for WSGI, is traced by its OpenTelemetry instrumentation, and emits no request events. Without ``app``, for
    a worker or a script, all the rest is done.

    Telemetry is set up unless the application did so itself: spans and metrics go where the standard ``OTEL_*`` variables say,
    else to Drishti where ``DRISHTI_URL`` is set. Every OpenTelemetry instrumentation that is installed (SQLAlchemy, Redis,
    httpx, asyncpg, …) is turned on where spans are collected, except for those in ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS``
    (:mod:`drishti.sdk.instrumentors`). With that of ``logging``, log records are sent, too.

    ``service`` counts where the environment names none (:func:`drishti.telemetry.setup.service_name`), also for events.
    ``exclude`` lists paths to leave alone; ``sink`` takes the request events, by default those of ``drishti.analytics``. Call
    it at any time, best before the application starts; calling it again changes nothing. What fails is logged, and the
    application works without it.
    """
    if isinstance(exclude, str):
        exclude = (exclude,)
    name = setup.service_name(str(service or "") or setup.name_of_provider())
    client = sink or analytics
    if name and isinstance(client, Analytics):
        client.name_service(name)
    try:
        with forks_wait():
            _configure(name or "unknown")
    except Exception as error:
        # A wrong OTEL_* value, an exporter that is not installed: the application must start all the same.
        log.warning("telemetry could not be set up: %s", error, exc_info=not isinstance(error, DrishtiError))
    if app is _NO_APPLICATION:
        return None
    if not _is_asgi(app):
        if not instrumentors.instrument_application(app):
            log.warning("not instrumented: %s is no ASGI application", type(app).__qualname__)
        return app
    return _with_middleware(app, {"service": name, "exclude": exclude, "sink": sink})


def _is_asgi(app: Any) -> bool:
    """Whether ``app`` can be called as one; an application of WSGI (Flask, Django by default) cannot."""
    try:
        inspect.signature(app).bind({}, None, None)
    except TypeError:
        return False
    except ValueError:  # one that does not say how it is called
        return True
    return True


def _configure(name: str) -> None:
    global _telemetry
    if _telemetry is None:
        _telemetry = setup.configure(name, _gateway(), logs_withheld=lambda: bool(recording.recorders))
        at_end_of_worker(lambda: flush_telemetry(EXIT_FLUSH_S))
    trace_context.install()
    if spans.enabled():
        from drishti.telemetry import nested_llm_calls  # which imports the SDK: it is there where spans are made

        nested_llm_calls.mark()
    instrumentors.turn_on()


def _gateway() -> Gateway | None:
    """Drishti as the environment names it for an application; ``None``, with one line in the log, where that is wrong."""
    try:
        loaded = settings.load(ProducerSettings, os.environ)
        return gateway_at(loaded.url, loaded.api_key.reveal()) if loaded.url else None
    except (SettingsError, ValueError) as error:
        log.warning("spans and metrics are not sent to Drishti: %s", error)
        return None


def _with_middleware(app: Any, options: dict[str, Any]) -> Any:
    if isinstance(app, DrishtiMiddleware):
        return app
    if not hasattr(app, "build_middleware_stack"):
        return DrishtiMiddleware(app, **options)
    placed = any(entry.cls is DrishtiMiddleware for entry in getattr(app, "user_middleware", ()))
    if placed or isinstance(app.build_middleware_stack, _Outermost) or hasattr(type(app), _MEASURED_CALL):
        return app
    _replace_native_tracing(app)
    if _has_own_call(type(app)):
        _measure_call(app, options)
        return app
    outermost = _Outermost(app, options)
    app.build_middleware_stack = outermost
    if app.middleware_stack is not None:  # it serves already
        app.middleware_stack = outermost.around(app.middleware_stack)
    return app


def _has_own_call(kind: type) -> bool:
    """Whether a class of the application's answers requests before Starlette or FastAPI sees them."""
    owner = next(c for c in kind.__mro__ if "__call__" in vars(c))
    return owner.__module__.partition(".")[0] not in FRAMEWORKS


def _measure_call(app: Any, options: dict[str, Any]) -> None:
    """Measures what ``app`` does when it is called, by a class of its own between it and the application's class."""
    kind = type(app)
    middleware = DrishtiMiddleware(functools.partial(kind.__call__, app), router=app, **options)

    async def call(_self: Any, scope: Any, receive: Any, send: Any) -> None:
        await middleware(scope, receive, send)

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    app.__class__ = type(kind.__name__, (kind,), {**names, "__slots__": (), "__call__": call, _MEASURED_CALL: True})


class _Outermost:
    """Builds the middleware of a Starlette application as the application does, with ours around all of it.

    The application builds it when it serves first, so middleware that is added after ``instrument`` is within.
    """

    def __init__(self, app: Any, options: dict[str, Any]) -> None:
        self._app = app
        self._build = app.build_middleware_stack
        self._options = options

    def __call__(self) -> DrishtiMiddleware:
        _replace_native_tracing_of_mounts(self._app)
        innermost = sys.modules["starlette.middleware"].Middleware(RoutedScope, router=self._app)
        self._app.user_middleware.append(innermost)
        try:
            stack = self._build()
        finally:
            self._app.user_middleware.remove(innermost)
        return self.around(stack)

    def around(self, stack: Any) -> DrishtiMiddleware:
        return DrishtiMiddleware(stack, router=self._app, **self._options)


def _replace_native_tracing(app: Any) -> None:
    """Turns off FastAPI's own spans, four a request, unless the application gave them a provider of their own.

    FastAPI takes this setting in its constructor only, hence the look inside. Where a later release keeps it elsewhere, the
    middleware finds FastAPI's span and adds none.
    """
    native = getattr(app, "_telemetry", None)
    if isinstance(native, dict) and native.get("tracer_provider") is None:
        native["tracing"] = False


def _replace_native_tracing_of_mounts(app: Any) -> None:
    """The same for the FastAPI applications that are mounted in ``app``: a request has one SERVER span."""
    for route in getattr(app, "routes", ()):
        mounted = getattr(route, "app", None) if hasattr(route, "routes") else None
        if mounted is not None:
            _replace_native_tracing(mounted)
            _replace_native_tracing_of_mounts(mounted)
