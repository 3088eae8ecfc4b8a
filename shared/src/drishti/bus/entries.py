"""Entries of a key-value bucket that change by revision: of two who replace the same one, one wins.

An entry's revision is its place in the bucket's stream. Whoever changes it names the revision that is replaced; the server
compares. A removed entry leaves a mark that the server forgets after a time, so that names which come and go do not fill it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from nats.js.errors import APIError, NotFoundError

from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message
from drishti.bus.faults import own_errors
from drishti.errors import BucketFull, BusUnavailable, RevisionConflict
from drishti.messages import catalogue, subjects

_OPERATION = "KV-Operation"
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"

_OTHER_REVISION = (10071, 10164)
"""JetStream's codes where the last message of a subject is another one than expected."""

_STORE_FAILED = 10077
"""JetStream's code where a message does not fit into its stream."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """One key: ``value`` is ``None`` where it was removed at ``at`` (seconds since 1970)."""

    key: str
    revision: int
    value: bytes | None
    at: float


class Entries:
    """The bucket ``name``. Every failure of the bus itself is :class:`BusUnavailable`."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus = bus
        self._name = name
        self._stream = catalogue.bucket_stream(name)
        self._prefix = subjects.bucket_entry(name, "")

    async def follow(
        self,
        take: Callable[[Entry], None],
        stop: asyncio.Event,
        *,
        have_read: Callable[[], None],
        read_anew: Callable[[], None],
    ) -> None:
        """Hands over every entry, then every change, until ``stop``; lost connections and a missing bucket are waited out.

        ``have_read`` is called when all there was is handed over. ``read_anew`` is called where the bucket was made again:
        its entries follow from the first one on, and then ``have_read`` is called again.
        """

        async def hand_over(msg: Message) -> None:
            removed = msg.headers is not None and msg.headers.get(_OPERATION) is not None
            meta = msg.metadata
            key = msg.subject.removeprefix(self._prefix)
            take(Entry(key, meta.sequence.stream, None if removed else msg.data, meta.timestamp.timestamp()))

        await self._bus.replay(
            self._stream,
            subjects=[subjects.bucket_entry(self._name, ">")],
            start=_EPOCH,
            handler=hand_over,
            stop=stop,
            ready=_Whenever(have_read),
            restarted=read_anew,
        )

    async def read(self, key: str) -> Entry | None:
        """What the bus has of ``key`` at this moment, a mark of removal too; ``None``: nothing."""
        with own_errors(f"bucket {self._name}"):
            try:
                msg = await self._bus.js.get_msg(self._stream, subject=self._prefix + key, direct=True)
            except NotFoundError:
                return None
        removed = (msg.headers or {}).get(_OPERATION) is not None
        return Entry(key, msg.seq or 0, None if removed else msg.data or b"", msg.time.timestamp() if msg.time else 0.0)

    async def write(self, key: str, value: bytes, *, replaces: int) -> int:
        """Stores ``value`` in place of revision ``replaces`` (0: there is nothing, and never was); returns the new revision.

        Raises :class:`RevisionConflict`, :class:`BucketFull` or :class:`BusUnavailable`; of the last, nothing may be assumed.
        """
        return await self._publish(key, value, {_EXPECTED: str(replaces)})

    async def remove(self, key: str, *, replaces: int, remembered_s: int) -> int:
        """Removes ``key`` and its history; the mark of that stays ``remembered_s``. Raises as :meth:`write` does."""
        mark = {_OPERATION: "PURGE", "Nats-Rollup": "sub", "Nats-TTL": f"{remembered_s}s"}
        return await self._publish(key, b"", {_EXPECTED: str(replaces), **mark})

    async def _publish(self, key: str, value: bytes, headers: dict[str, str]) -> int:
        with own_errors(f"bucket {self._name}"):
            try:
                return (await self._bus.js.publish(self._prefix + key, value, headers=headers)).seq
            except APIError as error:
                if error.err_code in _OTHER_REVISION:
                    raise RevisionConflict(f"{key} has another revision by now") from None
                if error.err_code == _STORE_FAILED:
                    raise BucketFull(f"bucket {self._name} takes no more: NATS says {error.description!r}") from None
                raise BusUnavailable(f"bucket {self._name}: {error.description or error}") from error


class _Whenever(asyncio.Event):
    """The event that a replay sets each time it has read all there is."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def set(self) -> None:
        super().set()
        self._then()
