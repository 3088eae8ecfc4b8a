"""Documents of tenants in a key-value bucket, known in memory, and changed by revision.

How this works. An entry ``<tenant>.<key>`` of the bucket is one document. Each service follows the bucket, so that a change
counts everywhere within moments, and reading is a look-up. While the bucket is missing or away the last known documents hold.

A change names the revision that it replaces (0: none). Of two writers with the same revision one wins and the other gets a
:class:`Conflict` with what is there now. A document that was removed leaves a mark for :data:`REMOVED_S`, so that a replica
which was away learns of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from drishti.bus.connection import Bus
from drishti.bus.entries import Entries, Entry
from drishti.errors import BusUnavailable, DrishtiError, RevisionConflict
from drishti.messages import catalogue

log = logging.getLogger(__name__)

REMOVED_S = 24 * catalogue.HOUR_S
"""How long the bus remembers that a document was removed."""

V = TypeVar("V")


class Followed(Protocol):
    """What reads a bucket and goes on reading it."""

    loaded: asyncio.Event

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None: ...


class Conflict(DrishtiError):
    """Somebody else changed it: ``current`` (``None``: there is none) is there now, at ``revision``."""

    def __init__(self, current: object | None, revision: int, expected: int) -> None:
        self.current = current
        self.revision = revision
        self.expected = expected
        there = f"revision {revision} is there" if current is not None else "there is none"
        wanted = f"revision {expected} was to be replaced" if expected else "none was to be there yet"
        super().__init__(f"{wanted}, and {there}: look at both versions, and try again with the revision that is there")


class TooMany(DrishtiError):
    """A tenant has as many documents as it may."""


class Known(NamedTuple, Generic[V]):
    """What is known of a key: its last revision, and its document (``None``: removed, or nothing that can be read)."""

    revision: int
    value: V | None
    at: float

    @property
    def live_revision(self) -> int:
        return self.revision if self.value is not None else 0


class TenantDocuments(Generic[V]):
    """The documents of every tenant in ``bucket``. :meth:`follow` keeps them current; reading them needs no bus.

    ``decode`` (tenant, key, bytes) says what an entry holds and raises an error of ours, of msgspec or a
    ``ValueError`` where that is nothing: it is logged, counted in ``skipped``, and counts for nothing. ``replaced``
    (tenant, key, before, now) is notified of every change of what is known, ``changed`` of each tenant after it.
    """

    def __init__(
        self,
        bucket: str,
        decode: Callable[[str, str, bytes], V],
        *,
        what: str,
        replaced: Callable[[str, str, V | None, V | None], None] = lambda *_: None,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name = bucket
        self._decode = decode
        self._what = what
        self._replaced = replaced
        self._changed = changed
        self._tenants: dict[str, dict[str, Known[V]]] = {}
        self._anew: dict[str, dict[str, Known[V]]] | None = None
        self._bucket: Entries | None = None
        self.loaded = asyncio.Event()
        """Set once the bucket was read."""
        self.read_until = 0
        """The newest revision of the bucket that came; all before it have come, too."""
        self.skipped = 0
        """Entries of the bucket that are no documents."""

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        self._bucket = Entries(bus, self._name)
        await self._bucket.follow(self.take, stop, have_read=self._have_read, read_anew=self._read_anew)

    def known(self, tenant: str, key: str) -> Known[V]:
        return self._tenants.get(tenant, {}).get(key) or Known(0, None, 0.0)

    def of(self, tenant: str) -> Mapping[str, Known[V]]:
        """All that is known of a tenant by key, removed ones too. Not to be kept: it changes."""
        return self._tenants.get(tenant, {})

    def values(self, tenant: str) -> dict[str, V]:
        """The documents of a tenant by key."""
        return {key: known.value for key, known in self.of(tenant).items() if known.value is not None}

    def tenants(self) -> list[str]:
        """Those that ever had a document."""
        return list(self._tenants)

    def check_room(self, tenant: str, key: str, *, most: int, most_removed: int) -> None:
        """Raises :class:`TooMany` where a tenant may not have ``key`` beside what it has.

        It has ``most`` documents, and ``most_removed`` that were removed within :data:`REMOVED_S`: each takes room until it is
        forgotten.
        """
        known = self.of(tenant)
        there = self.known(tenant, key)
        if there.value is not None:
            return
        live = sum(1 for entry in known.values() if entry.value is not None)
        if live >= most:
            raise TooMany(f"there are {live} {self._what}, and {most} is the most: delete some that nobody uses")
        forgotten = time.time() - REMOVED_S
        removed = sum(1 for entry in known.values() if entry.value is None and entry.at > forgotten)
        if removed >= most_removed and not there.revision:
            raise TooMany(f"{removed} {self._what} were deleted within a day, and {most_removed} is the most: wait")

    async def write(self, tenant: str, key: str, value: V | None, expected: int) -> int:
        """Stores ``value`` (``None``: removes what is there) in place of revision ``expected``; returns the new revision.

        Raises :class:`Conflict`, or what :class:`~drishti.bus.entries.Entries` raises. The caller has checked ``tenant``,
        ``key`` and the room.
        """
        bucket = self._bucket
        if bucket is None:
            raise BusUnavailable("not connected to NATS")
        entry_key = f"{tenant}.{key}"
        known = self.known(tenant, key)
        if known.live_revision != expected:  # perhaps only this process does not know yet
            known = self._known_from(tenant, key, await bucket.read(entry_key))
            if known.live_revision != expected:
                raise Conflict(known.value, known.live_revision, expected)
        if value is None and not expected:
            raise Conflict(None, 0, expected)
        try:
            if value is None:
                revision = await bucket.remove(entry_key, replaces=known.revision, remembered_s=REMOVED_S)
            else:
                revision = await bucket.write(entry_key, msgspec.json.encode(value), replaces=known.revision)
        except RevisionConflict:
            there = self._known_from(tenant, key, await bucket.read(entry_key))
            raise Conflict(there.value, there.live_revision, expected) from None
        self._keep(tenant, key, Known(revision, value, time.time()))
        return revision

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now."""
        self.read_until = max(self.read_until, entry.revision)
        tenant, _, key = entry.key.partition(".")
        known = self._known_from(tenant, key, entry)
        if known.value is None and entry.value is not None:
            self.skipped += 1
        if self._anew is not None:
            self._anew.setdefault(tenant, {})[key] = known
        else:
            self._keep(tenant, key, known)

    def _known_from(self, tenant: str, key: str, entry: Entry | None) -> Known[V]:
        if entry is None:
            return Known(0, None, 0.0)
        value: V | None = None
        if entry.value is not None:
            try:
                value = self._decode(tenant, key, entry.value)
            except (DrishtiError, msgspec.MsgspecError, ValueError, RecursionError) as error:
                about = {"entry": entry.key[:200], "revision": entry.revision, "reason": str(error)[:500]}
                log.warning("an entry of bucket %s cannot be read and counts for nothing", self._name, extra=about)
        return Known(entry.revision, value, entry.at)

    def _keep(self, tenant: str, key: str, known: Known[V]) -> None:
        there = self.known(tenant, key)
        if there.revision < known.revision:
            self._replaced(tenant, key, there.value, known.value)
            self._tenants.setdefault(tenant, {})[key] = known
            self._changed(tenant)

    def _read_anew(self) -> None:
        """The bucket was made again: what is known holds until all of the new one is read."""
        self._anew = {}

    def _have_read(self) -> None:
        if self._anew is not None:
            tenants = {*self._tenants, *self._anew}
            self._tenants, self._anew = self._anew, None
            for tenant in tenants:
                self._changed(tenant)
        self.loaded.set()


@contextlib.asynccontextmanager
async def following(documents: Followed, bus: Bus, *, what: str, timeout_s: float = 5.0) -> AsyncIterator[None]:
    """Follows ``documents``, which have been read when the block begins, while it lasts: for a command, or a test."""
    stop = asyncio.Event()
    task = asyncio.create_task(documents.follow(bus, stop), name=what)
    try:
        try:
            async with asyncio.timeout(timeout_s):
                await documents.loaded.wait()
        except TimeoutError:
            reason = "; ".join(bus.unreadable().values()) or f"nothing came within {timeout_s:g} s"
            raise BusUnavailable(f"the {what} cannot be read: {reason}") from None
        yield
    finally:
        stop.set()
        await task
