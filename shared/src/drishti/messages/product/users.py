"""The users behind a number. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs
from drishti.messages.product.exclusion import ExcludedUsers

UserLimit = Annotated[int, Meta(ge=1, le=1_000, description="users in the answer")]


class UserList(Struct, omit_defaults=True, kw_only=True):
    """``total`` users, and the ids of some of them. ``sampled``: the share of all users that was looked at."""

    as_of: EpochMs
    total: int
    users: list[str]
    sampled: float = 1.0
    excluded_users: ExcludedUsers = 0
