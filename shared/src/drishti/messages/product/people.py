"""What the gateway asks analytics about the ids of people, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token

UserId = Annotated[str, Meta(min_length=1, max_length=256, description="an id as events have it in `user_id`")]


class PersonQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: whose is this id, and which others are the same person's?"""

    tenant: Token
    user_id: UserId


class PersonAnswer(Struct, omit_defaults=True, kw_only=True):
    """``person_id`` is the id that all answers give for this person. ``ids`` are up to 1,000 of theirs, that one first and the
    others by the order of their characters, and ``id_count`` says how many there are. ``events`` are those that are stored,
    under any of the ids; ``first_ms`` and ``last_ms`` when the first and the last of them happened."""

    as_of: EpochMs
    person_id: str
    ids: list[str]
    id_count: int
    events: int = 0
    first_ms: EpochMs | None = None
    last_ms: EpochMs | None = None
