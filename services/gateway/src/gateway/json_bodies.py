"""The body of a request that changes or asks something: JSON of a bounded size."""

from __future__ import annotations

import msgspec
from starlette.requests import ClientDisconnect, Request

from gateway.errors import Refused

_decoder = msgspec.json.Decoder()


async def sent_json(request: Request, most_bytes: int) -> object:
    """The JSON that was sent; raises :class:`Refused` (400, 413)."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise Refused(413, f"the body is larger than {most_bytes} bytes")
    except ClientDisconnect:
        raise Refused(400, "the body ends too early") from None
    try:
        document: object = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused(400, f"the body is no JSON: {text}") from None
    return document
