"""Turn everything on with one call: telemetry as the environment says, requests, and the libraries in between."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from importlib.metadata import entry_points
from typing import Any, TypeVar

from drishti import telemetry
from drishti.analytics import Analytics, analytics
from drishti.asgi import DrishtiMiddleware, RequestSink
from drishti.telemetry import Telemetry

__all__ = ["instrument"]

log = logging.getLogger(__name__)

A = TypeVar("A")

REPLACED = frozenset({"asgi", "fastapi", "starlette"})
"""Instrumentations whose work our middleware does, at a third of the cost."""

_telemetry: Telemetry | None = None
_instrumented: set[str] = set()


def instrument(app: A, *, service: str | None = None, exclude: Collection[str] = (), sink: RequestSink | None = None) -> A:
    """Traces ``app`` and emits its request events; returns the application to serve.

    A FastAPI or Starlette application is changed and returned, any other ASGI application is wrapped. Telemetry is set up
    from the standard ``OTEL_*`` variables, unless the application did so itself, and every OpenTelemetry instrumentation
    that is installed (SQLAlchemy, Redis, httpx, asyncpg, …) is turned on where spans are collected, except for those in
    ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS``.

    ``service`` counts where ``OTEL_SERVICE_NAME`` is not set, also for events; ``exclude`` lists paths to leave alone;
    ``sink`` takes the request events, by default ``drishti.analytics.analytics``. Call it before the application starts;
    calling it again changes nothing. What fails is logged, and the application works without it.
    """
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    client = sink or analytics
    if name and isinstance(client, Analytics):
        client.name_service(name)
    try:
        _configure(name or "unknown")
    except Exception:
        # A wrong OTEL_* value, an exporter that is not installed: the application must start all the same.
        log.warning("telemetry could not be set up", exc_info=True)
    instrumented: A = _with_middleware(app, {"service": name, "exclude": exclude, "sink": sink})
    return instrumented


def _configure(name: str) -> None:
    global _telemetry
    if _telemetry is None:
        _telemetry = telemetry.configure(name)
    if not telemetry.enabled():
        return
    disabled = {n.strip() for n in os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")}
    if "*" in disabled:
        return
    for entry in entry_points(group="opentelemetry_instrumentor"):
        if entry.name in REPLACED | disabled | _instrumented:
            continue
        _instrumented.add(entry.name)
        try:
            entry.load()().instrument()
        except Exception:
            # Typically an instrumentation whose library is not installed, or is of another version.
            log.info("the instrumentation of %s was not turned on", entry.name, exc_info=True)


def _with_middleware(app: Any, options: dict[str, Any]) -> Any:
    if isinstance(app, DrishtiMiddleware):
        return app
    if not hasattr(app, "add_middleware"):
        return DrishtiMiddleware(app, **options)
    if any(entry.cls is DrishtiMiddleware for entry in getattr(app, "user_middleware", ())):
        return app
    _replace_native_tracing(app)
    try:
        app.add_middleware(DrishtiMiddleware, **options)
    except RuntimeError:
        log.warning("requests are not measured: instrument() must be called before the application starts")
    return app


def _replace_native_tracing(app: Any) -> None:
    """Turns off FastAPI's own spans, four a request, unless the application gave them a provider of their own.

    FastAPI takes this setting in its constructor only, hence the look inside. Where a later release keeps it elsewhere, the
    middleware finds FastAPI's span and adds none.
    """
    native = getattr(app, "_telemetry", None)
    if isinstance(native, dict) and native.get("tracer_provider") is None:
        native["tracing"] = False
