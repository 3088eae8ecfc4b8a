"""What the gateway asks analytics about the engagement of users, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.event_selections import (
    Breakdown,
    CalendarInterval,
    Conditions,
    EventSelection,
    EventTypes,
    TimeZone,
)
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

Weight = Annotated[float, Meta(ge=0, le=1_000)]
Half = Annotated[float, Meta(ge=0.001, le=1_000_000)]
Rating = Annotated[float, Meta(ge=-1_000_000_000, le=1_000_000_000)]
Score = Annotated[float, Meta(ge=0, le=100)]


class EngagementWeights(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What each part counts, beside the others: only the ratios matter."""

    recency: Weight = 0.3
    frequency: Weight = 0.3
    depth: Weight = 0.2
    satisfaction: Weight = 0.2


class EngagementHalves(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where each part is 50: so many days after the last event, active days of the window, and events on an active day."""

    recency_days: Half = 7.0
    active_days: Half = 4.0
    events_per_day: Half = 5.0


class EngagementRatings(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What tells satisfaction: numbers of ``property`` in events of one of ``event_types``, of any where none is given, that
    meet all of ``where``; from ``low``, which is 0, to ``high``, which is 100."""

    property: Annotated[str, Meta(min_length=1, max_length=205)]
    event_types: EventTypes = []
    where: Conditions = []
    low: Rating = 0.0
    high: Rating = 5.0


class EngagementQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: how engaged users are, from 0 to 100, at ``to``, and at the end of each earlier day, week or
    month of ``tz`` that shares an instant with ``[from, to)``.

    At an instant each user counts who has an event of ``activity`` that meets ``where`` within the local day of the instant and
    the ``window_days - 1`` days before it. ``breakdown``: a property, by whose last value in these events users are
    grouped. ``sample``: of a sixteenth of the users only."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    interval: CalendarInterval = "day"
    tz: TimeZone = "UTC"
    activity: EventSelection = field(default_factory=EventSelection)
    where: Conditions = []
    satisfaction: EngagementRatings | None = None
    window_days: Annotated[int, Meta(ge=1, le=92)] = 28
    weights: EngagementWeights = EngagementWeights()
    halves: EngagementHalves = EngagementHalves()
    cohort: CohortFilter = ""
    breakdown: Breakdown = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="values of the break-down; the rest together as `other`")] = 10
    sample: bool = False


class EngagementUsersQuery(EngagementQuery, omit_defaults=True, kw_only=True):
    """A question to analytics: the users behind an :class:`EngagementAnswer`, with what their scores are made of: those with
    the lowest or the highest scores, of ``[from_score, to_score)`` and of a ``value`` of the break-down where these are
    given."""

    at: Annotated[EpochMs | None, Meta(description="`at` of a point of the series; the last one if not given")] = None
    order: Literal["lowest", "highest"] = "lowest"
    from_score: Score = 0.0
    to_score: Annotated[Score, Meta(description="100 is included")] = 100.0
    value: str | None = None
    without_value: Annotated[bool, Meta(description="those of whom no event has a value of `breakdown`")] = False
    limit: UserLimit = 100


class EngagementParts(Struct, omit_defaults=True, kw_only=True):
    """The means of users' parts, 0 to 100; of satisfaction that of the users who rated, null where nobody did."""

    recency: float
    frequency: float
    depth: float
    satisfaction: float | None = None


class EngagementBin(Struct, omit_defaults=True, kw_only=True):
    """Users with a score in ``[from_score, to_score)``; 100 is in the last one."""

    from_score: float
    to_score: float
    users: int


class EngagementPoint(Struct, omit_defaults=True, kw_only=True):
    """The users at the instant ``at``, which ends the period from ``start``. Means are null of nobody."""

    start: EpochMs
    at: EpochMs
    users: int
    rated: int
    mean: float | None = None
    parts: EngagementParts | None = None


class EngagementGroup(Struct, omit_defaults=True, kw_only=True):
    """The users of one value of the break-down at ``to``. ``value`` is null where none of a user's events has one."""

    value: str | None
    users: int
    rated: int
    mean: float | None = None
    p50: float | None = None
    parts: EngagementParts | None = None
    distribution: list[EngagementBin] = []
    series: list[EngagementPoint] = []
    other: Annotated[bool, Meta(description="all further values together")] = False


class EngagementAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to an :class:`EngagementQuery`: of the ``users`` at ``to``, or at ``as_of`` where that is earlier, of whom
    ``rated`` rated something, the mean score, percentiles by the nearest rank, the means of the parts and how many have which
    scores. What happened before ``kept_from`` is not stored any more."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    kept_from: EpochMs
    interval: CalendarInterval
    sampled: float
    users: int
    rated: int
    mean: float | None = None
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    parts: EngagementParts | None = None
    distribution: list[EngagementBin] = []
    series: list[EngagementPoint] = []
    groups: list[EngagementGroup] = []
    excluded_users: ExcludedUsers = 0


class EngagementPart(Struct, omit_defaults=True, kw_only=True):
    """``value``: 0 to 100. ``points``: what of the score comes from it."""

    value: float
    points: float


class EngagedUser(Struct, omit_defaults=True, kw_only=True):
    """One user's score, which is the sum of the points of its parts, and what they follow from: the last event, the active days
    of the window, the events in it, and the ratings with their mean. Without ratings there is no satisfaction, and the other
    parts count more."""

    user_id: str
    score: float
    recency: EngagementPart
    frequency: EngagementPart
    depth: EngagementPart
    satisfaction: EngagementPart | None = None
    last_ms: EpochMs
    active_days: int
    events: int
    ratings: int
    mean_rating: float | None = None


class EngagedUsers(Struct, omit_defaults=True, kw_only=True):
    """The answer to an :class:`EngagementUsersQuery`: ``total`` users at the instant ``at``, and some of them in the order that
    was asked for. ``sampled``: the share of all users that was looked at."""

    as_of: EpochMs
    at: EpochMs
    total: int
    users: list[EngagedUser]
    sampled: float = 1.0
    excluded_users: ExcludedUsers = 0
