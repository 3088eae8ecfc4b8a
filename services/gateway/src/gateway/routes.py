"""The HTTP routes of everything that is not data: questions, dashboards, the API's description, health."""

from __future__ import annotations

from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from drishti.service.health import Health
from gateway.dashboard.proxy import DashboardProxy
from gateway.dashboard.session import Sessions
from gateway.metrics.routes import MetricRoutes
from gateway.openapi.document import document
from gateway.questions.routes import Questions

HOME = "/api/dashboard/home"

ACCEPT_PATH = "/readyz/accept"
"""For load balancers: while analytics is away the gateway accepts all the same, and the bus keeps what it accepted."""


class PageData(NamedTuple):
    """What a dashboard's page reads and changes of analytics, below ``/api/dashboard/analytics``.

    A browser has no key to send, so these are the same handlers as below ``/api/analytics``: to read, they admit whoever may
    see the page; to change, who has given it the key of an editor. ``sessions`` says which of the two the visitor is.
    """

    questions: Questions
    metrics: MetricRoutes
    sessions: Sessions


async def _root(request: Request) -> Response:
    """To the first page, with what the address says besides: a key, for one (``/?token=…``)."""
    query = request.url.query
    return RedirectResponse(f"{HOME}?{query}" if query else HOME, 307)


async def _openapi(_request: Request) -> Response:
    return JSONResponse(document())


_OTLP_ADDRESSES = (
    "no such address; OTLP/HTTP is sent to /v1/traces, /v1/metrics and /v1/logs, "
    "which exporters add to OTEL_EXPORTER_OTLP_ENDPOINT themselves"
)


async def not_served(request: Request, error: Exception) -> Response:
    """The answer to an address or a method that is not served: what there is instead."""
    if not isinstance(error, HTTPException):
        raise error
    if request.method == "POST" and (request.url.path == "/" or request.url.path.startswith("/v1")):
        # An exporter whose address lacks the signal's path, or has a part too much.
        said = _OTLP_ADDRESSES
    elif error.status_code == 405:
        said = "use " + " or ".join(sorted((error.headers or {}).get("Allow", "another method").split(", ")))
    elif error.status_code == 404:
        said = "no such address; /openapi.json lists all"
    else:
        said = error.detail
    return JSONResponse({"error": said}, error.status_code, error.headers)


def routes(
    questions: Questions,
    metrics: MetricRoutes,
    pages: PageData,
    proxy: DashboardProxy,
    health: Health,
    *,
    accepting_without: str,
) -> list[Route | WebSocketRoute]:
    """All routes but the two data paths, which :mod:`gateway.dispatcher` serves. ``/readyz/accept`` leaves one check out."""
    return [
        Route("/", _root),
        Route("/api/analytics/query", questions.answer, methods=["GET", "POST"]),
        Route("/api/analytics/metrics", metrics.all, methods=["GET"]),
        Route("/api/analytics/metrics/{name:path}", metrics.one, methods=["GET", "PUT", "DELETE"]),
        Route("/api/analytics/check", metrics.check, methods=["POST"]),
        Route("/api/analytics/packs", metrics.packs, methods=["GET"]),
        Route("/api/analytics/packs/{name}", metrics.pack, methods=["PUT"]),
        Route("/openapi.json", _openapi),
        Route("/api/openapi.json", _openapi),
        Route("/api/dashboard/analytics/metrics", pages.metrics.all, methods=["GET"]),
        Route("/api/dashboard/analytics/metrics/{name:path}", pages.metrics.one, methods=["GET", "PUT", "DELETE"]),
        Route("/api/dashboard/analytics/check", pages.metrics.check, methods=["POST"]),
        Route("/api/dashboard/analytics/query", pages.questions.answer, methods=["GET", "POST"]),
        Route("/api/dashboard/analytics/session", pages.sessions.answer, methods=["GET", "POST", "DELETE"]),
        Route("/api/dashboard/{path:path}", proxy),
        WebSocketRoute("/api/dashboard/{path:path}", proxy),
        *health.routes(),
        health.route(ACCEPT_PATH, without=accepting_without),
    ]
