"""A pull consumer of JetStream that behaves like a push one.

How this works
--------------
One inbox subscription receives the messages of many overlapping ``MSG.NEXT`` requests, so that a new request is on its way
before the last one is used up; a message costs a callback instead of a timed wait (five times less than ``fetch``).

Each request asks for at most ``batch`` messages, lives ``EXPIRES_S`` and carries heartbeats. A request ends when it has
delivered everything it asked for, or with a status message (408 expired, 409 refused, 503 nobody there). When neither a
message nor a heartbeat came for ``SILENCE_S``, whatever was on its way is considered lost and :meth:`PullSource.take` raises
:class:`SourceLost`; the owner starts a new source. What was delivered and not acked is redelivered: consumers dedupe.

Bounds: at most ``2 × batch`` messages are requested or waiting at any time, and of large messages no more than some
:data:`MAX_BYTES` for each request and as much again waiting: a request also ends (409) when the next message would exceed that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from drishti.errors import DrishtiError
from drishti.messages import subjects

EXPIRES_S = 30.0
HEARTBEAT_S = 2.0
SILENCE_S = 6.0
"""Three heartbeats: one may be late on a busy machine."""

DRAIN_S = 2.0

MAX_BYTES = 8 << 20
"""Of the messages of one request. Several times what one message may have, or large ones would never come."""

_ENDED = ("exceeds maxbytes", "batch completed")
"""How the server says (409) that a request with a limit of bytes is over in the usual way."""

_NS = 1_000_000_000


class SourceLost(DrishtiError):
    """The consumer, the server or the connection went away; what was requested will not come."""


class PullSource:
    """The messages of one pull consumer in order of arrival. One task takes; ``close`` ends it."""

    def __init__(self, nc: Client, stream: str, consumer: str, batch: int) -> None:
        self._nc = nc
        self._next = subjects.consumer_next(stream, consumer)
        self._name = f"{stream}/{consumer}"
        self._batch = batch
        self._waiting: list[Msg] = []
        self._waiting_bytes = 0
        self._outstanding: dict[str, int] = {}
        self._requests = 0
        self._arrived = asyncio.Event()
        self._heard = time.monotonic()
        self._lost: str | None = None
        self._inbox = ""
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        self._inbox = self._nc.new_inbox()
        self._subscription = await self._nc.subscribe(
            f"{self._inbox}.*", cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self._request()

    async def take(self, limit: int) -> list[Msg]:
        """1 to ``limit`` messages, as soon as there is one. Raises :class:`SourceLost`."""
        while not self._waiting:
            if self._lost is not None:
                raise SourceLost(f"{self._name}: {self._lost}")
            self._arrived.clear()
            remaining = self._heard + SILENCE_S - time.monotonic()
            if remaining <= 0:
                raise SourceLost(f"{self._name}: nothing heard for {SILENCE_S:.0f} s")
            try:
                async with asyncio.timeout(remaining):
                    await self._arrived.wait()
            except TimeoutError:
                continue
        taken, self._waiting = self._waiting[:limit], self._waiting[limit:]
        self._waiting_bytes -= sum(len(msg.data) for msg in taken)
        self._heard = time.monotonic()  # while the owner worked, nobody listened
        try:
            await self._refill()
        except asyncio.CancelledError:
            self._waiting = taken + self._waiting  # nobody takes them: they are given back with the rest
            self._waiting_bytes += sum(len(msg.data) for msg in taken)
            raise
        return taken

    @property
    def idle(self) -> bool:
        """Whether everything that was delivered has been taken."""
        return not self._waiting

    def lose(self, reason: str) -> None:
        """Ends the wait in :meth:`take`: after a reconnect the requests of before are void."""
        self._lost = reason
        self._arrived.set()

    async def close(self) -> list[Msg]:
        """Asks for nothing more; returns what was delivered and not taken, also what was on its way."""
        self.lose("closed")
        if self._subscription is not None and not self._nc.is_closed:
            if self._nc.is_connected:
                with contextlib.suppress(TimeoutError, nats.errors.Error):
                    async with asyncio.timeout(DRAIN_S):
                        await self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py forgot the "-> None"
            else:
                with contextlib.suppress(nats.errors.Error):
                    await self._subscription.unsubscribe()
        rest, self._waiting = self._waiting, []
        return rest

    async def _receive(self, msg: Msg) -> None:
        self._heard = time.monotonic()
        request = msg.subject[len(self._inbox) + 1 :] if msg.subject.startswith(self._inbox) else None
        status = msg.headers.get("Status") if msg.headers else None
        if status is None or msg.reply:
            self._waiting.append(msg)
            self._waiting_bytes += len(msg.data)
            self._arrived.set()
            # A delivered message carries the stream's subject; which request it used up does not matter: the oldest is.
            self._use_up_oldest()
            await self._refill()
            return
        if status == "100":
            return
        if request is not None:
            self._outstanding.pop(request, None)
        description = (msg.headers or {}).get("Description", "")
        if status == "408" or (status == "409" and description.lower().endswith(_ENDED)):
            await self._refill()
            return
        self.lose(f"{status} {description}".strip())

    def _use_up_oldest(self) -> None:
        for request, left in self._outstanding.items():
            if left > 1:
                self._outstanding[request] = left - 1
            else:
                del self._outstanding[request]
            return

    async def _refill(self) -> None:
        requested = sum(self._outstanding.values())
        room = len(self._waiting) + requested <= self._batch and self._waiting_bytes < MAX_BYTES
        if requested <= self._batch // 2 and room and self._lost is None:
            await self._request()

    async def _request(self) -> None:
        self._requests += 1
        request = str(self._requests)
        self._outstanding[request] = self._batch
        body = {
            "batch": self._batch,
            "max_bytes": MAX_BYTES,
            "expires": int(EXPIRES_S * _NS),
            "idle_heartbeat": int(HEARTBEAT_S * _NS),
        }
        await self._nc.publish(self._next, msgspec.json.encode(body), reply=f"{self._inbox}.{request}")
