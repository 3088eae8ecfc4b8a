"""``/api/dashboard/dashboards/{name}``: one dashboard as a document, to read and to change.

Who may change is settled at the gateway. A change names the revision that it replaces (``If-Match`` or ``?revision=``; none:
there is no such dashboard yet); where another is there, the answer is 409 with what is there now. What is wrong with a document
is said by field. Documents are JSON, or YAML where the request's ``Content-Type`` says so (``?format=yaml``: the answer).
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from dashboard_stream.boards.dashboards import Dashboard, dashboard_of, describe
from dashboard_stream.boards.ready import READY
from dashboard_stream.http.access import tenant_of
from dashboard_stream.live.hub import Hub
from drishti import yaml_files
from drishti.bus.documents import Conflict, TooMany
from drishti.dashboards import document_files, document_reading
from drishti.dashboards.stored import StoredDashboards, faults_of
from drishti.dashboards.variables import WrongChoice, chosen_of
from drishti.errors import BucketFull, BusRefused, BusUnavailable
from drishti.measures.definition_checks import Fault, InvalidDefinition

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,18})"?\Z')

_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})


class Refused(Exception):
    """Why a request is not answered: the status, and what the answer says."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        self.status = status
        self.content = {"error": error, **more}
        super().__init__(error)


class Documents:
    """The handlers of these paths."""

    def __init__(self, hub: Hub, stored: StoredDashboards) -> None:
        self._hub = hub
        self._stored = stored

    async def list(self, request: Request) -> Response:
        """``GET dashboards``: what each dashboard shows, as the tenant's registry says it."""
        tenant = tenant_of(request.headers)
        if tenant is None:
            return answer({"error": "X-Drishti-Tenant is malformed"}, 400)
        return answer({"dashboards": [self._described(tenant, board) for board in self._hub.boards(tenant)]})

    async def one(self, request: Request) -> Response:
        """``GET``, ``PUT`` and ``DELETE dashboards/{name}``."""
        try:
            tenant = tenant_of(request.headers)
            if tenant is None:
                raise Refused(400, "X-Drishti-Tenant is malformed")
            name = request.path_params["name"]
            if request.method == "PUT":
                return await self._put(request, tenant, name)
            if request.method == "DELETE":
                return await self._delete(request, tenant, name)
            return await self._get(request, tenant, name)
        except Refused as refused:
            return answer(refused.content, refused.status)
        except InvalidDefinition as error:
            faults = error.faults
            return answer({"error": faults[0].error, "field": faults[0].field, "faults": faults}, 422)
        except (TooMany, BucketFull) as error:
            return answer({"error": str(error)}, 422 if isinstance(error, TooMany) else 507)
        except (BusUnavailable, BusRefused) as error:
            return answer({"error": str(error)}, 503)

    async def check(self, request: Request) -> Response:
        """``POST check-dashboard``: the document as it would be stored, and what is wrong with it. Nothing is stored."""
        try:
            document = document_reading.given(await body_of(request))
            if faults := faults_of(document):
                raise InvalidDefinition(faults)
        except Refused as refused:
            return answer(refused.content, refused.status)
        except InvalidDefinition as error:
            return answer({"faults": error.faults})
        text = await asyncio.to_thread(document_files.text_of, document)
        return answer({"faults": [], "document": document, "yaml": text})

    async def _get(self, request: Request, tenant: str, name: str) -> Response:
        """The document as it is stored, described with what the address chooses for its variables."""
        document = self._hub.document(tenant, name)
        if document is None:
            raise self._unknown(tenant, name)
        revision = self._stored.revision(tenant, name)
        if request.query_params.get("format") == "yaml":
            text = await asyncio.to_thread(document_files.text_of, document)
            headers = {"cache-control": "no-store", "etag": f'"{revision}"'}
            return Response(text, headers=headers, media_type="application/yaml")
        try:
            chosen = chosen_of(document, request.query_params.multi_items())
        except WrongChoice as wrong:
            raise Refused(400, str(wrong)) from None
        board = dashboard_of(document, self._hub.metrics(tenant), chosen)
        return answer({**self._described(tenant, board), "document": document}, etag=revision)

    async def _put(self, request: Request, tenant: str, name: str) -> Response:
        self._check_loaded()
        given = await body_of(request)
        if given.setdefault("name", name) != name:
            raise InvalidDefinition([Fault("name", f"is {name!r} in the path, and something else in the body")])
        document = document_reading.given(given)
        expected = revision_of(request, there=self._stored.revision(tenant, name))
        try:
            revision = await self._stored.put(tenant, document, expected)
        except Conflict as conflict:
            raise conflict_of(conflict, document) from None
        board = dashboard_of(document, self._hub.metrics(tenant))
        content = {**self._described(tenant, board), "document": document}
        return answer(content, 200 if expected else 201, etag=revision)

    async def _delete(self, request: Request, tenant: str, name: str) -> Response:
        self._check_loaded()
        there = self._stored.revision(tenant, name)
        if not there:
            if name in READY:
                raise Refused(422, f"{name} is a dashboard that everybody has and cannot be deleted", field="name")
            raise self._unknown(tenant, name)
        try:
            await self._stored.delete(tenant, name, revision_of(request, there=there))
        except Conflict as conflict:
            raise conflict_of(conflict, None) from None
        return Response(status_code=204)

    def _described(self, tenant: str, board: Dashboard) -> dict[str, Any]:
        own = board.name not in READY
        revision = self._stored.revision(tenant, board.name) if own else 0
        changed = {"changed_at": at} if (at := self._stored.changed_at_ms(tenant, board.name)) else {}
        return describe(board) | {"own": own, "revision": revision} | changed

    def _unknown(self, tenant: str, name: str) -> Refused:
        names = self._hub.names(tenant)
        return Refused(404, f"there is no dashboard {name[:64]!r}", field="name", dashboards=names)

    def _check_loaded(self) -> None:
        if not self._stored.loaded.is_set():
            raise BusUnavailable("the dashboards are not read yet")


def answer(content: object, status: int = 200, *, etag: int | None = None) -> Response:
    """``content`` as JSON that nobody keeps."""
    headers = {"cache-control": "no-store"} | ({} if etag is None else {"etag": f'"{etag}"'})
    if status == 503:
        headers["retry-after"] = "2"
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def conflict_of(conflict: Conflict, yours: object | None) -> Refused:
    more = {"revision": conflict.revision, "yours": yours, "theirs": conflict.current}
    return Refused(409, str(conflict), field="revision", **more)


async def body_of(request: Request, *, most: int = document_reading.MAX_BYTES, what: str = "a dashboard") -> dict[str, Any]:
    """The object in the body, JSON or YAML, of at most ``most`` bytes; ``what`` it should be is said where it is none."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise Refused(413, f"the body is larger than {most} bytes")
    except ClientDisconnect:
        raise Refused(400, "the body ends too early") from None
    if request.headers.get("content-type", "").partition(";")[0].strip() in _YAML:
        try:
            document = await asyncio.to_thread(yaml_files.parse, body.decode())
        except ValueError as error:
            raise Refused(400, f"the body is no YAML: {error}") from None
        return _mapping(document, what)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused(400, f"the body is no JSON: {text}") from None
    return _mapping(document, what)


def _mapping(document: object, what: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise Refused(422, f"the body must be an object: {what}")
    return document


def revision_of(request: Request, *, there: int) -> int:
    """The revision that a change is to replace; 0 where none is named. ``If-Match: *`` is whatever is ``there``."""
    named, field = request.query_params.get("revision"), "revision"
    if "if-match" in request.headers:
        named, field = request.headers["if-match"].strip(), "if-match"
        if named == "*":
            return there
    if named is None:
        return 0
    if match := _ETAG.match(named):
        return int(match[1])
    raise Refused(400, "must be the revision that the change replaces: a number, as GET gives it", field=field)
