"""HTTP/1.1 over kept connections, with no more work for an answer than to find its end: the load must not be the bottleneck."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import cast

Done = Callable[[int, bytes], None]
"""Called with an answer's status and body."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class BadAnswer(Exception):
    """The server sent what this client does not understand, or hung up."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time. ``failed`` gets the reason why it ended before its time."""

    def __init__(self, failed: asyncio.Future[None]) -> None:
        self._failed = failed
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, done: Done) -> None:
        """Sends a whole request; ``done`` is called with the answer, and may send the next."""
        assert self._transport is not None
        self._done = done
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(data, 0, end)
        if length is None or self._done is None:
            self._fail(f"cannot read this answer: {data[:200]!r}")
            return
        whole = end + 4 + int(length[1])
        if len(data) < whole:
            return
        done, self._done, self._buffer = self._done, None, data[whole:]
        done(int(data[9:12]), data[end + 4 : whole])

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done is not None:
            self._fail(f"the server hung up: {exc or 'no reason given'}")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(BadAnswer(reason))


async def connect(port: int, count: int, failed: asyncio.Future[None]) -> list[Connection]:
    """``count`` open connections to ``port`` of this machine."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Connection(failed), "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in opened]


def post(path: str, body: bytes, headers: Mapping[str, str], media_type: str = "application/json") -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "host: localhost", f"content-type: {media_type}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
