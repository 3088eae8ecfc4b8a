"""Every tenant's metrics, in memory, as the bus's key-value store has them now.

How this works. The bucket ``metric_definitions`` holds a tenant's own definitions (``<tenant>.<token>``, a
:class:`~drishti.measures.definitions.MetricDefinition` as JSON) and the packs it switched (``<tenant>.pack.<name>``). Each
service follows the bucket, so that a change counts everywhere within moments and nothing waits for the bus:
:meth:`MetricRegistry.of` is a look-up. What is built in needs no bucket: while that is missing or away, the last known
definitions hold, and before the first reading those that are built in.

How definitions are changed by revision is said in :mod:`drishti.bus.documents`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from drishti.bus.documents import TenantDocuments, following
from drishti.bus.entries import Entry
from drishti.measures import definition_reading
from drishti.measures.built_in import PACKS
from drishti.measures.definition_checks import Fault, InvalidDefinition, checked_tenant
from drishti.measures.definitions import MetricDefinition
from drishti.measures.effective import (
    MAX_DEFINITIONS,
    TenantMetrics,
    excess,
    faults_of,
    kpi_faults,
    merged,
    packs_of,
    with_origin,
    with_version,
)
from drishti.measures.kpis import Resolution
from drishti.messages import catalogue
from drishti.messages.subjects import DEFAULT_TENANT

if TYPE_CHECKING:
    from drishti.bus.connection import Bus

BUCKET = catalogue.METRIC_DEFINITIONS_BUCKET

MAX_REMOVED = 2_000
"""Deleted names that a tenant may have within that time: each takes room in the bucket until it is forgotten."""

MAX_EARLIER = catalogue.BUCKETS[BUCKET].history - 1
"""Earlier versions of a definition that are remembered: those that the bus keeps, where each change made another one."""

_PACK = "pack."


class PackSwitch(Struct, frozen=True):
    """Whether a tenant has a pack on."""

    enabled: bool


Value = MetricDefinition | PackSwitch

_switch = msgspec.json.Decoder(PackSwitch)

DEFAULTS = merged((), frozenset())
"""What a tenant measures that never said anything."""


class MetricRegistry:
    """The metrics of every tenant. :meth:`follow` keeps them current; reading them is a look-up in memory, in any thread."""

    def __init__(self) -> None:
        self._documents: TenantDocuments[Value] = TenantDocuments(
            BUCKET,
            _decode,
            what="definitions of metrics",
            replaced=self._keep_version,
            changed=self._changed,
        )
        self._earlier: dict[str, dict[str, dict[int, MetricDefinition]]] = {}
        self._views: dict[str, tuple[int, TenantMetrics]] = {}
        self._changes: dict[str, int] = {}
        self._callbacks: list[Callable[[str], None]] = []
        self.loaded = self._documents.loaded
        """Set once the bucket was read."""

    @property
    def read_until(self) -> int:
        """The newest revision of the bucket that came; all before it have come, too."""
        return self._documents.read_until

    @property
    def skipped(self) -> int:
        """Entries of the bucket that are no definitions."""
        return self._documents.skipped

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        await self._documents.follow(bus, stop)

    def of(self, tenant: str) -> Mapping[str, MetricDefinition]:
        """Every metric of ``tenant`` by its token, those that are off among them. Another object after each change."""
        return self.view(tenant).definitions

    def view(self, tenant: str) -> TenantMetrics:
        """The same, with what is not counted and which packs are on."""
        changes = self._changes.get(tenant, 0)
        cached = self._views.get(tenant)
        if cached is not None and cached[0] == changes:
            return cached[1]
        known = self._documents.values(tenant)
        if not known and tenant != DEFAULT_TENANT:
            return DEFAULTS
        before: Mapping[str, Resolution] = {} if cached is None else cached[1].resolutions
        view = _view(tenant, known, before, self._earlier.get(tenant, {}))
        self._views[tenant] = changes, view  # perhaps of before a change meanwhile, which the number tells
        return view

    def get(self, tenant: str, token: str) -> MetricDefinition | None:
        """One metric by its token."""
        return self.view(tenant).definitions.get(token)

    def revision(self, tenant: str, token: str) -> int:
        """The revision of a definition that the tenant itself made; 0 where there is none."""
        return self._documents.known(tenant, token).live_revision

    def pack_revision(self, tenant: str, name: str) -> int:
        """The revision of the tenant's switch of a pack; 0 where the pack is as it is from the start."""
        return self._documents.known(tenant, _PACK + name).live_revision

    def own(self, tenant: str) -> dict[str, MetricDefinition]:
        """What the tenant itself defined, by token."""
        own = self._documents.values(tenant)
        return {key: value for key, value in own.items() if isinstance(value, MetricDefinition)}

    def tenants(self) -> list[str]:
        """Those that have defined or switched anything."""
        return self._documents.tenants()

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Calls ``callback`` with the tenant whose metrics changed; it reads them again."""
        self._callbacks.append(callback)

    async def put(self, tenant: str, definition: MetricDefinition, expected_revision: int) -> int:
        """Stores a definition in place of revision ``expected_revision`` (0: there is none yet); returns the new revision.

        Its ``origin`` is that of the metric which it changes, where Drishti feeds that one. Raises
        :class:`InvalidDefinition`, :class:`~drishti.bus.documents.Conflict`, :class:`~drishti.bus.documents.TooMany`, or what
        :class:`~drishti.bus.entries.Entries` raises.
        """
        definition = with_origin(definition)
        if faults := self.faults(tenant, definition):
            raise InvalidDefinition(faults)
        there = self._documents.known(tenant, definition.token).value
        self._documents.check_room(tenant, definition.token, most=MAX_DEFINITIONS, most_removed=MAX_REMOVED)
        definition = with_version(definition, there if isinstance(there, MetricDefinition) else None)
        return await self._write(tenant, definition.token, definition, expected_revision)

    def faults(self, tenant: str, definition: MetricDefinition) -> list[Fault]:
        """Everything that is wrong with ``definition`` by itself and beside the tenant's other metrics."""
        faults = faults_of(definition)
        there = self._documents.known(tenant, definition.token).value
        if isinstance(there, MetricDefinition) and there.name != definition.name:
            error = (
                f"becomes the token {definition.token}, as {there.name!r} does, which is a metric already: "
                "choose a name that differs in letters or digits"
            )
            faults.append(Fault("name", error))
        if not any(fault.field == "expression" for fault in faults):
            faults += kpi_faults(definition, self.view(tenant))
        return faults or excess(definition, self.view(tenant))

    async def put_pack(self, tenant: str, name: str, *, enabled: bool, expected_revision: int | None = None) -> int:
        """Switches a pack on or off; returns the new revision. ``None``: whatever was there. Raises as :meth:`put` does."""
        if name not in PACKS:
            raise InvalidDefinition([Fault("pack", f"there is no pack of that name; there are {', '.join(sorted(PACKS))}")])
        if expected_revision is None:
            expected_revision = self.pack_revision(tenant, name)
        return await self._write(tenant, _PACK + name, PackSwitch(enabled), expected_revision)

    async def delete(self, tenant: str, token: str, expected_revision: int) -> None:
        """Forgets a definition of the tenant; a metric that Drishti feeds is again as it is built in.

        Raises :class:`~drishti.bus.documents.Conflict`, also where there is none, or what
        :class:`~drishti.bus.entries.Entries` raises.
        """
        await self._write(tenant, token, None, expected_revision)

    async def _write(self, tenant: str, key: str, value: Value | None, expected: int) -> int:
        return await self._documents.write(checked_tenant(tenant), key, value, expected)

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now. What is no definition counts for nothing."""
        self._documents.take(entry)

    def _keep_version(self, tenant: str, key: str, before: Value | None, now: Value | None) -> None:
        """Remembers what is replaced where something else is counted from now on; a definition that is gone has no versions."""
        versions = self._earlier.get(tenant, {})
        if now is None:
            versions.pop(key, None)
        elif isinstance(before, MetricDefinition) and isinstance(now, MetricDefinition) and before.version != now.version:
            kept = {**versions.get(key, {}), before.version: before}
            self._earlier.setdefault(tenant, versions)[key] = dict(sorted(kept.items())[-MAX_EARLIER:])

    def _changed(self, tenant: str) -> None:
        self._changes[tenant] = self._changes.get(tenant, 0) + 1
        for callback in self._callbacks:
            callback(tenant)


def _decode(tenant: str, key: str, value: bytes) -> Value:
    """What an entry holds; raises where it is nothing that a registry may have written."""
    checked_tenant(tenant)
    if key.startswith(_PACK):
        if key.removeprefix(_PACK) not in PACKS:
            raise InvalidDefinition([Fault("pack", "there is no pack of that name")])
        return _switch.decode(value)
    definition = definition_reading.decode(value)
    if definition.token != key:
        raise InvalidDefinition([Fault("name", f"its token is {definition.token}, and the entry is called {key[:64]}")])
    faults = faults_of(definition)
    if with_origin(definition) is not definition:
        faults.append(Fault("origin", f"is {definition.origin}, which this metric's is not"))
    if faults:
        raise InvalidDefinition(faults)
    return definition


def _view(
    tenant: str,
    known: Mapping[str, Value],
    before: Mapping[str, Resolution],
    earlier: Mapping[str, Mapping[int, MetricDefinition]],
) -> TenantMetrics:
    own = [value for value in known.values() if isinstance(value, MetricDefinition)]
    switched = {key.removeprefix(_PACK): value.enabled for key, value in known.items() if isinstance(value, PackSwitch)}
    return merged(own, packs_of(tenant, switched), before, earlier)


@contextlib.asynccontextmanager
async def opened(bus: Bus, *, timeout_s: float = 5.0) -> AsyncIterator[MetricRegistry]:
    """A registry that has read the bucket and follows it while the block lasts: for a command, or a test."""
    registry = MetricRegistry()
    async with following(registry, bus, what="definitions of metrics", timeout_s=timeout_s):
        yield registry
