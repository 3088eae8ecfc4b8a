"""Reading a request's body without ever holding more than was promised: sizes are checked as the bytes come."""

from __future__ import annotations

from typing import NamedTuple

from isal import isal_zlib

from gateway.asgi import Headers, Receive
from gateway.errors import ClientGone, Refused
from gateway.ingest.fair import Reader
from gateway.ingest.limits import Budget

INFLATE_INLINE_BYTES = 16 * 1024
"""A larger compressed body is inflated in a thread: it may become a thousand times as much."""

_CODINGS = {b"gzip": 31, b"deflate": 15}
"""Content codings and zlib's words for them, which :mod:`isal` takes; it inflates in little more than half the time. HTTP's
``deflate`` is the zlib format, header and checksum included."""

_Broken: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # declared as an object of it


class Sizes(NamedTuple):
    """How large a body may be as it comes, and after inflating."""

    sent: int
    inflated: int


class Held:
    """The bytes that one request has taken from the budget."""

    __slots__ = ("_budget", "count")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.count = 0

    def at_least(self, count: int) -> None:
        """Takes what is missing to ``count``; raises :class:`Refused` where there is no room."""
        if count > self.count:
            self._budget.take(count - self.count)
            self.count = count


async def read_body(headers: Headers, receive: Receive, sizes: Sizes, held: Held, inflater: Reader, tenant: str) -> bytes:
    """The whole body, inflated where it came as gzip or deflate; large ones one after the other, by ``inflater``: how large
    they become is known, and held, only when they are.

    How long it may take is the HTTP server's to limit (``DRISHTI_HTTP_BODY_S``): a late one ends as :class:`ClientGone` here.
    Raises :class:`Refused` (400, 413, 415, 429) or :class:`ClientGone`.
    """
    coding = headers.get(b"content-encoding", b"").strip().lower()
    if coding not in (b"", b"identity") and coding not in _CODINGS:
        raise Refused(415, "the content encoding must be gzip, deflate or identity")
    held.at_least(_declared(headers, sizes))
    body = await _collect(receive, sizes, held)
    return await inflated(body, coding, sizes, held, inflater, tenant) if coding in _CODINGS else body


async def inflated(body: bytes, coding: bytes, sizes: Sizes, held: Held, inflater: Reader, tenant: str) -> bytes:
    """``body`` without ``coding``, which is ``gzip`` or ``deflate``; raises :class:`Refused` (400, 413, 429)."""
    if len(body) <= INFLATE_INLINE_BYTES:
        whole = inflate(body, sizes.inflated, coding)
    else:
        whole = await inflater.read(tenant, lambda: inflate(body, sizes.inflated, coding))
    held.at_least(len(whole))
    return whole


def inflate(body: bytes, limit: int, coding: bytes = b"gzip") -> bytes:
    """``body`` without its coding; stops inflating one byte above ``limit`` and raises :class:`Refused` with 413."""
    name = coding.decode()
    inflater = isal_zlib.decompressobj(_CODINGS[coding])
    try:
        inflated = inflater.decompress(body, limit + 1)
    except _Broken as error:
        raise Refused(400, f"the body is not {name}: {error}") from None
    if len(inflated) > limit:
        del inflated  # else it lives as long as the error, by its traceback
        raise Refused(413, f"the inflated body is larger than {limit} bytes")
    if not inflater.eof:
        raise Refused(400, f"the {name} body ends too early")
    if inflater.unused_data:
        raise Refused(400, f"the {name} body goes on after its end; send it in one piece")
    return inflated


async def _collect(receive: Receive, sizes: Sizes, held: Held) -> bytes:
    """The body, which mostly comes in one piece."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone("the client left while it sent")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > sizes.sent:
            raise _too_large(sizes.sent)
        held.at_least(size)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _declared(headers: Headers, sizes: Sizes) -> int:
    text = headers.get(b"content-length")
    if text is None:
        return 0
    if not text.isdigit():
        raise Refused(400, "the content length is not a number")
    if len(text) > 15 or int(text) > sizes.sent:
        raise _too_large(sizes.sent)
    return int(text)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body is larger than {limit} bytes")
