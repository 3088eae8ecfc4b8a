"""What people save about users, in memory, as a bucket of the bus has it now (``<tenant>.<name>``).

How it is changed by revision is said in :mod:`drishti.bus.documents`. Only analytics reads and writes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from drishti.bus.connection import Bus
from drishti.bus.documents import Conflict, Known, TenantDocuments, TooMany
from drishti.bus.entries import Entry
from drishti.errors import BucketFull, BusRefused, BusUnavailable, QueryError
from drishti.measures.definition_checks import checked_tenant

MAX_REMOVED = 1_000
"""Deleted names that a tenant may have within a day."""

WAIT_S = 5.0
"""For a bucket that has not been read yet."""


class Named(Protocol):
    """A document, by its name."""

    @property
    def name(self) -> str: ...


D = TypeVar("D", bound=Named)


class StoredDocuments(Generic[D]):
    """The documents of all tenants. :meth:`follow` keeps them current; reading them is a look-up in memory.

    A tenant has ``most`` of ``what`` they are, of ``max_bytes`` each, which is above all that of their ``largest`` field."""

    def __init__(
        self, bucket: str, decode: Callable[[bytes], D], *, what: str, most: int, max_bytes: int, largest: str
    ) -> None:
        def checked(tenant: str, key: str, value: bytes) -> D:
            checked_tenant(tenant)
            document = decode(value)
            if document.name != key:
                raise ValueError(f"its name is {document.name}, and the entry is called {key[:64]}")
            return document

        self._documents: TenantDocuments[D] = TenantDocuments(bucket, checked, what=what)
        self._what = what
        self._most = most
        self._max_bytes = max_bytes
        self._largest = largest
        self.loaded = self._documents.loaded
        """Set once the bucket was read."""

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        await self._documents.follow(bus, stop)

    async def wait_loaded(self) -> None:
        """Raises :class:`QueryError` where the bucket cannot be read."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self.loaded.wait()
        except TimeoutError:
            raise QueryError(f"the {self._what} are not read yet: ask again", "unavailable") from None

    def tenants(self) -> list[str]:
        """Those that ever had a document."""
        return self._documents.tenants()

    def of(self, tenant: str) -> dict[str, Known[D]]:
        """By name, in its order."""
        known = self._documents.of(tenant)
        return {name: known[name] for name in sorted(known) if known[name].value is not None}

    def get(self, tenant: str, name: str) -> D | None:
        """The document of that name."""
        return self.known(tenant, name).value

    def known(self, tenant: str, name: str) -> Known[D]:
        """The document of that name with its revision."""
        return self._documents.known(tenant, name)

    async def put(self, tenant: str, document: D, expected_revision: int) -> Known[D]:
        """Stores it in place of revision ``expected_revision`` (0: there is none yet). Raises :class:`QueryError`."""
        if len(msgspec.json.encode(document)) > self._max_bytes:
            raise QueryError(f"are more than {self._max_bytes:,} bytes: give fewer", field=self._largest)
        await self._write(tenant, document.name, document, expected_revision)
        return self._documents.known(tenant, document.name)

    async def delete(self, tenant: str, name: str, expected_revision: int) -> None:
        """Removes it. Raises :class:`QueryError`."""
        await self._write(tenant, name, None, expected_revision)

    async def replace(self, tenant: str, document: D, expected_revision: int) -> None:
        """As :meth:`put`, without asking for room. Raises :class:`~drishti.bus.documents.Conflict`, or what
        :class:`~drishti.bus.entries.Entries` raises."""
        await self._documents.write(tenant, document.name, document, expected_revision)

    async def _write(self, tenant: str, name: str, document: D | None, expected: int) -> None:
        await self.wait_loaded()
        try:
            if document is not None:
                self._documents.check_room(tenant, name, most=self._most, most_removed=MAX_REMOVED)
            await self._documents.write(checked_tenant(tenant), name, document, expected)
        except Conflict as conflict:
            raise QueryError(str(conflict), "conflict", "revision") from None
        except (TooMany, BucketFull) as error:
            raise QueryError(str(error), field="name") from None
        except (BusUnavailable, BusRefused) as error:
            raise QueryError(str(error), "unavailable") from None

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now. What is no such document counts for nothing."""
        self._documents.take(entry)
