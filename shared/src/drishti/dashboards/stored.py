"""Every tenant's own dashboards, in memory, as the bucket ``dashboards`` has them now (``<tenant>.<name>``).

How they are changed by revision is said in :mod:`drishti.bus.documents`. The names in :data:`RESERVED` are those of the
dashboards that every tenant has; who wants to change one stores it under another name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from drishti.bus.connection import Bus
from drishti.bus.documents import TenantDocuments, following
from drishti.bus.entries import Entry
from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.measures.definition_checks import Fault, InvalidDefinition, checked_tenant
from drishti.messages.catalogue import DASHBOARDS_BUCKET

RESERVED = frozenset({"system_overview", "user_analytics", "dharma_insights", "own_metrics"})

MAX_DASHBOARDS = 200
"""Of one tenant."""

MAX_REMOVED = 1_000
"""Deleted names that a tenant may have within a day."""


class StoredDashboards:
    """The dashboards that tenants made. :meth:`follow` keeps them current; reading them is a look-up in memory."""

    def __init__(self, *, changed: Callable[[str], None] = lambda _: None) -> None:
        self._documents: TenantDocuments[DashboardDocument] = TenantDocuments(
            DASHBOARDS_BUCKET, _decode, what="dashboards", changed=self._forget
        )
        self._tell = changed
        self._views: dict[str, Mapping[str, DashboardDocument]] = {}
        self.loaded = self._documents.loaded
        """Set once the bucket was read."""

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        await self._documents.follow(bus, stop)

    def of(self, tenant: str) -> Mapping[str, DashboardDocument]:
        """The tenant's own dashboards by name, by title. Another object after each change."""
        view = self._views.get(tenant)
        if view is None:
            own = self._documents.values(tenant)
            view = {name: own[name] for name in sorted(own, key=lambda name: (own[name].title.casefold(), name))}
            if own:  # nothing is remembered for names that anybody asks
                self._views[tenant] = view
            else:
                view = NONE
        return view

    def revision(self, tenant: str, name: str) -> int:
        """The revision of a dashboard; 0 where there is none."""
        return self._documents.known(tenant, name).live_revision

    def changed_at_ms(self, tenant: str, name: str) -> int:
        """When a dashboard was stored last, in epoch milliseconds; 0 where there is none."""
        known = self._documents.known(tenant, name)
        return round(known.at * 1000) if known.value is not None else 0

    async def put(self, tenant: str, document: DashboardDocument, expected_revision: int) -> int:
        """Stores a dashboard in place of revision ``expected_revision`` (0: there is none yet); returns the new revision.

        Raises :class:`InvalidDefinition`, :class:`~drishti.bus.documents.Conflict`, :class:`~drishti.bus.documents.TooMany`,
        or what :class:`~drishti.bus.entries.Entries` raises.
        """
        if faults := faults_of(document):
            raise InvalidDefinition(faults)
        self._documents.check_room(tenant, document.name, most=MAX_DASHBOARDS, most_removed=MAX_REMOVED)
        return await self._documents.write(checked_tenant(tenant), document.name, document, expected_revision)

    async def delete(self, tenant: str, name: str, expected_revision: int) -> None:
        """Removes a dashboard. Raises :class:`~drishti.bus.documents.Conflict`, also where there is none, or as :meth:`put`."""
        await self._documents.write(checked_tenant(tenant), name, None, expected_revision)

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now. What is no dashboard counts for nothing."""
        self._documents.take(entry)

    def _forget(self, tenant: str) -> None:
        self._views.pop(tenant, None)
        self._tell(tenant)


NONE: Mapping[str, DashboardDocument] = {}


def faults_of(document: DashboardDocument) -> list[Fault]:
    """What is wrong with a document as one that a tenant stores; each is checked by itself where it is read."""
    if document.name in RESERVED:
        error = f"{document.name} is a dashboard that everybody has and cannot be changed: store yours under another name"
        return [Fault("name", error)]
    if len(document_reading.encode(document)) > document_reading.MAX_BYTES:
        return [Fault("", f"is larger than {document_reading.MAX_BYTES} bytes")]
    return []


def _decode(tenant: str, key: str, value: bytes) -> DashboardDocument:
    """What an entry holds; raises where it is nothing that may have been stored."""
    checked_tenant(tenant)
    document = document_reading.decode(value)
    if document.name != key:
        raise InvalidDefinition([Fault("name", f"is {document.name}, and the entry is called {key[:64]}")])
    if faults := faults_of(document):
        raise InvalidDefinition(faults)
    return document


@contextlib.asynccontextmanager
async def opened(bus: Bus, *, timeout_s: float = 5.0) -> AsyncIterator[StoredDashboards]:
    """The dashboards, read and followed while the block lasts: for a command, or a test."""
    stored = StoredDashboards()
    async with following(stored, bus, what="dashboards", timeout_s=timeout_s):
        yield stored
