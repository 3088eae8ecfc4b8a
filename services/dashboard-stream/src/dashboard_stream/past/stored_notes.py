"""Every tenant's notes, in memory, as the bucket ``notes`` has them now (``<tenant>.<id>``)."""

from __future__ import annotations

import asyncio
import re
import secrets

from dashboard_stream.past import notes
from dashboard_stream.past.notes import Note
from drishti.bus.connection import Bus
from drishti.bus.documents import TenantDocuments
from drishti.measures.definition_checks import checked_tenant
from drishti.messages.catalogue import NOTES_BUCKET

MAX_NOTES = 2_000
"""Of one tenant."""

MAX_REMOVED = 2_000
"""Deleted notes of a tenant that are remembered for a day."""

_ID = re.compile(r"[0-9a-f]{16}\Z")


class StoredNotes:
    """The notes of all tenants. :meth:`follow` keeps them current; reading them is a look-up in memory."""

    def __init__(self) -> None:
        self._documents: TenantDocuments[Note] = TenantDocuments(NOTES_BUCKET, _decode, what="notes")
        self.loaded = self._documents.loaded
        """Set once the bucket was read."""

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        await self._documents.follow(bus, stop)

    def within(self, tenant: str, begin_ms: int, end_ms: int) -> list[tuple[str, Note, int]]:
        """The notes that touch the range, the newest first: id, note, and revision."""
        found = notes.within(self._documents.values(tenant), begin_ms, end_ms)
        return [(key, note, self.revision(tenant, key)) for key, note in found]

    def count(self, tenant: str) -> int:
        """How many notes the tenant has."""
        return len(self._documents.values(tenant))

    def revision(self, tenant: str, key: str) -> int:
        """The revision of a note; 0 where there is none."""
        return self._documents.known(tenant, key).live_revision

    async def add(self, tenant: str, note: Note) -> tuple[str, int]:
        """Stores a new note; returns its id and revision. Raises as :meth:`put` does, and ``TooMany``."""
        key = secrets.token_hex(8)
        self._documents.check_room(tenant, key, most=MAX_NOTES, most_removed=MAX_REMOVED)
        return key, await self._documents.write(checked_tenant(tenant), key, note, 0)

    async def put(self, tenant: str, key: str, note: Note, expected_revision: int) -> int:
        """Stores ``note`` in place of a revision; returns the new one. Raises :class:`~drishti.bus.documents.Conflict`, or what
        :class:`~drishti.bus.entries.Entries` raises."""
        return await self._documents.write(checked_tenant(tenant), key, note, expected_revision)

    async def delete(self, tenant: str, key: str, expected_revision: int) -> None:
        """Removes a note; raises as :meth:`put` does."""
        await self._documents.write(checked_tenant(tenant), key, None, expected_revision)


def is_id(text: str) -> bool:
    return bool(_ID.match(text))


def _decode(tenant: str, key: str, value: bytes) -> Note:
    checked_tenant(tenant)
    if not is_id(key):
        raise ValueError("this is no id of a note")
    return notes.decode(value)
