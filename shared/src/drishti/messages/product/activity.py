"""What the gateway asks analytics about how many users are active, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.event_selections import Breakdown, CalendarInterval, Conditions, EventTypes, TimeZone
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

ActivityState = Literal["active", "new", "returning", "resurrected", "dormant"]


class ActivityQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: how many users were active in each day, week (from Monday) or month of ``tz`` that shares an
    instant with ``[from, to)``, by an event of ``event_types`` (none: of any) that meets ``where``; how many of them are new,
    come back from the period before or from longer ago; and how many were active in the period before alone.

    ``breakdown``: a property of the events; the users of each of its values are those with such an event."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    interval: CalendarInterval = "day"
    tz: TimeZone = "UTC"
    event_types: EventTypes = []
    where: Conditions = []
    cohort: CohortFilter = ""
    breakdown: Breakdown = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="values of the break-down")] = 10
    sample: bool = False


class ActivityUsersQuery(ActivityQuery, omit_defaults=True, kw_only=True):
    """A question to analytics: the users behind one number of :class:`ActivityAnswer`: of the period that begins at
    ``period_from``, those in this ``state``."""

    period_from: Annotated[int, Meta(description="`from` of a period in the answer")]
    state: ActivityState = "active"
    limit: UserLimit = 100


class ActivityPeriod(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """``active`` users of ``[from, to)`` are ``new`` (their first event of any kind is here), ``returning`` (active in the
    period before) or ``resurrected`` (active again). ``dormant`` ones were active in the period before, and are not in this
    one; while that is not ``complete``, they are not yet."""

    from_ms: EpochMs
    to_ms: EpochMs
    active: int
    new: int
    returning: int
    resurrected: int
    dormant: int
    complete: bool = False


class ActivityDay(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from"}):
    """Users who were active on a day of the calendar, and in the 7 and 30 days that end with it. ``stickiness``: the share of
    the users of 30 days who were active on this day; of nobody, there is none."""

    from_ms: EpochMs
    active: int
    last_7: int
    last_30: int
    stickiness: float | None = None
    complete: bool = False


class ActivityGroup(Struct, omit_defaults=True, kw_only=True):
    """The users with an event that has this value of the break-down. ``value`` is null where the event has none."""

    value: str | None
    users: int
    periods: list[ActivityPeriod]


class ActivityAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to an :class:`ActivityQuery`: ``from`` and ``to`` are those of whole periods, in which ``users`` were active.

    ``stickiness`` is the mean of that of the days that are complete. What happened before ``kept_from`` is not stored any more:
    a first event is the first one since then. ``groups``: the values with the most users; ``more_values`` are left out.
    ``sampled`` is the share of all users that was counted."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    kept_from: EpochMs
    interval: CalendarInterval
    sampled: float
    users: int
    periods: list[ActivityPeriod]
    days: list[ActivityDay]
    stickiness: float | None = None
    groups: list[ActivityGroup] = []
    more_values: int = 0
    excluded_users: ExcludedUsers = 0
