"""A route for every question of the catalogue that has a path: the question goes to analytics, its answer back as it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drishti.bus.keys import Role
from drishti.errors import QueryError
from drishti.messages.queries import QUERIES, QueryType
from gateway.access.admission import Admit
from gateway.answers import refusal_content, refusal_headers
from gateway.asking import ask
from gateway.errors import Refused
from gateway.explorer import parsing
from gateway.json_bodies import sent_json
from gateway.link import Link

PREFIX = "/api/analytics"
PAGES = "/api/dashboard/analytics"
"""The same for pages of the dashboards, which have no key to send."""

_KIB = 1024


def explored() -> list[QueryType]:
    """The questions of the catalogue that have a path."""
    return [query for query in QUERIES if query.path]


class ExplorerRoutes:
    """The handlers of these paths. ``admits``: who may come in, for each role that is asked for. Where ``jaeger_ui_url`` says
    where Jaeger's pages are, the answer about one trace links to its page in the header ``Link``, and
    every other answer says in ``Link-Template`` (RFC 9652) where the page of a trace is."""

    def __init__(self, link: Link, admits: Mapping[Role, Admit], timeout_s: float, jaeger_ui_url: str = "") -> None:
        self._jaeger_ui_url = jaeger_ui_url.rstrip("/")
        self._link = link
        self._admits = admits
        self._timeout_s = timeout_s

    def routes(self, prefix: str = PREFIX) -> list[Route]:
        """One route for each question."""
        return [self._route(query, prefix) for query in explored()]

    def _route(self, query: QueryType, prefix: str) -> Route:
        async def answer(request: Request) -> Response:
            return await self._answer(query, request)

        return Route(prefix + query.path, answer, methods=["POST" if query.by_body else "GET"], name=query.name)

    async def _answer(self, query: QueryType, request: Request) -> Response:
        try:
            visitor = self._admits["editor" if query.changes else "viewer"](request)
            now = datetime.now(UTC)
            try:
                if query.by_body:
                    document = await sent_json(request, query.max_body_kib * _KIB)
                    question = parsing.of_document(query.model, document, request.path_params, tenant=visitor.tenant, now=now)
                else:
                    parameters = QueryParams(visitor.query).multi_items()
                    question = parsing.of_parameters(
                        query.model, parameters, request.path_params, tenant=visitor.tenant, now=now
                    )
            except QueryError as error:
                raise Refused(422, str(error), field=error.field) from None
            answer = await ask(self._link, query.name, question, self._timeout_s)
            headers = {"cache-control": "no-store", **self._links(request)}
            return Response(answer, media_type="application/json", headers=headers)
        except Refused as refused:
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(refusal_content(refused), refused.status, headers)

    def _links(self, request: Request) -> dict[str, str]:
        trace_id = request.path_params.get("trace_id")
        if not self._jaeger_ui_url:
            return {}
        if trace_id is None:
            template = json.dumps(f"{self._jaeger_ui_url}/trace/{{trace_id}}")
            return {"link-template": f'{template}; rel="alternate"; title="Jaeger"'}
        return {"link": f'<{self._jaeger_ui_url}/trace/{quote(trace_id, safe="")}>; rel="alternate"; title="Jaeger"'}
