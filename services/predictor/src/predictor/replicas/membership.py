"""This replica's heartbeat, its lease, and its share of the partitions.

How this works
--------------
Each replica writes its key of the bucket ``predictors`` every :data:`~predictor.replicas.assignment.HEARTBEAT_S` and follows
the bucket as a stream. Expiry of keys is not relied on: not every version of NATS notifies the watchers of a bucket, and
what a replica needs is the time of the records, which the stream has. The bucket's own limit of age only sweeps out old names.

A replica trusts what it knows of the others only while it holds its **lease**: its own heartbeat came back to it, and less than
:data:`~predictor.replicas.assignment.GONE_S` passed since it was *sent*. The record's time is later than that, so the lease
ends here before anybody may take over there. A process that was stopped, or cut off, finds its lease expired before it touches
the next message, and :attr:`Membership.share` is ``None`` until a new heartbeat came back; everything recorded in between came
back before it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message
from drishti.errors import BusUnavailable
from drishti.messages import subjects
from drishti.messages.catalogue import PREDICTORS_BUCKET, bucket_stream
from drishti.waiting import pause
from predictor.replicas.assignment import GONE_S, HEARTBEAT_S, Roll, owned

log = logging.getLogger(__name__)

_SUBJECT = subjects.bucket_entry(PREDICTORS_BUCKET, "")
_FROM_THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_DELETED = {"KV-Operation": "DEL"}


class Heartbeat(msgspec.Struct):
    """The value of a replica's key: ``number`` counts its heartbeats; the others are for people who look."""

    number: int
    started_at: int
    pid: int


class Share(NamedTuple):
    """What one replica owns. ``lease`` counts how often a lease was begun: between two of them others may have owned it."""

    partitions: frozenset[int]
    lease: int


def new_name() -> str:
    """A name for one life of one replica: a restarted one is another, so that nothing of the old is taken for its own."""
    host = "".join(c if c.isascii() and c.isalnum() else "-" for c in socket.gethostname().split(".")[0])
    return f"{host}-{secrets.token_hex(4)}"


def elapsed() -> float:
    """Monotonic seconds. Where the system has it, the clock that goes on while the machine sleeps: a lease must not sleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Membership:
    """``run`` beside what needs the share; ``leave`` when it is handed over. ``clock`` is monotonic, in seconds."""

    def __init__(self, bus: Bus, *, name: str | None = None, clock: Callable[[], float] = elapsed) -> None:
        self.name = name or new_name()
        self._bus = bus
        self._clock = clock
        self._roll = Roll()
        self._sent: dict[int, float] = {}
        self._lease = float("-inf")
        self._living: frozenset[str] = frozenset()
        self._share = Share(frozenset(), 0)
        self._moved = asyncio.Event()
        self._left = asyncio.Event()

    @property
    def holds(self) -> bool:
        """Whether the lease is valid at this moment."""
        return self._clock() < self._lease

    @property
    def share(self) -> Share | None:
        """The share of this replica at this moment; ``None`` without a lease."""
        return self._share if self.holds else None

    async def run(self) -> None:
        """Sends heartbeats and listens to those of all, until :meth:`leave` or cancellation."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="heartbeat")
            await self._bus.replay(
                bucket_stream(PREDICTORS_BUCKET),
                subjects=[subjects.bucket_entry(PREDICTORS_BUCKET, ">")],
                start=_FROM_THE_BEGINNING,
                handler=self._hear,
                stop=self._left,
            )

    async def wait_share(self, *, other_than: Share | None) -> Share | None:
        """The share, as soon as it is (or is seen to be) another than that."""
        while (share := self.share) == other_than:
            self._moved.clear()
            await pause(self._moved, HEARTBEAT_S)
        return share

    async def leave(self) -> None:
        """Ends :meth:`run` and tells the others, who take over at once. Raises :class:`BusUnavailable`: they will notice."""
        self._left.set()
        self._lease = float("-inf")
        await self._bus.publish(_SUBJECT + self.name, b"", headers=_DELETED, timeout_s=2.0)

    async def _beat(self) -> None:
        number, complained, started_at = 0, False, int(time.time())
        while not self._left.is_set():
            number += 1
            self._sent[number] = began = self._clock()
            try:
                payload = msgspec.json.encode(Heartbeat(number, started_at, os.getpid()))
                await self._bus.publish(_SUBJECT + self.name, payload, timeout_s=2 * HEARTBEAT_S)
                complained = False
            except BusUnavailable as error:
                if not complained:
                    log.warning("heartbeat is not confirmed", extra={"reason": str(error)})
                complained = True
            await pause(self._left, HEARTBEAT_S - (self._clock() - began))

    async def _hear(self, msg: Message) -> None:
        name, at = msg.subject.removeprefix(_SUBJECT), msg.metadata.timestamp.timestamp()
        if not msg.data:
            self._roll.left(name, at)
        else:
            self._roll.heard(name, at)
        living = self._roll.living()
        if living != self._living:
            self._living = living
            self._share = Share(owned(self.name, living), self._share.lease)
            if self.name in living:
                log.info("replicas", extra={"living": sorted(living), "owned": len(self._share.partitions)})
        if name == self.name and msg.data:
            self._renew(msgspec.json.decode(msg.data, type=Heartbeat).number)
        self._moved.set()

    def _renew(self, number: int) -> None:
        sent = self._sent.get(number, float("-inf"))
        if sent + GONE_S > self._clock():
            if not self.holds:
                self._share = Share(self._share.partitions, self._share.lease + 1)
            self._lease = max(self._lease, sent + GONE_S)
        self._sent = {n: at for n, at in self._sent.items() if n > number}
