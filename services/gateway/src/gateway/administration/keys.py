"""Makes and revokes API keys of a tenant for its administrators.

Keys are read from memory (:class:`~drishti.bus.key_ring.KeyRing`) and written to the bus by revision. What this process wrote
counts here at once, and in other gateways when the bus tells them, within moments.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from datetime import UTC, datetime

import msgspec

from drishti.bus import keys
from drishti.bus.entries import Entries
from drishti.bus.key_ring import KeyEntry, KeyRing
from drishti.bus.keys import ApiKey, KeyProblem, Principal
from drishti.errors import RevisionConflict
from drishti.messages import catalogue
from gateway.administration.answers import Key, NewKey, State
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.link import Link

log = logging.getLogger(__name__)

MOST = 1_000
"""Keys of a tenant, those that have ended among them."""

MOST_OF_ALL = 20_000
"""Keys of all tenants that are made over HTTP: half of what the bucket holds, so that there is room for every revocation."""

PER_MINUTE = 30
"""Keys that a tenant may make in a minute."""

REMEMBERED_S = 24 * catalogue.HOUR_S
"""How long the bus remembers that an entry was removed."""

TRIES, WAIT_S = 5, 2.0
"""Of a revocation, while others change the same key; how long this process may take to learn of their change."""


class KeyAdministration:
    """Changes keys of the administrator's own tenant. Every refusal is a :class:`~gateway.errors.Refused`."""

    def __init__(self, ring: KeyRing, link: Link, *, most: int = MOST, per_minute: int = PER_MINUTE) -> None:
        self.ring = ring
        self.most = most
        self.one_at_a_time = asyncio.Lock()
        """Held while keys are changed: two administrators who revoke each other's keys do not both succeed."""
        self._link = link
        self._per_minute = per_minute
        self._made: dict[str, deque[float]] = {}

    async def make(self, by: Principal, wanted: NewKey) -> tuple[ApiKey, str]:
        """A new key and its text."""
        now = datetime.now(UTC)
        if wanted.tenant not in (None, by.tenant):
            error = "a key is made for the tenant of the administrator's own key; `drishti keys create --tenant` makes others"
            raise Refused(403, error, field="tenant")
        if not by.may(wanted.role):
            raise Refused(403, f"a key with role {by.role} may not make one with role {wanted.role}", field="role")
        try:
            expires_at = keys.expiry(wanted.expires, now=now) if wanted.expires is not None else None
            key, text = keys.new_key(
                name=wanted.name, tenant=by.tenant, role=wanted.role, now=now, expires_at=expires_at, made_by=by.id
            )
        except KeyProblem as problem:
            raise Refused(422, str(problem), field=problem.field) from None
        self._check_rate(by.tenant)
        await self._make_room(by.tenant, now)
        await self._write(keys.digest(text), key, replaces=0)
        log.info("an API key was made", extra=_noted(key, by))
        return key, text

    async def revoke(self, by: Principal, key_id: str) -> ApiKey:
        """Ends a key for good; a second time changes nothing."""
        for _ in range(TRIES):
            entry = self._entry(by.tenant, key_id)
            now = datetime.now(UTC)
            if entry.key.revoked_at is not None:
                return entry.key
            self._check_may_end(entry.key, now)
            revoked = msgspec.structs.replace(entry.key, revoked_at=now, revoked_by=by.id)
            try:
                await self._write(entry.name, revoked, replaces=entry.revision)
            except RevisionConflict:
                await self._wait_newer(entry)
            else:
                log.info("an API key was revoked", extra=_noted(revoked, by))
                return revoked
        raise Refused(503, "others change this key: it is not revoked yet, try again", retry_after_s=RETRY_AFTER_S)

    def _entry(self, tenant: str, key_id: str) -> KeyEntry:
        for entry in self.ring.of_tenant(tenant):
            if entry.key.id == key_id:
                return entry
        raise Refused(404, f"there is no key {key_id[:64]!r}", field="id")

    def _check_may_end(self, key: ApiKey, now: datetime) -> None:
        if key.role == "service":
            raise Refused(403, "this is the key of Drishti's own services: `drishti keys revoke` ends it", field="id")
        others = (entry.key for entry in self.ring.of_tenant(key.tenant) if entry.key.id != key.id)
        if key.role == "admin" and key.ended_at(now) is None:
            if any(other.role == "admin" and other.ended_at(now) is None for other in others):
                return
            error = (
                "this is the last key with the role admin of this tenant, without which keys could be made and revoked by "
                "`drishti keys` alone: make another one first"
            )
            raise Refused(409, error, field="id")

    def _check_rate(self, tenant: str) -> None:
        now = time.monotonic()
        made = self._made.setdefault(tenant, deque())
        while made and made[0] <= now - 60:
            made.popleft()
        if len(made) >= self._per_minute:
            error = f"more than {self._per_minute} keys were to be made in a minute"
            raise Refused(429, error, retry_after_s=made[0] + 60 - now)
        made.append(now)

    async def _make_room(self, tenant: str, now: datetime) -> None:
        """Removes the key that ended first where there are as many as may be. Of those that ``drishti keys`` made none is: they
        may have a text that is kept elsewhere, and would be made again from it."""
        there = self.ring.of_tenant(tenant)
        if len(there) < self.most and self.ring.count() < MOST_OF_ALL:
            return
        ended = [
            (at, entry) for entry in there if entry.key.made_by is not None and (at := entry.key.ended_at(now)) is not None
        ]
        if not ended:
            limit = f"this tenant has {len(there)} keys" if len(there) >= self.most else f"there are {self.ring.count()} keys"
            raise Refused(422, f"{limit}, and no more can be made: revoke some that nobody uses")
        _, oldest = min(ended, key=lambda one: one[0])
        entries = Entries(self._link.bus, catalogue.API_KEYS_BUCKET)
        revision = await entries.remove(oldest.name, replaces=oldest.revision, remembered_s=REMEMBERED_S)
        self.ring.take(oldest.name, None, revision)

    async def _write(self, name: str, key: ApiKey, *, replaces: int) -> None:
        encoded = keys.encode(key)
        revision = await Entries(self._link.bus, catalogue.API_KEYS_BUCKET).write(name, encoded, replaces=replaces)
        self.ring.take(name, encoded, revision)

    async def _wait_newer(self, entry: KeyEntry) -> None:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            there = self.ring.entry(entry.name)
            if there is None or there.revision > entry.revision:
                return
            await asyncio.sleep(0.02)


def described(key: ApiKey, *, now: datetime, last_used_at: datetime | None, own: bool) -> Key:
    """``key`` as it is answered."""
    return Key(
        id=key.id,
        name=key.name,
        tenant=key.tenant,
        role=key.role,
        state=state_of(key, now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=last_used_at,
        made_by=key.made_by,
        revoked_by=key.revoked_by,
        own=own,
    )


def state_of(key: ApiKey, now: datetime) -> State:
    """Whether ``key`` opens anything, and if not, what ended it first."""
    ended_at = key.ended_at(now)
    if ended_at is None:
        return "active"
    return "revoked" if ended_at == key.revoked_at else "expired"


def _noted(key: ApiKey, by: Principal) -> dict[str, str]:
    """What the log says of a change: who did what to which key, and nothing that opens anything."""
    expires = key.expires_at.isoformat() if key.expires_at is not None else "never"
    return {"tenant": key.tenant, "key_id": key.id, "role": key.role, "expires": expires, "by_key_id": by.id}
