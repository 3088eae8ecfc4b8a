"""What the gateway asks analytics about the erasure of users, and the receipts. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token

UserId = Annotated[str, Meta(min_length=1, max_length=256, pattern="^[^\\x00]*\\Z", description="as events have it")]

ErasureState = Literal["running", "done"]


class EraseUser(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: erase everything that names this user. ``asked_by``: the id of the administrator's key.

    With ``block`` no event of this user is ever stored again; without, those that happen ten minutes after the order or
    later are."""

    tenant: Token
    user_id: UserId
    asked_by: str
    block: bool = False


class ErasureQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: the receipt of one erasure."""

    tenant: Token
    id: Annotated[str, Meta(max_length=64)]


class ErasuresQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: the latest receipts of a tenant."""

    tenant: Token
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class Erasure(Struct, omit_defaults=True, kw_only=True):
    """The receipt of an erasure, which does not hold the id of the user.

    ``user_hash`` is SHA-256 of tenant, a zero byte and the id. ``before_ms``: nothing of this user that happened earlier is
    stored again; null where nothing ever is (``block``). ``removed`` counts what was removed, by store: rows of tables, and
    messages of streams as ``stream EVENTS``."""

    id: str
    state: ErasureState
    user_hash: str
    asked_by: str
    asked_ms: EpochMs
    before_ms: EpochMs | None
    removed: dict[str, int]
    finished_ms: EpochMs | None = None


class ErasureList(Struct, omit_defaults=True, kw_only=True):
    """Receipts of a tenant, the latest first."""

    erasures: list[Erasure]
