"""Pipelined publishing to JetStream: many messages in flight, each confirmed by its own ack.

One inbox receives all acks; a message is told by the token at the end of its reply subject. One task looks for overdue acks,
so that a publish costs no timer of its own.
"""

from __future__ import annotations

import asyncio
import time

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from drishti.errors import BusUnavailable

IN_FLIGHT = 1024
"""Publishes that may wait for their ack at once; the next ones wait for a place."""

SWEEP_S = 0.25


class _Ack(msgspec.Struct):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: dict[str, object] | None = None


class Publisher:
    """Publishes with acks. ``start`` once connected, ``close`` before the connection is."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._decoder = msgspec.json.Decoder(_Ack)
        self._waiting: dict[str, tuple[asyncio.Future[int], float]] = {}
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._tokens = 0
        self._prefix = ""
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._prefix = self._nc.new_inbox() + "."
        await self._nc.subscribe(self._prefix + "*", cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1)
        self._sweeper = asyncio.create_task(self._sweep(), name="publish-sweeper")

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None, timeout_s: float) -> int:
        """The sequence that the stream gave the message; raises :class:`BusUnavailable` when it was not confirmed."""
        async with self._places:
            self._tokens += 1
            token = str(self._tokens)
            future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._waiting[token] = (future, time.monotonic() + timeout_s)
            try:
                await self._nc.publish(subject, payload, reply=self._prefix + token, headers=headers)
                return await future
            except nats.errors.Error as error:
                raise BusUnavailable(f"{subject}: {error or type(error).__name__}") from error
            finally:
                self._waiting.pop(token, None)

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._fail(list(self._waiting), "the connection was closed")

    async def _receive(self, msg: Msg) -> None:
        entry = self._waiting.get(msg.subject[len(self._prefix) :])
        if entry is None or entry[0].done():
            return
        future = entry[0]
        if msg.headers and msg.headers.get("Status") == "503":
            future.set_exception(BusUnavailable("no stream listens on this subject: declare the bus first"))
            return
        ack = self._decoder.decode(msg.data)
        if ack.error is not None:
            future.set_exception(BusUnavailable(str(ack.error.get("description", ack.error))))
        else:
            future.set_result(ack.seq)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            self._fail([t for t, (_, deadline) in self._waiting.items() if deadline < now], "no ack from the bus in time")

    def _fail(self, tokens: list[str], reason: str) -> None:
        for token in tokens:
            future, _ = self._waiting[token]
            if not future.done():
                future.set_exception(BusUnavailable(reason))
