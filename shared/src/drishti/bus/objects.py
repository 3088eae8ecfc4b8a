"""One bucket of the bus's object store: objects by name, each replaced as a whole."""

from __future__ import annotations

import asyncio

import msgspec
import nats.errors
import nats.js.errors
from nats.js import api

from drishti.bus.connection import Bus
from drishti.bus.faults import own_errors, reason_of
from drishti.errors import BrokenObject, BusUnavailable
from drishti.messages import catalogue, subjects

LOAD_S = 2.0
SLOWEST = 2_000_000
"""Bytes a second: a large object may take longer by its size over this."""

LOADS = 3
"""nats-py waits for ever for the chunks of an object that was replaced while it read; the next try finds the new one."""

CUT_SHORT_S = 600.0
"""Chunks that no object names are being saved, or were: after so long nobody saves them any more."""


class Objects:
    """Objects of the bucket ``bucket``. Every failure of the store itself is :class:`~drishti.errors.BusUnavailable`."""

    def __init__(self, bus: Bus, bucket: str) -> None:
        self._bus = bus
        self._bucket = bucket
        self._stream = catalogue.object_stream(bucket)

    async def load(self, name: str) -> bytes | None:
        """The newest object called ``name``; ``None`` where there is none. Raises :class:`BrokenObject` for what cannot be
        put together."""
        for _ in range(LOADS):
            try:
                store = await self._bus.objects(self._bucket)
                size = (await store.get_info(name)).size or 0
                async with asyncio.timeout(LOAD_S + size / SLOWEST):
                    return (await store.get(name)).data
            except nats.js.errors.ObjectNotFoundError:
                return None
            except (nats.js.errors.BadObjectMetaError, nats.js.errors.DigestMismatchError) as error:
                raise BrokenObject(f"the stored object is broken: {reason_of(error)}") from error
            except nats.errors.Error as error:
                raise BusUnavailable(f"object store: {reason_of(error)}") from error
            except TimeoutError:
                await self._bus.ping()
        raise BrokenObject(f"the stored object lacks a part: not read in {LOADS} tries")

    async def save(self, name: str, payload: bytes, *, description: str = "") -> None:
        """Replaces the object called ``name``."""
        with own_errors("object store"):
            store = await self._bus.objects(self._bucket)
            await store.put(name, payload, meta=api.ObjectMeta(name=name, description=description))

    async def sweep(self, now: float) -> int:
        """Removes the chunks of what was never saved to its end, because whoever saved it was killed; returns of how many.

        ``now`` is the bus's time in seconds: by another, what is being saved could look old.
        """
        swept = 0
        with own_errors("object store"):
            js = self._bus.js
            chunks = await self._subjects(subjects.object_chunks(self._bucket, ">"))
            infos = await self._subjects(subjects.object_info(self._bucket, ">"))
            named = {await self._chunks_of(subject) for subject in infos}
            for subject in sorted(chunks - named):
                newest = (await js.get_last_msg(self._stream, subject)).time
                if newest is not None and now - newest.timestamp() > CUT_SHORT_S:
                    await js.purge_stream(self._stream, subject=subject)
                    swept += 1
        return swept

    async def _subjects(self, pattern: str) -> set[str]:
        return set((await self._bus.js.stream_info(self._stream, subjects_filter=pattern)).state.subjects or ())

    async def _chunks_of(self, subject: str) -> str:
        data = (await self._bus.js.get_last_msg(self._stream, subject)).data
        return subjects.object_chunks(self._bucket, msgspec.json.decode(data or b"{}", type=_Info).nuid)


class _Info(msgspec.Struct):
    """What an object's message says of its chunks."""

    nuid: str = ""
