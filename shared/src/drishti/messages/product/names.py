"""What a tenant's events are called and what they have, and which users there are: for whoever asks about them. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token


class EventNamesQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: the names that questions about users can have."""

    tenant: Token


class EventNames(Struct, omit_defaults=True, kw_only=True):
    """Types and properties of stored events with a user, in the order of the alphabet; ``properties`` as conditions and
    break-downs name them. ``more``: there are more than could be listed."""

    as_of: EpochMs
    event_types: list[str]
    properties: list[str]
    more: bool = False


class UsersQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: users of whom an event is stored. With a ``prefix`` those whose ids begin with it, in the order
    of their ids; without, those who were active last."""

    tenant: Token
    prefix: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="users in the answer")] = 50


class KnownUser(Struct, omit_defaults=True, kw_only=True):
    """A person, by the id by which answers name them. ``last_day``: the UTC day of the latest event of those of their ids that
    the list looked through, as YYYY-MM-DD. ``matched``: an id of theirs that begins with the prefix, where theirs does not."""

    user_id: str
    last_day: str
    matched: str | None = None


class KnownUsers(Struct, omit_defaults=True, kw_only=True):
    """The answer to a :class:`UsersQuery`. ``more``: others are not listed."""

    as_of: EpochMs
    users: list[KnownUser]
    more: bool = False
