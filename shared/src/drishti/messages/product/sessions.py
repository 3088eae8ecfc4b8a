"""What the gateway asks analytics about sessions, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

EventTypes = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=256)]],
    Meta(max_length=50, description="the types of events that count; all if none is given"),
]
Conditions = Annotated[list[PropertyCondition], Meta(max_length=16)]
PropertyName = Annotated[str, Meta(max_length=205)]
Gap = Annotated[
    int,
    Meta(ge=1, le=86_400, description="seconds without an event of its user after which a session has ended; a day at most"),
]
Midnight = Annotated[bool, Meta(description="a session ends at midnight of `tz` as well")]
Campaign = Annotated[bool, Meta(description="another `utm_campaign` begins another session")]
Zone = Annotated[str, Meta(min_length=1, max_length=64, description="IANA name of the time zone of days, weeks and months")]
Interval = Literal["", "day", "week", "month"]


class SessionsAsked(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Which sessions are meant, and by what they are told apart: what all questions about sessions have."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    event_types: EventTypes = []
    where: Conditions = []
    gap_s: Gap = 1_800
    midnight: Midnight = False
    campaign: Campaign = False
    tz: Zone = "UTC"
    breakdown: PropertyName = ""
    page: PropertyName = ""
    cohort: CohortFilter = ""
    sample: bool = False


class SessionsQuery(SessionsAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: the sessions that began in ``[from, to)``, with how long they took and what they had.

    A session counts where one of its events meets all of ``where``. ``breakdown``: a property, by whose first value in it
    sessions are grouped. ``page``: the property whose first and last values are a session's entry and exit. ``sample``: of a
    sixteenth of the users only."""

    interval: Annotated[Interval, Meta(description="of the series; none if not given. Weeks begin on Monday")] = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="values of the break-down, entries and exits in the answer")] = 10


class SessionMeasure(Struct, omit_defaults=True, kw_only=True):
    """What sessions have of something; percentiles by the nearest rank."""

    mean: float
    p50: int
    p90: int


class SessionPeriod(Struct, omit_defaults=True, kw_only=True):
    """The sessions that began in ``[start, end)``. Rates and means are null where there are none."""

    start: EpochMs
    end: EpochMs
    sessions: int
    users: int
    bounce_rate: float | None = None
    mean_duration_ms: float | None = None
    mean_depth: float | None = None


class SessionGroup(Struct, omit_defaults=True, kw_only=True):
    """Sessions of one value of the break-down, null where no event has one. ``users`` is null for ``other``, in which a user
    may be several times."""

    value: str | None
    sessions: int
    users: int | None = None
    bounce_rate: float | None = None
    duration_ms: SessionMeasure | None = None
    depth: SessionMeasure | None = None
    series: list[SessionPeriod] = []
    other: Annotated[bool, Meta(description="all further values together")] = False


class SessionPage(Struct, omit_defaults=True, kw_only=True):
    """Sessions that began or ended with a value."""

    value: str | None
    sessions: int
    other: Annotated[bool, Meta(description="all further values together")] = False


class SessionsAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`SessionsQuery`. ``bounce_rate``: the share of sessions with one event. ``depth``: events of a
    session.

    ``sampled`` is the share of all users that was counted; numbers are of these users, not multiplied."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    gap_s: int
    sampled: float
    excluded_users: ExcludedUsers = 0
    sessions: int
    users: int
    bounce_rate: float | None = None
    duration_ms: SessionMeasure | None = None
    depth: SessionMeasure | None = None
    series: list[SessionPeriod] = []
    groups: list[SessionGroup] = []
    entries: list[SessionPage] = []
    exits: list[SessionPage] = []


class SessionsUsersQuery(SessionsAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: the users of sessions that a :class:`SessionsQuery` counts, and that are chosen by all of what
    is given: ``value`` of ``breakdown``, ``entry`` and ``exit`` by ``page``, and whether they bounced."""

    value: str | None = None
    without_value: Annotated[bool, Meta(description="those in which no event has a value of `breakdown`")] = False
    entry: str | None = None
    exit: str | None = None
    bounced: bool | None = None
    limit: UserLimit = 100
