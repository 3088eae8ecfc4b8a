"""What the gateway asks analytics about the ids of people, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token

UserId = Annotated[str, Meta(min_length=1, max_length=256, description="an id as events have it in `user_id`")]


class PersonQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: whose is this id, and which others are the same person's?"""

    tenant: Token
    user_id: UserId


class PersonDay(Struct, omit_defaults=True, kw_only=True):
    """What a person did on one UTC day, as YYYY-MM-DD: at least one event or request."""

    day: str
    events: int = 0
    requests: int = 0
    failed_requests: int = 0


class PersonAnswer(Struct, omit_defaults=True, kw_only=True):
    """``person_id`` is the id that all answers give for this person. ``ids`` are up to 1,000 of theirs, that one first and the
    others by the order of their characters, and ``id_count`` says how many there are. ``events`` are those that are stored,
    under any of the ids; ``first_ms`` and ``last_ms`` when the first and the last of them happened, and ``sessions`` how many
    sessions they make where half an hour without one ends it. ``requests`` are those that services served to the person,
    null where counting them would take too long; ``failed_requests`` of them have an error or a status of 500 or more. ``days``
    are in order. ``properties`` are those that the person has now, and ``account`` is that of their latest `group` event."""

    as_of: EpochMs
    person_id: str
    ids: list[str]
    id_count: int
    events: int = 0
    first_ms: EpochMs | None = None
    last_ms: EpochMs | None = None
    sessions: int = 0
    requests: int | None = None
    failed_requests: int | None = None
    days: list[PersonDay] = []
    properties: dict[str, str] = {}
    account: str | None = None


MergeKind = Literal["identify", "alias"]
MergeState = Literal["joined", "ignored", "undone"]


class MergesQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: what was said of the ids of a person, one of which is ``user_id``? ``cursor`` is that of the
    answer before."""

    tenant: Token
    user_id: UserId
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Meta(max_length=4_096)] = ""


class Merge(Struct, omit_defaults=True, kw_only=True):
    """An event of the type ``kind`` said that ``from_id`` and ``to_id`` are one person: of several the earliest, with
    ``event_id`` and at ``at_ms``; of a merge that was undone before, the earliest since.

    ``ignored``: it joins nothing, since an earlier event says whose ``from_id`` is, or since that is a user."""

    kind: MergeKind
    from_id: str
    to_id: str
    state: MergeState
    at_ms: EpochMs
    event_id: str
    undone_ms: EpochMs | None = None


class MergesAnswer(Struct, omit_defaults=True, kw_only=True):
    """The merges that name an id of the person, in the order of ``from_id``. ``cursor`` asks for what follows; empty: nothing
    does."""

    as_of: EpochMs
    person_id: str
    merges: list[Merge]
    cursor: str = ""


class UndoMerge(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: this merge joins nothing from now on, until an event that happens later says it again. A second
    time changes nothing."""

    tenant: Token
    kind: MergeKind
    from_id: UserId
    to_id: UserId
