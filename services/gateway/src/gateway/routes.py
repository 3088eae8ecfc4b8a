"""The HTTP routes of everything that is not data: questions, dashboards, the API's description, health."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from drishti.bus.keys import KeyRing
from drishti.errors import QueryError
from drishti.service.health import Health
from gateway import openapi, query
from gateway.access import authenticate
from gateway.answers import refusal_headers
from gateway.asgi import TENANT, headers_of
from gateway.asking import ask
from gateway.dashboard.proxy import DashboardProxy
from gateway.errors import Refused
from gateway.metrics import MetricRoutes
from gateway.publishing import Link

FIRST_DASHBOARD = "/api/dashboard/dashboard/system_overview"

ACCEPT_PATH = "/readyz/accept"
"""For load balancers: while analytics is away the gateway accepts all the same, and the bus keeps what it accepted."""


class Questions:
    """``GET /api/analytics/query``: a typed question to analytics, and its answer as it came."""

    def __init__(self, link: Link, ring: KeyRing, timeout_s: float) -> None:
        self._link = link
        self._ring = ring
        self._timeout_s = timeout_s

    async def __call__(self, request: Request) -> Response:
        try:
            principal = authenticate(self._ring, headers_of(request.scope), "viewer")
            request.scope[TENANT] = principal.tenant
            now = datetime.now(UTC)
            asked = request.query_params.multi_items()
            try:
                question = query.parse(asked, tenant=principal.tenant, now_ms=int(now.timestamp() * 1000))
            except QueryError as error:
                raise Refused(400, str(error), field=error.field) from None
            answer = await ask(self._link, "metrics", question, self._timeout_s)
            return Response(answer, media_type="application/json", headers={"cache-control": "no-store"})
        except Refused as refused:
            content = {"error": refused.message, **({"field": refused.field} if refused.field else {})}
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(content, refused.status, headers)


async def _root(_request: Request) -> Response:
    return RedirectResponse(FIRST_DASHBOARD, 307)


async def _openapi(_request: Request) -> Response:
    return JSONResponse(openapi.document())


def routes(
    questions: Questions, metrics: MetricRoutes, proxy: DashboardProxy, health: Health, *, accepting_without: str
) -> list[Route | WebSocketRoute]:
    """All routes but the two data paths, which :mod:`gateway.dispatcher` serves. ``/readyz/accept`` leaves one check out."""

    async def answer_question(request: Request) -> Response:
        return await questions(request)

    return [
        Route("/", _root),
        Route("/api/analytics/query", answer_question),
        Route("/api/analytics/metrics", metrics.all, methods=["GET"]),
        Route("/api/analytics/metrics/{name:path}", metrics.one, methods=["GET", "PUT", "DELETE"]),
        Route("/api/analytics/packs", metrics.packs, methods=["GET"]),
        Route("/api/analytics/packs/{name}", metrics.pack, methods=["PUT"]),
        Route("/openapi.json", _openapi),
        Route("/api/openapi.json", _openapi),
        Route("/api/dashboard/{path:path}", proxy),
        WebSocketRoute("/api/dashboard/{path:path}", proxy),
        *health.routes(),
        health.route(ACCEPT_PATH, without=accepting_without),
    ]
