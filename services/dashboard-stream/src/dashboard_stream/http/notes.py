"""``/api/dashboard/notes``: what people wrote at an instant or a range of time, and ``/api/dashboard/insight-history``.

Who may change is settled at the gateway. A change of a note names the revision that it replaces (``?revision=`` or
``If-Match``), as a change of a dashboard does.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dashboard_stream.http.changes import Refused, answer, answered, body_of, conflict_of, revision_of
from dashboard_stream.past import notes
from dashboard_stream.past.insight_history import InsightReader, TooManyRequests
from dashboard_stream.past.notes import SHOWN, Note
from dashboard_stream.past.stored_notes import StoredNotes, is_id
from drishti.bus.documents import Conflict
from drishti.errors import BusUnavailable

_LATEST_MS = 253_402_300_799_000
_LONGEST_MS = 31 * 86_400_000
"""The bus keeps what models say for 30 days."""


class PastRoutes:
    """The handlers of these paths."""

    def __init__(self, stored: StoredNotes, insights: InsightReader) -> None:
        self._stored = stored
        self._insights = insights

    async def notes(self, request: Request) -> Response:
        """``GET notes?from=&to=``: the notes that touch the range; ``POST notes`` stores a new one."""
        return await answered(request, self._add if request.method == "POST" else self._list)

    async def note(self, request: Request) -> Response:
        """``PUT`` and ``DELETE notes/{id}``."""
        return await answered(request, self._delete if request.method == "DELETE" else self._put)

    async def insight_history(self, request: Request) -> Response:
        """``GET insight-history?from=&to=``: what models said within the range, in the versions in which they said it."""
        return await answered(request, self._history)

    async def _list(self, request: Request, tenant: str) -> Response:
        begin, end = _range(request)
        self._check_loaded()
        found = self._stored.within(tenant, begin, end)
        listed = [_described(key, note, revision) for key, note, revision in found[:SHOWN]]
        return answer({"notes": listed, "left_off": max(0, len(found) - SHOWN)})

    async def _add(self, request: Request, tenant: str) -> Response:
        self._check_loaded()
        note = notes.given(await body_of(request, most=notes.MAX_BYTES, what="a note"))
        key, revision = await self._stored.add(tenant, note)
        return answer(_described(key, note, revision), 201, etag=revision)

    async def _put(self, request: Request, tenant: str) -> Response:
        key, there = self._there(request, tenant)
        note = notes.given(await body_of(request, most=notes.MAX_BYTES, what="a note"))
        try:
            revision = await self._stored.put(tenant, key, note, revision_of(request, there=there))
        except Conflict as conflict:
            raise conflict_of(conflict, note) from None
        return answer(_described(key, note, revision), etag=revision)

    async def _delete(self, request: Request, tenant: str) -> Response:
        key, there = self._there(request, tenant)
        try:
            await self._stored.delete(tenant, key, revision_of(request, there=there))
        except Conflict as conflict:
            raise conflict_of(conflict, None) from None
        return Response(status_code=204)

    async def _history(self, request: Request, tenant: str) -> Response:
        begin, end = _range(request)
        if end - begin > _LONGEST_MS:
            begin = end - _LONGEST_MS
        try:
            history = await self._insights.read(tenant, begin, end)
        except TooManyRequests as error:
            raise Refused(503, str(error)) from None
        return answer({"insights": history.insights, "problem": history.problem})

    def _there(self, request: Request, tenant: str) -> tuple[str, int]:
        """The id of a note that is there, and its revision."""
        self._check_loaded()
        key = request.path_params["id"]
        revision = self._stored.revision(tenant, key) if is_id(key) else 0
        if not revision:
            raise Refused(404, f"there is no note {key[:32]!r}", field="id")
        return key, revision

    def _check_loaded(self) -> None:
        if not self._stored.loaded.is_set():
            raise BusUnavailable("the notes are not read yet")


def _described(key: str, note: Note, revision: int) -> dict[str, Any]:
    return {"id": key, "revision": revision, **msgspec.to_builtins(note)}


def _range(request: Request) -> tuple[int, int]:
    """``from`` and ``to`` in epoch milliseconds."""
    begin, end = (_instant(request, name) for name in ("from", "to"))
    if begin > end:
        raise Refused(422, "must not be later than `to`", field="from")
    return begin, end


def _instant(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15) or int(text) > _LATEST_MS:
        raise Refused(422, "must be an instant in epoch milliseconds", field=name)
    return int(text)
