"""Pipelined publishing to JetStream: many messages in flight, each confirmed by its own ack.

One inbox receives all acks; the token at the end of the reply subject says which message an ack is for. One task looks for
overdue acks, so that a publish costs no timer of its own.

Two failures are kept apart: :class:`BusUnavailable` is an outage (try again later), :class:`BusRefused` is permanent and about
this one message (skip it, the others go on).
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import NamedTuple

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage

IN_FLIGHT = 1024
"""Publishes that may wait for their ack at once; the next ones wait for a place."""

SWEEP_S = 0.25

REFUSED_TIMES, REFUSED_S = 3, 10.0
"""So many publishes that failed one after the other, the last one no longer ago, count as the state of the bus."""

REFUSED = (nats.errors.BadSubjectError, nats.errors.BadHeaderError)
"""What the client itself raises for a message that no server would take."""

MESSAGE_TOO_LARGE = 10054
"""JetStream's number for a message beyond its stream's own limit."""

_FORBIDDEN = re.compile(r'permissions violation for publish to "([^"]*)"', re.IGNORECASE)


_UTF8_MOST = 4
"""Bytes of one character."""


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Error | None = None


class _Waiting(NamedTuple):
    """A publish whose ack is expected by ``deadline``."""

    subject: str
    future: asyncio.Future[_Ack]
    deadline: float


class AckedPublisher:
    """Publishes with acks. ``start`` once connected, ``close`` before the connection is."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._decoder = msgspec.json.Decoder(_Ack)
        self._waiting: dict[str, _Waiting] = {}
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._tokens = 0
        self._prefix = ""
        self._sweeper: asyncio.Task[None] | None = None
        self._failures = 0
        self._failed_at, self._failure = 0.0, ""

    def refusing(self) -> str:
        """Why the last publishes failed; empty where they did not, or that was long ago."""
        if self._failures < REFUSED_TIMES or time.monotonic() - self._failed_at > REFUSED_S:
            return ""
        return f"the bus does not store what is sent to it ({self._failure})"

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._prefix = self._nc.new_inbox() + "."
        await self._nc.subscribe(self._prefix + "*", cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1)
        self._sweeper = asyncio.create_task(self._sweep(), name="publish-sweeper")

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None, timeout_s: float) -> int:
        """The sequence that the stream gave the message.

        Raises :class:`BusUnavailable` when it was not confirmed, :class:`BusRefused` when it never will be, and
        :class:`DuplicateMessage` when it was not stored because the stream has a message with this id.
        """
        if size := size_beyond(self._nc.max_payload, payload, headers):
            # The client looks at the payload alone, and a server that receives too much closes the connection of all.
            reason = f"{subject}: {size} bytes with headers are more than the {self._nc.max_payload} that NATS takes"
            raise BusRefused(reason, too_large=True)
        async with self._places:
            self._tokens += 1
            token = str(self._tokens)
            future: asyncio.Future[_Ack] = self._loop.create_future()
            self._waiting[token] = _Waiting(subject, future, time.monotonic() + timeout_s)
            try:
                await self._nc.publish(subject, payload, reply=self._prefix + token, headers=headers)
                ack = await future
                self._failures = 0
            except BusUnavailable as error:
                self._failures += 1
                self._failed_at, self._failure = time.monotonic(), str(error)
                raise
            except REFUSED as error:
                raise BusRefused(f"{subject}: {error or type(error).__name__}") from error
            except nats.errors.Error as error:
                raise BusUnavailable(f"{subject}: {error or type(error).__name__}") from error
            finally:
                self._waiting.pop(token, None)
        if ack.duplicate:
            raise DuplicateMessage(subject, ack.seq)
        return ack.seq

    def note_error(self, error: Exception) -> None:
        """An error that the server sent about no message in particular: where it forbids a subject, publishes on it fail."""
        match = _FORBIDDEN.search(str(error))
        if match is None:
            return
        for subject, future, _ in self._waiting.values():
            if subject.lower() == match[1].lower() and not future.done():
                future.set_exception(BusRefused(f"{subject}: this user may not publish there"))

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._fail(list(self._waiting), "the connection was closed")

    async def _receive(self, msg: Msg) -> None:
        entry = self._waiting.get(msg.subject[len(self._prefix) :])
        if entry is None or entry.future.done():
            return
        future = entry.future
        if msg.headers and msg.headers.get("Status") == "503":
            future.set_exception(BusUnavailable("no stream listens on this subject: declare the bus first"))
            return
        ack = self._decoder.decode(msg.data)
        if ack.error is not None:
            reason = f"{entry.subject}: {ack.error.description or ack.error}"
            # 4xx is about the message, 5xx about the server: no room, no leader, a store that fails.
            permanent = 400 <= ack.error.code < 500
            too_large = ack.error.err_code == MESSAGE_TOO_LARGE
            future.set_exception(BusRefused(reason, too_large=too_large) if permanent else BusUnavailable(reason))
        else:
            future.set_result(ack)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            self._fail(
                [token for token, waiting in self._waiting.items() if waiting.deadline < now], "no ack from the bus in time"
            )

    def _fail(self, tokens: list[str], reason: str) -> None:
        for token in tokens:
            subject, future, _ = self._waiting[token]
            if not future.done():
                future.set_exception(BusUnavailable(f"{subject}: {reason}"))


def size_beyond(limit: int, payload: bytes, headers: dict[str, str] | None) -> int:
    """The bytes of a message with its headers, as the server counts them, where they are more than ``limit``; else 0."""
    if not headers:
        return len(payload) if len(payload) > limit else 0
    frame = len(payload) + len("NATS/1.0\r\n\r\n") + len(": \r\n") * len(headers)
    characters = sum(map(len, headers)) + sum(map(len, headers.values()))
    if frame + _UTF8_MOST * characters <= limit:  # nearly always, and cheaper than to encode them
        return 0
    size = frame + sum(len(text.encode()) for header in headers.items() for text in header)
    return size if size > limit else 0
