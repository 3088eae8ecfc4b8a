"""The body of a request that changes or asks something: JSON of a bounded size."""

from __future__ import annotations

from starlette.requests import Request

from drishti.service.http.bodies import InvalidBody, decode_json, read_body
from gateway.errors import Refused


async def sent_json(request: Request, most_bytes: int) -> object:
    """The JSON that was sent; raises :class:`Refused` (400, 413)."""
    try:
        return decode_json(await read_body(request, most_bytes))
    except InvalidBody as error:
        raise Refused(error.status, str(error)) from None
