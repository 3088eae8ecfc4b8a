"""``GET /api/export/{rows}``: the rows of a tenant, for its administrators, as one stream of NDJSON or page by page.

Analytics answers a page at a time and remembers nothing in between, so a slow reader costs nothing but this request. A stream
that cannot go on is broken off: without its last chunk no client of HTTP takes it for whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from drishti.errors import DrishtiError, QueryError
from drishti.messages.export import ExportPage, ExportQuery
from gateway.access.admission import AdmitAdmin
from gateway.answers import refusal_content, refusal_headers
from gateway.asgi import TENANT
from gateway.asking import ask
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.explorer import parsing
from gateway.link import Link

log = logging.getLogger(__name__)

PREFIX = "/api/export"

NDJSON = "application/x-ndjson"

EVER = {"from": "1970-01-01", "to": "2100-01-01"}
"""The range where none is given."""

TRIES = 20
"""How often one page of a stream is asked for while analytics cannot answer, a second apart."""

_pages = msgspec.json.Decoder(ExportPage)


class ExportBroken(DrishtiError):
    """A stream that has begun cannot go on."""


class ExportRoutes:
    """The handlers of these paths. ``admit``: who may come in."""

    def __init__(self, link: Link, admit: AdmitAdmin, timeout_s: float, *, retry_s: float = RETRY_AFTER_S) -> None:
        self._link = link
        self._admit = admit
        self._timeout_s = timeout_s
        self._retry_s = retry_s

    def routes(self) -> list[Route]:
        return [
            Route(PREFIX + "/{rows}", self.stream, methods=["GET"]),
            Route(PREFIX + "/{rows}/page", self.page, methods=["GET"]),
        ]

    async def stream(self, request: Request) -> Response:
        """``GET /api/export/{rows}``: the first page is there before the status is."""
        try:
            asked = self._question(request)
            first = await self._ask(asked)
        except Refused as refused:
            return _refusal(refused)
        return StreamingResponse(self._lines(asked, first), media_type=NDJSON, headers={"cache-control": "no-store"})

    async def page(self, request: Request) -> Response:
        """``GET /api/export/{rows}/page``."""
        try:
            answer = await ask(self._link, "export", self._question(request), self._timeout_s)
        except Refused as refused:
            return _refusal(refused)
        return Response(answer, media_type="application/json", headers={"cache-control": "no-store"})

    def _question(self, request: Request) -> ExportQuery:
        by = self._admit(request)
        request.scope[TENANT] = by.tenant
        given = QueryParams(request.scope["query_string"])
        parameters = [*given.multi_items(), *((name, value) for name, value in EVER.items() if name not in given)]
        try:
            question = parsing.of_parameters(
                ExportQuery, parameters, request.path_params, tenant=by.tenant, now=datetime.now(UTC)
            )
        except QueryError as error:
            raise Refused(422, str(error), field=error.field) from None
        return cast(ExportQuery, question)

    async def _lines(self, asked: ExportQuery, page: ExportPage) -> AsyncIterator[bytes]:
        while True:
            if page.rows:
                yield b"\n".join([*page.rows, b""])
            if not page.cursor:
                return
            page = await self._next(msgspec.structs.replace(asked, cursor=page.cursor))

    async def _next(self, asked: ExportQuery) -> ExportPage:
        problem = ""
        for _ in range(TRIES):
            try:
                return await self._ask(asked)
            except Refused as refused:
                problem = refused.message
                if refused.status < 500:
                    break
            await asyncio.sleep(self._retry_s)
        log.warning("an export was broken off", extra={"tenant": asked.tenant, "reason": problem})
        raise ExportBroken(problem)

    async def _ask(self, asked: ExportQuery) -> ExportPage:
        return _pages.decode(await ask(self._link, "export", asked, self._timeout_s))


def _refusal(refused: Refused) -> Response:
    headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
    return JSONResponse(refusal_content(refused), refused.status, headers)
