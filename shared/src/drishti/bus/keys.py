"""API keys: who may use the public port, as which tenant, to do what.

A key's text is ``dk_<id>_<secret>``. The bus keeps its SHA-256 only: the secret has 256 random bits, so there is nothing for a
slow hash to protect, and a look-up costs a microsecond. The text is shown once, by :func:`create`.

A key may expire; from that instant it opens nothing, as if it were revoked. :class:`drishti.bus.key_ring.KeyRing` holds all
keys in memory for whoever checks them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from nats.js.errors import APIError, InvalidKeyError, KeyNotFoundError, KeyWrongLastSequenceError, NoKeysError
from nats.js.kv import KeyValue

from drishti.bus.faults import with_own_errors
from drishti.errors import DrishtiError
from drishti.events import Instant, Token
from drishti.messages import catalogue

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

MAX_NAME = 100
"""Characters that the name of a key may have."""

LONGEST = timedelta(days=3660)
"""The longest time after which a key may expire; one that is to last longer does not expire at all."""

_SPAN = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EXPIRIES = "a time from now such as 12h, 30d or 8w, or an instant in ISO 8601 with an offset such as 2027-01-31T00:00:00Z"

_MAY: dict[str, frozenset[str]] = {
    "producer": frozenset({"producer"}),
    "viewer": frozenset({"viewer"}),
    "editor": frozenset({"producer", "viewer", "editor"}),
    "admin": frozenset(ROLES),
    "service": frozenset({"producer", "service"}),
}


class KeyProblem(DrishtiError):
    """A key cannot be created or changed as asked, or does not exist. ``field``: what of a new key is to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class ApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the bus keeps of a key: everything but its text. ``made_by`` and ``revoked_by`` are the ids of the administrators'
    keys by which that was done over HTTP; without one it was done by ``drishti keys``."""

    id: str
    name: str
    tenant: Token
    role: Role
    created_at: Instant
    revoked_at: Instant | None = None
    expires_at: Instant | None = None
    made_by: str | None = None
    revoked_by: str | None = None

    def ended_at(self, now: datetime) -> datetime | None:
        """Since when it opens nothing; ``None`` while it opens something."""
        ends = [at for at in (self.revoked_at, self.expires_at) if at is not None and at <= now]
        return min(ends, default=self.revoked_at)


class Principal(Struct, frozen=True):
    """The owner of a key. ``may("viewer")``: whether that role's work is open to it."""

    id: str
    tenant: str
    role: str
    expires_s: float | None = None
    """Seconds since 1970 from which on the key opens nothing."""

    def may(self, role: Role) -> bool:
        """``admin`` may everything of its tenant; ``editor`` may read and produce; ``producer`` only produces,
        ``viewer`` only reads. ``service`` produces, also for other tenants."""
        return role in _MAY[self.role]


_decoder = msgspec.json.Decoder(ApiKey)
_encoder = msgspec.json.Encoder()
decode, encode = _decoder.decode, _encoder.encode
"""An entry of the bucket, read and written."""


def digest(text: str | bytes) -> str:
    """The name under which the bucket holds the key with this text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def new_key(
    *,
    name: str,
    tenant: str,
    role: Role,
    now: datetime,
    text: str | None = None,
    expires_at: datetime | None = None,
    made_by: str | None = None,
) -> tuple[ApiKey, str]:
    """A key that nobody knows yet, and its text. Raises :class:`KeyProblem` where it cannot be so."""
    if not name or len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
        error = f"the name of a key needs 1 to {MAX_NAME} printable characters, without spaces at its ends"
        raise KeyProblem(error, field="name")
    if text is None:
        key_id = secrets.token_hex(4)
        text = f"dk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    elif len(text) < _SHORTEST or not text.isascii() or not text.isprintable() or " " in text:
        raise KeyProblem(f"the text of a key needs {_SHORTEST} or more printable characters without spaces")
    else:
        key_id = _id_of(text)
    key = ApiKey(id=key_id, name=name, tenant=tenant, role=role, created_at=now, expires_at=expires_at, made_by=made_by)
    try:
        _decoder.decode(_encoder.encode(key))
    except msgspec.ValidationError as error:
        if str(error).endswith("`$.tenant`"):
            raise KeyProblem(f"{tenant!r} cannot be a tenant: use 1 to 64 of a-z, 0-9, _ and -", field="tenant") from None
        raise KeyProblem(str(error)) from None
    return key, text


def expiry(text: str, *, now: datetime) -> datetime:
    """The instant that ``text`` names: ``30d`` from ``now``, or ISO 8601. Raises :class:`KeyProblem`."""
    written = text.strip()
    span = _SPAN.fullmatch(written)
    try:
        at = now + int(span[1]) * _UNITS[span[2]] if span else datetime.fromisoformat(written)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        raise KeyProblem(f"{written[:40]!r} is no time at which a key can expire: use {_EXPIRIES}", field="expires")
    if not now < at <= now + LONGEST:
        raise KeyProblem("a key must expire in the future, and within ten years", field="expires")
    return at.astimezone(UTC)


@with_own_errors
async def create(
    kv: Bucket,
    *,
    name: str,
    tenant: str,
    role: Role,
    now: datetime,
    text: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its text, which can never be had again.

    With ``text`` given (24 characters or more, random) the step may be repeated: the key that is there is returned, also
    when it was revoked since. Raises :class:`KeyProblem` where that one has another tenant or role.
    """
    key, text = new_key(name=name, tenant=tenant, role=role, now=now, text=text, expires_at=expires_at)
    encoded = _encoder.encode(key)
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
