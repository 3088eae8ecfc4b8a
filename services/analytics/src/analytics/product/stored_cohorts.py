"""Every tenant's cohorts, in memory, as the bucket ``cohorts`` has them now (``<tenant>.<name>``).

How they are changed by revision is said in :mod:`drishti.bus.documents`. Only analytics reads and writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import cast

import msgspec
from msgspec import Struct

from drishti.bus.connection import Bus
from drishti.bus.documents import Conflict, Known, TenantDocuments, TooMany
from drishti.bus.entries import Entry
from drishti.errors import BucketFull, BusRefused, BusUnavailable, QueryError
from drishti.measures.definition_checks import checked_tenant
from drishti.messages.catalogue import COHORTS_BUCKET
from drishti.messages.field_types import Token
from drishti.messages.product.cohorts import MAX_BYTES, MAX_COHORTS, CohortCondition

MAX_REMOVED = 1_000
"""Deleted names that a tenant may have within a day."""

WAIT_S = 5.0
"""For a bucket that has not been read yet."""


class CohortDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cohort as it is stored: with a ``condition``, or of ``users``, of whom none may be left."""

    name: Token
    title: str = ""
    description: str = ""
    condition: CohortCondition | None = None
    users: tuple[str, ...] | None = None


_decoder = msgspec.json.Decoder(CohortDocument)


class StoredCohorts:
    """The cohorts of all tenants. :meth:`follow` keeps them current; reading them is a look-up in memory."""

    def __init__(self) -> None:
        self._documents: TenantDocuments[CohortDocument] = TenantDocuments(COHORTS_BUCKET, _decode, what="cohorts")
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
            raise QueryError("the cohorts are not read yet: ask again", "unavailable") from None

    def of(self, tenant: str) -> dict[str, Known[CohortDocument]]:
        """By name, in its order."""
        known = self._documents.of(tenant)
        return {name: known[name] for name in sorted(known) if known[name].value is not None}

    def get(self, tenant: str, name: str) -> CohortDocument | None:
        """The cohort of that name."""
        return self._documents.known(tenant, name).value

    async def put(self, tenant: str, cohort: CohortDocument, expected_revision: int) -> Known[CohortDocument]:
        """Stores a cohort in place of revision ``expected_revision`` (0: there is none yet). Raises :class:`QueryError`."""
        if len(msgspec.json.encode(cohort)) > MAX_BYTES:
            raise QueryError(f"are more than {MAX_BYTES:,} bytes: give fewer", field="users")
        await self._write(tenant, cohort.name, cohort, expected_revision)
        return self._documents.known(tenant, cohort.name)

    async def delete(self, tenant: str, name: str, expected_revision: int) -> None:
        """Removes a cohort. Raises :class:`QueryError`."""
        await self._write(tenant, name, None, expected_revision)

    async def _write(self, tenant: str, name: str, cohort: CohortDocument | None, expected: int) -> None:
        await self.wait_loaded()
        try:
            if cohort is not None:
                self._documents.check_room(tenant, name, most=MAX_COHORTS, most_removed=MAX_REMOVED)
            await self._documents.write(checked_tenant(tenant), name, cohort, expected)
        except Conflict as conflict:
            raise QueryError(str(conflict), "conflict", "revision") from None
        except (TooMany, BucketFull) as error:
            raise QueryError(str(error), field="name") from None
        except (BusUnavailable, BusRefused) as error:
            raise QueryError(str(error), "unavailable") from None

    async def erase(self, tenant: str, users: Collection[str]) -> int:
        """Takes these ids out of the tenant's static cohorts; how often they were in one. Raises :class:`BusUnavailable`."""
        if not self.loaded.is_set():
            raise BusUnavailable("the cohorts are not read yet")
        removed = 0
        for name, known in self.of(tenant).items():
            cohort, revision = known.value, known.revision
            while cohort is not None and (named := [user for user in cohort.users or () if user in users]):
                left = tuple(user for user in cohort.users or () if user not in users)
                try:
                    await self._documents.write(tenant, name, msgspec.structs.replace(cohort, users=left), revision)
                except Conflict as conflict:  # somebody else has just changed it
                    cohort, revision = cast("CohortDocument | None", conflict.current), conflict.revision
                else:
                    removed += len(named)
                    break
        return removed

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now. What is no cohort counts for nothing."""
        self._documents.take(entry)


def _decode(tenant: str, key: str, value: bytes) -> CohortDocument:
    checked_tenant(tenant)
    cohort = _decoder.decode(value)
    if cohort.name != key:
        raise ValueError(f"its name is {cohort.name}, and the entry is called {key[:64]}")
    if (cohort.condition is None) == (cohort.users is None):
        raise ValueError("it must have either a condition or users")
    return cohort
