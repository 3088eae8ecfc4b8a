"""What the server answers by itself, instead of the application, to what is no request or too much of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from drishti.service.http.limits import Closed

PIPELINED = 64
"""Requests that may wait behind the one that is being served."""


class LastAnswer(NamedTuple):
    """An answer of the server itself; the connection ends with it. ``reason``: by which it is counted."""

    status: int
    message: str
    reason: Closed


MALFORMED = LastAnswer(400, "this cannot be understood as an HTTP/1.1 request", Closed.MALFORMED)
CONNECT = LastAnswer(405, "CONNECT is not possible here", Closed.MALFORMED)
CHUNK_SIZES = LastAnswer(400, "the chunks' sizes, extensions and trailers are far longer than the data", Closed.CHUNK_OVERHEAD)
HEADER_LATE = LastAnswer(408, "the headers did not come in time", Closed.HEADER_TIME)
BODY_LATE = LastAnswer(408, "the body did not come in time", Closed.BODY_TIME)
PIPELINE = LastAnswer(429, f"more than {PIPELINED} requests at once on one connection", Closed.PIPELINE)
TOO_MANY = LastAnswer(503, "too many connections, try again later", Closed.TOO_MANY)
TOO_MANY_WEBSOCKETS = LastAnswer(503, "too many WebSockets, try again later", Closed.TOO_MANY)


def malformed(error: Exception) -> LastAnswer:
    """:data:`MALFORMED` with the parser's reason, one of its fixed texts; where a callback failed it has none."""
    if isinstance(error, httptools.HttpParserCallbackError):
        return MALFORMED
    return MALFORMED._replace(message=f"{MALFORMED.message}: {error}")


def encoded(refusal: LastAnswer, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """``refusal`` as it is sent, with the server's own ``headers``."""
    body = msgspec.json.encode({"error": refusal.message})
    answer = [STATUS_LINE[refusal.status]]
    for name, value in headers:
        answer += [name, b": ", value, b"\r\n"]
    answer += [
        b"content-type: application/json\r\nx-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: ",
        str(len(body)).encode(),
        b"\r\n\r\n",
        body,
    ]
    return b"".join(answer)
