"""Answers as the ASGI server takes them: made once where they are always the same, without objects in between."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec

from gateway.asgi import Send
from gateway.errors import Refused

JSON = b"application/json"
_encoder = msgspec.json.Encoder()


class Answer(NamedTuple):
    """A complete answer; ``headers`` go beside the content's type and length."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json(status: int, content: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, _encoder.encode(content), JSON, headers)


def refusal_headers(refused: Refused) -> tuple[tuple[bytes, bytes], ...]:
    """What goes with a refusal: ``Retry-After`` in whole seconds, the scheme of 401, the codings that 415 would take."""
    headers = []
    if refused.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(refused.retry_after_s))).encode()))
    if refused.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="drishti"'))
    if refused.status == 415:
        headers.append((b"accept-encoding", b"gzip, deflate, identity"))
    return tuple(headers)


def refusal_content(refused: Refused) -> dict[str, object]:
    """``{"error": …}``, with ``field`` where one is to blame."""
    return {"error": refused.message, **({"field": refused.field} if refused.field else {}), **refused.details}


def refusal(refused: Refused) -> Answer:
    """:func:`refusal_content` as an answer."""
    return json(refused.status, refusal_content(refused), refusal_headers(refused))


def start_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """All headers of ``answer``. Nothing that the gateway itself answers may be kept or taken for another type."""
    return [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]


async def send_answer(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": start_headers(answer)})
    await send({"type": "http.response.body", "body": answer.body})
