"""What is asked and answered about API keys, and about the erasure of users. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from drishti.events import Instant
from drishti.messages.product.erasure import UserId

State = Literal["active", "expired", "revoked"]


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key that is wanted. ``expires``: a time from now (``12h``, ``30d``, ``8w``) or an instant in ISO 8601; none: never.

    ``tenant`` may be left out: it is that of the administrator.
    """

    name: str
    role: Literal["producer", "viewer", "editor", "admin"]
    expires: str | None = None
    tenant: str | None = None


class Key(Struct, kw_only=True):
    """A key of the tenant, without its text. ``last_used_at`` is what this gateway noticed since ``Keys.noticed_since``.

    ``made_by`` and ``revoked_by`` are ids of keys; none where it was done by ``drishti keys``. ``own``: it is the asker's.
    """

    id: str
    name: str
    tenant: str
    role: str
    state: State
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None
    made_by: str | None
    revoked_by: str | None
    own: bool


class Keys(Struct, kw_only=True):
    """All keys of a tenant, oldest first, and how many it may have."""

    keys: list[Key]
    most: int
    noticed_since: Instant


class MadeKey(Struct, kw_only=True):
    """A key that was made, with its text, which is never shown again."""

    key: Key
    text: str


class UserToErase(Struct, frozen=True, forbid_unknown_fields=True):
    """A user who is to be erased. With ``block`` no event of theirs is ever stored again."""

    user_id: UserId
    block: bool = False
