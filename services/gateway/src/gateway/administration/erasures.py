"""``/api/erasures`` and ``DELETE /api/users/{user_id}``: the erasure of users, for administrators of their tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drishti.bus.keys import Principal
from drishti.events import invalid_payload
from drishti.messages.product.erasure import EraseUser, ErasureQuery, ErasuresQuery
from gateway.access.admission import AdmitAdmin
from gateway.administration.answers import UserToErase
from gateway.answers import refusal_content, refusal_headers
from gateway.asgi import TENANT
from gateway.asking import ask
from gateway.errors import Refused
from gateway.json_bodies import sent_json
from gateway.link import Link

PREFIX, USERS = "/api/erasures", "/api/users"

BODY_BYTES = 8 * 1024

BLOCK = {"": False, "false": False, "true": True}

Handler = Callable[[Request, Principal], Awaitable[Response]]


class ErasureRoutes:
    """The handlers of these paths. ``admit``: who may come in."""

    def __init__(self, link: Link, admit: AdmitAdmin, timeout_s: float) -> None:
        self._link = link
        self._admit = admit
        self._timeout_s = timeout_s

    def routes(self) -> list[Route]:
        return [
            Route(PREFIX, self.all, methods=["GET", "POST"]),
            Route(PREFIX + "/{id}", self.one, methods=["GET"]),
            Route(USERS + "/{user_id:path}", self.user, methods=["DELETE"]),
        ]

    async def all(self, request: Request) -> Response:
        """``GET`` and ``POST /api/erasures``."""
        return await self._answered(request, self._erase if request.method == "POST" else self._list)

    async def one(self, request: Request) -> Response:
        """``GET /api/erasures/{id}``."""
        return await self._answered(request, self._receipt)

    async def user(self, request: Request) -> Response:
        """``DELETE /api/users/{user_id}``."""
        return await self._answered(request, self._delete)

    async def _answered(self, request: Request, handler: Handler) -> Response:
        try:
            by = self._admit(request)
            request.scope[TENANT] = by.tenant
            return await handler(request, by)
        except Refused as refused:
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(refusal_content(refused), refused.status, headers)

    async def _list(self, _request: Request, by: Principal) -> Response:
        return await self._ask("erasures", ErasuresQuery(tenant=by.tenant))

    async def _receipt(self, request: Request, by: Principal) -> Response:
        return await self._ask("erasure", ErasureQuery(tenant=by.tenant, id=request.path_params["id"][:64]))

    async def _erase(self, request: Request, by: Principal) -> Response:
        return await self._begin(await sent_json(request, BODY_BYTES), by)

    async def _delete(self, request: Request, by: Principal) -> Response:
        for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
            if name != "block":
                raise Refused(422, "there is no such parameter; there is block", field=name[:64])
            if times > 1:
                raise Refused(422, "given twice", field=name)
        block = BLOCK.get(request.query_params.get("block", ""))
        if block is None:
            raise Refused(422, "must be true or false", field="block")
        return await self._begin({"user_id": request.path_params["user_id"], "block": block}, by)

    async def _begin(self, document: object, by: Principal) -> Response:
        try:
            wanted = msgspec.convert(document, UserToErase)
        except msgspec.ValidationError as error:
            wrong = invalid_payload(error)
            raise Refused(422, wrong.error, field=wrong.field) from None
        order = EraseUser(tenant=by.tenant, user_id=wanted.user_id, asked_by=by.id, block=wanted.block)
        return await self._ask("erase_user", order, 202)

    async def _ask(self, name: str, question: msgspec.Struct, status: int = 200) -> Response:
        answer = await ask(self._link, name, question, self._timeout_s)
        return Response(answer, status, {"cache-control": "no-store"}, media_type="application/json")
