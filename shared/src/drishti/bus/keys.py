"""API keys: who may use the public port, as which tenant, to do what.

A key's text is ``dk_<id>_<secret>``. The bus keeps its SHA-256 only: the secret has 256 random bits, so there is nothing for a
slow hash to protect, and a look-up costs a microsecond. The text is shown once, by :func:`create`.

:class:`KeyRing` holds all keys in memory and follows the bucket, so that a new or revoked key counts within moments and no
request waits for the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Struct
from nats.js.errors import APIError, InvalidKeyError, KeyNotFoundError, KeyWrongLastSequenceError, NoKeysError
from nats.js.kv import KeyValue

from drishti.bus.deliveries import Message
from drishti.bus.faults import with_own_errors
from drishti.errors import DrishtiError
from drishti.events import Instant, Token
from drishti.messages import catalogue, subjects

if TYPE_CHECKING:
    from drishti.bus.connection import Bus

log = logging.getLogger(__name__)

Bucket: TypeAlias = KeyValue
"""What :meth:`~drishti.bus.connection.Bus.kv` gives for the keys' bucket."""

Role = Literal["producer", "viewer", "editor", "admin", "service"]
ROLES: tuple[Role, ...] = ("producer", "viewer", "editor", "admin")
"""Those that a key is made with. ``service`` is for Drishti's own processes: their spans are of the tenants that they name."""

ATTEMPTS, RETRY_S = 20, 0.05
"""How often the entries are asked for while the bus has some and the client sees none."""

TRIES = 5
"""Of a revocation, while others change the same key or take the room that was made for it."""

AT_ONCE = 256
"""Entries that are asked for at the same time."""

ROOM = 4096
"""Bytes by which a full bucket grows for a revocation; an entry has some 200."""

_STORE_FAILED = 10077
"""JetStream's code where a message does not fit into its stream."""

_SECRET_BYTES = 32
_SHORTEST = 24
"""A given text must be long enough to be beyond guessing, since its hash is a plain one."""

_MAY: dict[str, frozenset[str]] = {
    "producer": frozenset({"producer"}),
    "viewer": frozenset({"viewer"}),
    "editor": frozenset({"producer", "viewer", "editor"}),
    "admin": frozenset(ROLES),
    "service": frozenset({"producer", "service"}),
}


class KeyProblem(DrishtiError):
    """A key cannot be created or changed as asked, or does not exist."""


class ApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the bus keeps of a key: everything but its text."""

    id: str
    name: str
    tenant: Token
    role: Role
    created_at: Instant
    revoked_at: Instant | None = None


class Principal(Struct, frozen=True):
    """The owner of a key. ``may("viewer")``: whether that role's work is open to it."""

    id: str
    tenant: str
    role: str

    def may(self, role: Role) -> bool:
        """``admin`` may everything of its tenant; ``editor`` may read and produce; ``producer`` only produces,
        ``viewer`` only reads. ``service`` produces, also for other tenants."""
        return role in _MAY[self.role]


_decoder = msgspec.json.Decoder(ApiKey)
_encoder = msgspec.json.Encoder()


def digest(text: str | bytes) -> str:
    """The name under which the bucket holds the key with this text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


@with_own_errors
async def create(
    kv: Bucket, *, name: str, tenant: str, role: Role, now: datetime, text: str | None = None
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its text, which can never be had again.

    With ``text`` given (24 characters or more, random) the step may be repeated: the key that is there is returned, also
    when it was revoked since. Raises :class:`KeyProblem` where that one has another tenant or role.
    """
    if text is None:
        key_id = secrets.token_hex(4)
        text = f"dk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    elif len(text) < _SHORTEST or not text.isascii() or not text.isprintable() or " " in text:
        raise KeyProblem(f"the text of a key needs {_SHORTEST} or more printable characters without spaces")
    else:
        key_id = _id_of(text)
    key = ApiKey(id=key_id, name=name, tenant=tenant, role=role, created_at=now)
    encoded = _encoder.encode(key)
    try:
        _decoder.decode(encoded)
    except msgspec.ValidationError as error:
        if str(error).endswith("`$.tenant`"):
            raise KeyProblem(f"{tenant!r} cannot be a tenant: use 1 to 64 of a-z, 0-9, _ and -") from None
        raise KeyProblem(str(error)) from None
    try:
        await kv.create(digest(text), encoded)
    except KeyWrongLastSequenceError:
        existing = _decoder.decode((await kv.get(digest(text))).value or b"")
        if (existing.tenant, existing.role) != (tenant, role):
            raise KeyProblem(f"key {existing.id} exists as {existing.role} of tenant {existing.tenant}") from None
        return existing, text
    except APIError as error:
        if error.err_code != _STORE_FAILED:
            raise
        name = catalogue.bucket_stream(catalogue.API_KEYS_BUCKET)
        raise KeyProblem(f"there is no room for another key: NATS says {error.description!r} (stream {name})") from error
    return key, text


@with_own_errors
async def set_role(kv: Bucket, *, text: str, role: Role) -> None:
    """Gives the key with this text another role, where it is there and has another."""
    try:
        entry = await kv.get(digest(text))
    except KeyNotFoundError:
        return
    key = _decoder.decode(entry.value or b"")
    if key.role != role:
        await kv.update(digest(text), _encoder.encode(msgspec.structs.replace(key, role=role)), last=entry.revision)


@with_own_errors
async def list_keys(kv: Bucket) -> list[ApiKey]:
    """All keys, revoked ones too, oldest first."""
    return sorted([key for _, key, _ in await _entries(kv)], key=lambda key: key.created_at)


@with_own_errors
async def revoke(kv: Bucket, key_id: str, *, now: datetime) -> ApiKey:
    """Ends a key for good; a second time changes nothing. Raises :class:`KeyProblem` where there is no such key.

    A bucket that is full takes no new key, but a revocation is never refused for want of room: the bucket's limit is raised by
    what it needs. Needs the rights of the ``admin`` user, as every change of keys does.
    """
    for _ in range(TRIES):
        name, key, revision = await _entry(kv, key_id)
        if key.revoked_at is not None:
            return key
        revoked = msgspec.structs.replace(key, revoked_at=now)
        try:
            await kv.update(name, _encoder.encode(revoked), last=revision)
        except KeyWrongLastSequenceError:
            continue  # somebody changed it since it was read
        except APIError as error:
            if error.err_code != _STORE_FAILED:
                raise
            await _make_room(kv)
        else:
            return revoked
    raise KeyProblem(f"key {key_id!r} could not be revoked in {TRIES} tries, so it still opens: try again")


async def _entry(kv: Bucket, key_id: str) -> tuple[str, ApiKey, int]:
    for entry in await _entries(kv):
        if entry[1].id == key_id:
            return entry
    raise KeyProblem(f"there is no key {key_id!r}")


async def _make_room(kv: Bucket) -> None:
    info = (await kv.status()).stream_info
    config = info.config
    if config.max_bytes is None or config.max_bytes < 0:
        return  # it has no limit of its own to raise: the next try reports the reason
    config.max_bytes = max(config.max_bytes, info.state.bytes) + ROOM
    await kv._js.update_stream(config)  # nats-py offers no public way from a bucket to its stream


async def _entries(kv: Bucket) -> list[tuple[str, ApiKey, int]]:
    names = await _names(kv)
    entries: list[tuple[str, ApiKey, int]] = []
    for start in range(0, len(names), AT_ONCE):
        read = await asyncio.gather(*(_read(kv, name) for name in names[start : start + AT_ONCE]))
        entries += [entry for entry in read if entry is not None]
    return entries


async def _read(kv: Bucket, name: str) -> tuple[str, ApiKey, int] | None:
    try:
        entry = await kv.get(name)
    except (KeyNotFoundError, InvalidKeyError):  # deleted since the names were read; or by no means the digest of a key
        return None
    try:
        return name, _decoder.decode(entry.value or b""), entry.revision or 0
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("an entry is no key and counts for nothing", extra={"entry": name, "reason": str(error)})
        return None


async def _names(kv: Bucket) -> list[str]:
    """Of all entries. nats-py calls a bucket empty while entries that exist have not reached it yet, so it is asked again."""
    for _ in range(ATTEMPTS):
        with contextlib.suppress(NoKeysError):
            return await kv.keys()
        if not (await kv.status()).values:
            break
        await asyncio.sleep(RETRY_S)
    return []


def _id_of(text: str) -> str:
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "dk" and parts[1] else digest(text)[:8]


REMEMBERED_DIGESTS = 1_000
"""Texts of keys whose digests are computed once, not with every request."""


class KeyRing:
    """The keys that count now. :meth:`follow` keeps them current; :meth:`check` answers from memory. ``changes``
    counts what came: while it is the same, so are the answers."""

    def __init__(self) -> None:
        self._keys: dict[str, Principal] = {}
        self._digests: dict[bytes, str] = {}
        self.changes = 0
        self.loaded = asyncio.Event()

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections are waited out.

        ``loaded`` is set when all keys of the moment of the call are known.
        """
        prefix = subjects.bucket_entry(catalogue.API_KEYS_BUCKET, "")

        async def take(msg: Message) -> None:
            operation = msg.headers.get("KV-Operation") if msg.headers else None
            self.take(msg.subject.removeprefix(prefix), None if operation in ("DEL", "PURGE") else msg.data)

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
        self.changes += 1
        self._keys.clear()

    def take(self, name: str, value: bytes | None) -> None:
        """One entry of the bucket as it is now; ``None`` where it was deleted. What cannot be read opens nothing."""
        self.changes += 1
        if self._keys.pop(name, None) is not None:
            self._digests.clear()
        if value is None:
            return
        try:
            key = _decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("an API key cannot be read and is refused", extra={"key": name[:8], "reason": str(error)})
            return
        if key.revoked_at is None:
            self._keys[name] = Principal(key.id, key.tenant, key.role)

    def check(self, header: str | bytes) -> Principal | None:
        """Who holds the key in ``header``: ``Bearer <text>`` or the text alone; ``None`` where nobody does."""
        text = header.encode("latin-1", "replace") if isinstance(header, str) else header
        if text[:7].lower() == b"bearer ":
            text = text[7:].strip()
        name = self._digests.get(text)
        if name is None:
            name = digest(text)
            if name in self._keys and len(self._digests) < REMEMBERED_DIGESTS:  # of no text that opens nothing
                self._digests[text] = name
        return self._keys.get(name)

    def __len__(self) -> int:
        return len(self._keys)
