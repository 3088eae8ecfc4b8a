"""``/api/keys``: the API keys of a tenant, for its administrators; below ``/api/dashboard/analytics/keys`` the same for pages.

Whatever is asked is of the tenant of the administrator's own key: a key of another tenant is as unknown as one that never was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import ApiKey, Principal, digest
from drishti.errors import BucketFull, BusRefused, BusUnavailable, RevisionConflict
from gateway.access.admission import AdmitAdmin
from gateway.administration.answers import Key, Keys, MadeKey, NewKey
from gateway.administration.keys import KeyAdministration, described
from gateway.answers import refusal_content, refusal_headers
from gateway.asgi import TENANT
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.json_bodies import sent_json

PREFIX, PAGES = "/api/keys", "/api/dashboard/analytics/keys"

BODY_BYTES = 8 * 1024

Handler = Callable[[Request, Principal], Awaitable[Response]]


class KeyRoutes:
    """The handlers of these paths. ``admit``: who may come in."""

    def __init__(self, administration: KeyAdministration, admit: AdmitAdmin) -> None:
        self._administration = administration
        self._ring: KeyRing = administration.ring
        self._admit = admit

    def routes(self, prefix: str) -> list[Route]:
        return [
            Route(prefix, self.all, methods=["GET", "POST"]),
            Route(prefix + "/{id}", self.one, methods=["DELETE"]),
        ]

    async def all(self, request: Request) -> Response:
        """``GET`` and ``POST /api/keys``."""
        return await self._answered(request, self._make if request.method == "POST" else self._list)

    async def one(self, request: Request) -> Response:
        """``DELETE /api/keys/{id}``."""
        return await self._answered(request, self._revoke)

    async def _answered(self, request: Request, handler: Handler) -> Response:
        try:
            by = self._admit(request)
            request.scope[TENANT] = by.tenant
            try:
                return await handler(request, by)
            except BucketFull as error:
                raise Refused(507, f"{error}; `drishti keys revoke` makes the room that a revocation needs") from None
            except (BusUnavailable, BusRefused, RevisionConflict) as error:
                raise Refused(503, str(error), retry_after_s=RETRY_AFTER_S) from None
        except Refused as refused:
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(refusal_content(refused), refused.status, headers)

    async def _list(self, _request: Request, by: Principal) -> Response:
        keys = [self._described(entry.key, entry.name, by) for entry in self._ring.of_tenant(by.tenant)]
        began = datetime.fromtimestamp(self._ring.began, UTC)
        return _answer(Keys(keys=keys, most=self._administration.most, noticed_since=began))

    async def _make(self, request: Request, _by: Principal) -> Response:
        wanted = _wanted(await sent_json(request, BODY_BYTES))
        async with self._administration.one_at_a_time:
            by = self._admit(request)  # somebody may have revoked that key meanwhile
            key, text = await self._administration.make(by, wanted)
        return _answer(MadeKey(key=self._described(key, digest(text), by), text=text), 201)

    async def _revoke(self, request: Request, _by: Principal) -> Response:
        async with self._administration.one_at_a_time:
            by = self._admit(request)
            key = await self._administration.revoke(by, request.path_params["id"])
        return _answer(described(key, now=datetime.now(UTC), last_used_at=None, own=key.id == by.id))

    def _described(self, key: ApiKey, name: str, by: Principal) -> Key:
        now = datetime.now(UTC)
        return described(key, now=now, last_used_at=self._ring.used_at(name), own=key.id == by.id)


def _wanted(document: object) -> NewKey:
    try:
        return msgspec.convert(document, NewKey)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        raise Refused(422, what, field=place.strip("`").removeprefix("$.")) from None


def _answer(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, {"cache-control": "no-store"}, media_type="application/json")
