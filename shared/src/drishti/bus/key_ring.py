"""The API keys in memory: who holds a key is answered without asking the bus.

:class:`KeyRing` follows the bucket, so that a new or revoked key counts within moments, and looks at the clock for keys that
expire.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from drishti.bus.deliveries import Message
from drishti.bus.keys import ApiKey, Principal, decode, digest
from drishti.messages import catalogue, subjects

if TYPE_CHECKING:
    from drishti.bus.connection import Bus

log = logging.getLogger(__name__)

REMEMBERED_DIGESTS = 1_000
"""Texts of keys whose digests are computed once, not with every request."""


class KeyEntry(NamedTuple):
    """A key as the bucket has it: its name there, and the revision that a change replaces."""

    name: str
    key: ApiKey
    revision: int


class KeyRing:
    """The keys that count now. :meth:`follow` keeps them current; :meth:`check` answers from memory.

    ``now`` gives seconds since 1970. A key counts as used where this ring was asked for it, since ``began``.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._entries: dict[str, KeyEntry] = {}
        self._keys: dict[str, Principal] = {}
        self._digests: dict[bytes, str] = {}
        self._used: dict[str, float] = {}
        self._next_expiry = math.inf
        self._changes = 0
        self.began = now()
        self.loaded = asyncio.Event()

    @property
    def changes(self) -> int:
        """Counts the changes, of which one is that a key expires: while it is the same, so are the answers."""
        if self._next_expiry <= self._now():
            self._drop_expired()
        return self._changes

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections are waited out.

        ``loaded`` is set when all keys of the moment of the call are known.
        """
        prefix = subjects.bucket_entry(catalogue.API_KEYS_BUCKET, "")

        async def take(msg: Message) -> None:
            operation = msg.headers.get("KV-Operation") if msg.headers else None
            value = None if operation in ("DEL", "PURGE") else msg.data
            self.take(msg.subject.removeprefix(prefix), value, msg.metadata.sequence.stream)

        await bus.replay(
            catalogue.bucket_stream(catalogue.API_KEYS_BUCKET),
            subjects=[subjects.bucket_entry(catalogue.API_KEYS_BUCKET, ">")],
            start=datetime(2000, 1, 1, tzinfo=UTC),
            handler=take,
            stop=stop,
            ready=self.loaded,
            restarted=self._forget_all,
        )

    def _forget_all(self) -> None:
        """The bucket is read anew."""
        self._changes += 1
        self._entries.clear()
        self._keys.clear()
        self._digests.clear()

    def take(self, name: str, value: bytes | None, revision: int = 0) -> None:
        """One entry of the bucket at ``revision``; ``None`` where it was deleted. What cannot be read opens nothing."""
        there = self._entries.get(name)
        if there is not None and there.revision > revision > 0:
            return  # this process wrote a later one itself
        self._changes += 1
        self._entries.pop(name, None)
        if self._keys.pop(name, None) is not None:
            self._digests.clear()
        if value is None:
            self._used.pop(name, None)
            return
        try:
            key = decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("an API key cannot be read and is refused", extra={"key": name[:8], "reason": str(error)})
            return
        self._entries[name] = KeyEntry(name, key, revision)
        if key.revoked_at is None:
            expires_s = key.expires_at.timestamp() if key.expires_at is not None else None
            self._keys[name] = Principal(key.id, key.tenant, key.role, expires_s)
            if expires_s is not None:
                self._next_expiry = min(self._next_expiry, expires_s)

    def check(self, header: str | bytes) -> Principal | None:
        """Who holds the key in ``header``: ``Bearer <text>`` or the text alone; ``None`` where nobody does."""
        text = _text_of(header)
        name = self._digests.get(text)
        if name is None:
            name = digest(text)
            if name in self._keys and len(self._digests) < REMEMBERED_DIGESTS:  # of no text that opens nothing
                self._digests[text] = name
        principal = self._keys.get(name)
        if principal is None:
            return None
        now = self._now()
        if principal.expires_s is not None and principal.expires_s <= now:
            return None
        self._used[name] = now
        return principal

    def why_not(self, header: str | bytes) -> str:
        """Why :meth:`check` knows nobody: what became of the key. Only who has the text of a key learns that."""
        entry = self._entries.get(digest(_text_of(header)))
        if entry is None:
            return "the API key is not valid"
        ended_at = entry.key.ended_at(datetime.fromtimestamp(self._now(), UTC))
        if ended_at is None:
            return "the API key is not valid"
        how = "was revoked" if ended_at == entry.key.revoked_at else "expired"
        return f"the API key {how} at {ended_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    def of_tenant(self, tenant: str) -> list[KeyEntry]:
        """Every key of ``tenant``, also those that have ended, oldest first."""
        return sorted((entry for entry in self._entries.values() if entry.key.tenant == tenant), key=_age)

    def entry(self, name: str) -> KeyEntry | None:
        """The key of this name in the bucket."""
        return self._entries.get(name)

    def count(self) -> int:
        """How many keys there are of all tenants, those that have ended among them."""
        return len(self._entries)

    def used_at(self, name: str) -> datetime | None:
        """When :meth:`check` knew this key last; ``None``: not since ``began``."""
        used = self._used.get(name)
        return datetime.fromtimestamp(used, UTC) if used is not None else None

    def _drop_expired(self) -> None:
        now = self._now()
        expiries = {name: one.expires_s for name, one in self._keys.items() if one.expires_s is not None}
        for name in [name for name, expires_s in expiries.items() if expires_s <= now]:
            del self._keys[name], expiries[name]
            self._changes += 1
        self._digests.clear()
        self._next_expiry = min(expiries.values(), default=math.inf)

    def __len__(self) -> int:
        return len(self._keys)


def _age(entry: KeyEntry) -> tuple[datetime, str]:
    return entry.key.created_at, entry.key.id


def _text_of(header: str | bytes) -> bytes:
    text = header.encode("latin-1", "replace") if isinstance(header, str) else header
    return text[7:].strip() if text[:7].lower() == b"bearer " else text
