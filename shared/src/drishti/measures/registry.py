"""Every tenant's metrics, in memory, as the bus's key-value store has them now.

How this works. The bucket ``metric_definitions`` holds a tenant's own definitions (``<tenant>.<token>``, a
:class:`~drishti.measures.definitions.MetricDefinition` as JSON) and the packs it switched (``<tenant>.pack.<name>``). Each
service follows the bucket, so that a change counts everywhere within moments and nothing waits for the bus:
:meth:`MetricRegistry.of` is a look-up. What is built in needs no bucket: while that is missing or away, the last known
definitions hold, and before the first reading those that are built in.

A change names the revision that it replaces (0: none). Of two writers with the same revision one wins and the other gets a
:class:`Conflict` with what is there now.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from drishti.bus.entries import Entries, Entry
from drishti.errors import BusUnavailable, DrishtiError, RevisionConflict
from drishti.events import Token
from drishti.measures import definition_reading
from drishti.measures.built_in import PACKS
from drishti.measures.definition_checks import Fault, InvalidDefinition
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

log = logging.getLogger(__name__)

BUCKET = catalogue.METRIC_DEFINITIONS_BUCKET

REMOVED_S = 24 * catalogue.HOUR_S
"""How long the bus remembers that a definition was deleted, so that a replica which was away learns of it."""

MAX_REMOVED = 2_000
"""Deleted names that a tenant may have within that time: each takes room in the bucket until it is forgotten."""

MAX_EARLIER = catalogue.BUCKETS[BUCKET].history - 1
"""Earlier versions of a definition that are remembered: those that the bus keeps, where each change made another one."""

_PACK = "pack."


class PackSwitch(Struct, frozen=True):
    """Whether a tenant has a pack on."""

    enabled: bool


Value = MetricDefinition | PackSwitch


class Conflict(DrishtiError):
    """Somebody else changed it: ``current`` (``None``: there is none) is there now, at ``revision``."""

    def __init__(self, current: Value | None, revision: int, expected: int) -> None:
        self.current = current
        self.revision = revision
        self.expected = expected
        there = f"revision {revision} is there" if current is not None else "there is none"
        wanted = f"revision {expected} was to be replaced" if expected else "none was to be there yet"
        super().__init__(f"{wanted}, and {there}: look at both versions, and try again with the revision that is there")


class RegistryFull(DrishtiError):
    """A tenant has as many definitions as it may."""


class _Known(NamedTuple):
    """What is known of a key: its last revision, and its value (``None``: removed, or nothing that can be read)."""

    revision: int
    value: Value | None
    at: float

    @property
    def live_revision(self) -> int:
        return self.revision if self.value is not None else 0


_NOTHING = _Known(0, None, 0.0)
_Tenants = dict[str, dict[str, _Known]]

_tenant = msgspec.json.Decoder(Token)
_switch = msgspec.json.Decoder(PackSwitch)

DEFAULTS = merged((), frozenset())
"""What a tenant measures that never said anything."""


class MetricRegistry:
    """The metrics of every tenant. :meth:`follow` keeps them current; reading them is a look-up in memory, in any thread."""

    def __init__(self) -> None:
        self._known: _Tenants = {}
        self._earlier: dict[str, dict[str, dict[int, MetricDefinition]]] = {}
        self._anew: _Tenants | None = None
        self._views: dict[str, tuple[int, TenantMetrics]] = {}
        self._changes: dict[str, int] = {}
        self._callbacks: list[Callable[[str], None]] = []
        self._bucket: Entries | None = None
        self.loaded = asyncio.Event()
        """Set once the bucket was read."""
        self.read_until = 0
        """The newest revision of the bucket that came; all before it have come, too."""
        self.skipped = 0
        """Entries of the bucket that are no definitions."""

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        self._bucket = Entries(bus, BUCKET)
        await self._bucket.follow(self.take, stop, have_read=self._have_read, read_anew=self._read_anew)

    def of(self, tenant: str) -> Mapping[str, MetricDefinition]:
        """Every metric of ``tenant`` by its token, those that are off among them. Another object after each change."""
        return self.view(tenant).definitions

    def view(self, tenant: str) -> TenantMetrics:
        """The same, with what is not counted and which packs are on."""
        changes = self._changes.get(tenant, 0)
        cached = self._views.get(tenant)
        if cached is not None and cached[0] == changes:
            return cached[1]
        known = self._known.get(tenant)
        if not known and tenant != DEFAULT_TENANT:
            return DEFAULTS
        before: Mapping[str, Resolution] = {} if cached is None else cached[1].resolutions
        view = _view(tenant, dict(known or {}), before, self._earlier.get(tenant, {}))
        self._views[tenant] = changes, view  # perhaps of before a change meanwhile, which the number tells
        return view

    def get(self, tenant: str, token: str) -> MetricDefinition | None:
        """One metric by its token."""
        return self.view(tenant).definitions.get(token)

    def revision(self, tenant: str, token: str) -> int:
        """The revision of a definition that the tenant itself made; 0 where there is none."""
        return self._of(tenant, token).live_revision

    def pack_revision(self, tenant: str, name: str) -> int:
        """The revision of the tenant's switch of a pack; 0 where the pack is as it is from the start."""
        return self._of(tenant, _PACK + name).live_revision

    def own(self, tenant: str) -> dict[str, MetricDefinition]:
        """What the tenant itself defined, by token."""
        known = self._known.get(tenant, {})
        return {key: entry.value for key, entry in known.items() if isinstance(entry.value, MetricDefinition)}

    def tenants(self) -> list[str]:
        """Those that have defined or switched anything."""
        return list(self._known)

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Calls ``callback`` with the tenant whose metrics changed; it reads them again."""
        self._callbacks.append(callback)

    async def put(self, tenant: str, definition: MetricDefinition, expected_revision: int) -> int:
        """Stores a definition in place of revision ``expected_revision`` (0: there is none yet); returns the new revision.

        Its ``origin`` is that of the metric which it changes, where Drishti feeds that one. Raises
        :class:`InvalidDefinition`, :class:`Conflict`, :class:`RegistryFull`, or what
        :class:`~drishti.bus.entries.Entries` raises.
        """
        definition = with_origin(definition)
        if faults := self.faults(tenant, definition):
            raise InvalidDefinition(faults)
        there = self._of(tenant, definition.token).value
        self._check_room(tenant, definition.token)
        definition = with_version(definition, there if isinstance(there, MetricDefinition) else None)
        return await self._write(tenant, definition.token, definition, expected_revision)

    def faults(self, tenant: str, definition: MetricDefinition) -> list[Fault]:
        """Everything that is wrong with ``definition`` by itself and beside the tenant's other metrics."""
        faults = faults_of(definition)
        there = self._of(tenant, definition.token).value
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

        Raises :class:`Conflict`, also where there is none, or what :class:`~drishti.bus.entries.Entries` raises.
        """
        await self._write(tenant, token, None, expected_revision)

    async def _write(self, tenant: str, key: str, value: Value | None, expected: int) -> int:
        bucket = self._bucket
        if bucket is None:
            raise BusUnavailable("not connected to NATS")
        entry_key = f"{_checked(tenant)}.{key}"
        known = self._of(tenant, key)
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
        self._keep(tenant, key, _Known(revision, value, time.time()))
        return revision

    def take(self, entry: Entry) -> None:
        """One entry of the bucket as it is now. What is no definition counts for nothing."""
        self.read_until = max(self.read_until, entry.revision)
        tenant, _, key = entry.key.partition(".")
        known = self._known_from(tenant, key, entry)
        if known.value is None and entry.value is not None:
            self.skipped += 1
        if self._anew is not None:
            self._anew.setdefault(tenant, {})[key] = known
        else:
            self._keep(tenant, key, known)

    def _known_from(self, tenant: str, key: str, entry: Entry | None) -> _Known:
        if entry is None:
            return _NOTHING
        value: Value | None = None
        if entry.value is not None:
            try:
                value = _decode(tenant, key, entry.value)
            except (InvalidDefinition, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                about = {"entry": entry.key[:200], "revision": entry.revision, "reason": str(error)[:500]}
                log.warning("a metric's definition cannot be read and counts for nothing", extra=about)
        return _Known(entry.revision, value, entry.at)

    def _of(self, tenant: str, key: str) -> _Known:
        return self._known.get(tenant, {}).get(key, _NOTHING)

    def _keep(self, tenant: str, key: str, known: _Known) -> None:
        there = self._of(tenant, key)
        if there.revision < known.revision:
            self._keep_version(tenant, key, there.value, known.value)
            self._known.setdefault(tenant, {})[key] = known
            self._changed(tenant)

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

    def _check_room(self, tenant: str, token: str) -> None:
        known = self._known.get(tenant, {})
        there = known.get(token, _NOTHING)
        if there.value is not None:
            return
        live = sum(1 for entry in known.values() if entry.value is not None)
        if live >= MAX_DEFINITIONS:
            raise RegistryFull(f"{live} metrics are defined, and {MAX_DEFINITIONS} is the most: delete some that nobody uses")
        forgotten = time.time() - REMOVED_S
        removed = sum(1 for entry in known.values() if entry.value is None and entry.at > forgotten)
        if removed >= MAX_REMOVED and not there.revision:
            raise RegistryFull(f"{removed} definitions were deleted within a day, and {MAX_REMOVED} is the most: wait")

    def _read_anew(self) -> None:
        """The bucket was made again: what is known holds until all of the new one is read."""
        self._anew = {}

    def _have_read(self) -> None:
        if self._anew is not None:
            tenants = {*self._known, *self._anew}
            self._known, self._anew = self._anew, None
            for tenant in tenants:
                self._changed(tenant)
        self.loaded.set()


def _checked(tenant: str) -> str:
    try:
        return _tenant.decode(msgspec.json.encode(tenant))
    except msgspec.ValidationError:
        error = f"{tenant[:64]!r} cannot be a tenant: use 1 to 64 of a-z, 0-9, _ and -"
        raise InvalidDefinition([Fault("tenant", error)]) from None


def _decode(tenant: str, key: str, value: bytes) -> Value:
    """What an entry holds; raises where it is nothing that a registry may have written."""
    _checked(tenant)
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
    known: Mapping[str, _Known],
    before: Mapping[str, Resolution],
    earlier: Mapping[str, Mapping[int, MetricDefinition]],
) -> TenantMetrics:
    own = [entry.value for entry in known.values() if isinstance(entry.value, MetricDefinition)]
    switched = {
        key.removeprefix(_PACK): entry.value.enabled for key, entry in known.items() if isinstance(entry.value, PackSwitch)
    }
    return merged(own, packs_of(tenant, switched), before, earlier)


@contextlib.asynccontextmanager
async def opened(bus: Bus, *, timeout_s: float = 5.0) -> AsyncIterator[MetricRegistry]:
    """A registry that has read the bucket and follows it while the block lasts: for a command, or a test."""
    registry = MetricRegistry()
    stop = asyncio.Event()
    following = asyncio.create_task(registry.follow(bus, stop), name="metric definitions")
    try:
        try:
            async with asyncio.timeout(timeout_s):
                await registry.loaded.wait()
        except TimeoutError:
            reason = "; ".join(bus.unreadable().values()) or f"nothing came within {timeout_s:g} s"
            raise BusUnavailable(f"the definitions of metrics cannot be read: {reason}") from None
        yield registry
    finally:
        stop.set()
        await following
