"""``/api/dashboard/dashboards/{name}``: one dashboard as a document, to read and to change.

Who may change is settled at the gateway. A change names the revision that it replaces (``If-Match`` or ``?revision=``; none:
there is no such dashboard yet); where another is there, the answer is 409 with what is there now. What is wrong with a document
is said by field. Documents are JSON, or YAML where the request's ``Content-Type`` says so (``?format=yaml``: the answer).
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dashboard_stream.boards.dashboards import Dashboard, dashboard_of, describe
from dashboard_stream.boards.ready import READY
from dashboard_stream.http.access import tenant_of
from dashboard_stream.http.changes import Refused, answer, answered, body_of, conflict_of, revision_of
from dashboard_stream.live.hub import Hub
from drishti.bus.documents import Conflict
from drishti.dashboards import document_files, document_reading
from drishti.dashboards.stored import StoredDashboards, faults_of
from drishti.dashboards.variables import WrongChoice, chosen_of
from drishti.errors import BusUnavailable
from drishti.measures.definition_checks import Fault, InvalidDefinition


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
        handlers = {"PUT": self._put, "DELETE": self._delete}
        return await answered(request, handlers.get(request.method, self._get))

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

    async def _get(self, request: Request, tenant: str) -> Response:
        """The document as it is stored, described with what the address chooses for its variables."""
        name = request.path_params["name"]
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

    async def _put(self, request: Request, tenant: str) -> Response:
        name = request.path_params["name"]
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

    async def _delete(self, request: Request, tenant: str) -> Response:
        name = request.path_params["name"]
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
