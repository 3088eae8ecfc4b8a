"""What reading and changing over HTTP has in common, whatever is stored: bodies, revisions, conflicts and refusals.

A change names the revision that it replaces (``If-Match`` or ``?revision=``; none: there is nothing yet).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dashboard_stream.http.access import tenant_of
from drishti import yaml_files
from drishti.bus.documents import Conflict, TooMany
from drishti.dashboards import document_reading
from drishti.errors import BucketFull, BusRefused, BusUnavailable
from drishti.measures.definition_checks import InvalidDefinition
from drishti.service.http.bodies import InvalidBody, decode_json, read_body

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,18})"?\Z')

_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})

Handler = Callable[[Request, str], Awaitable[Response]]
"""Of a request, and the tenant whose it is."""


class Refused(Exception):
    """Why a request is not answered: the status, and what the answer says."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        self.status = status
        self.content = {"error": error, **more}
        super().__init__(error)


async def answered(request: Request, handler: Handler) -> Response:
    """What ``handler`` answers for the tenant of the request, and every refusal as JSON."""
    tenant = tenant_of(request.headers)
    if tenant is None:
        return answer({"error": "X-Drishti-Tenant is malformed"}, 400)
    try:
        return await handler(request, tenant)
    except Refused as refused:
        return answer(refused.content, refused.status)
    except InvalidDefinition as error:
        faults = error.faults
        return answer({"error": faults[0].error, "field": faults[0].field, "faults": faults}, 422)
    except (TooMany, BucketFull) as error:
        return answer({"error": str(error)}, 422 if isinstance(error, TooMany) else 507)
    except (BusUnavailable, BusRefused) as error:
        return answer({"error": str(error)}, 503)


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
    try:
        body = await read_body(request, most)
        document = await _yaml(body) if _is_yaml(request) else decode_json(body)
    except InvalidBody as error:
        raise Refused(error.status, str(error)) from None
    if not isinstance(document, dict):
        raise Refused(422, f"the body must be an object: {what}")
    return document


def _is_yaml(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() in _YAML


async def _yaml(body: bytearray) -> object:
    try:
        return await asyncio.to_thread(yaml_files.parse, body.decode())
    except ValueError as error:
        raise Refused(400, f"the body is no YAML: {error}") from None


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
