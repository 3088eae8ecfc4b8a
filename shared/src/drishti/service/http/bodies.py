"""The body of a request, within a bound, and the JSON in it."""

from __future__ import annotations

import msgspec
from starlette.requests import ClientDisconnect, Request

from drishti.errors import DrishtiError

_decoder = msgspec.json.Decoder()


class InvalidBody(DrishtiError):
    """A body that cannot be read; ``status`` is that of the response."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


async def read_body(request: Request, max_bytes: int) -> bytearray:
    """The whole body; raises :class:`InvalidBody` (400, 413)."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise InvalidBody(413, f"the body is larger than {max_bytes} bytes")
    except ClientDisconnect:
        raise InvalidBody(400, "the body ends too early") from None
    return body


def decode_json(body: bytes | bytearray) -> object:
    """The JSON in ``body``; raises :class:`InvalidBody` (400)."""
    try:
        document: object = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidBody(400, f"the body is no JSON: {text}") from None
    return document
