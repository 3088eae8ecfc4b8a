"""What the gateway asks analytics about funnels, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

SESSION_GAP_S = 1_800

Window = Annotated[
    int, Meta(ge=1, le=7_776_000, description="seconds that a user has from the first step to the last; 90 days at most")
]
Limit = Annotated[int, Meta(ge=1, le=100, description="values of the break-down in the answer; the rest together as `other`")]
EventType = Annotated[str, Meta(min_length=1, max_length=256)]
Conditions = Annotated[list[PropertyCondition], Meta(max_length=16)]
PropertyName = Annotated[str, Meta(max_length=205)]
StepNumber = Annotated[int, Meta(ge=1, le=12, description="counted from 1")]

FunnelOrder = Annotated[
    Literal["ordered", "strict", "any"],
    Meta(description="steps one after the other, with nothing else in between, or in any order"),
]
FunnelUnit = Annotated[Literal["user", "session", "account"], Meta(description="whose events are taken together, and counted")]
FunnelOutcome = Annotated[
    Literal["converted", "dropped"], Meta(description="who reached the step, or the one before and not this one")
]
SessionGap = Annotated[
    int, Meta(ge=1, le=86_400, description="a session ends where so many seconds pass without an event of the user")
]


class FunnelStep(Struct, omit_defaults=True, kw_only=True):
    """An event of this type that meets all conditions."""

    event_type: EventType
    where: Conditions = []


class FunnelExclusion(Struct, omit_defaults=True, kw_only=True):
    """An event that must not lie between two steps: ``from_step`` and ``to_step``, counted from 1; the first and the last, if
    they are not given."""

    event_type: EventType
    where: Conditions = []
    from_step: StepNumber | None = None
    to_step: StepNumber | None = None


class FunnelDefinition(Struct, omit_defaults=True, kw_only=True):
    """Users did one step after another, the last within ``window_s`` of the first.

    ``breakdown``: a property, whose value in the event of the first step tells users apart. ``account``: the property that
    tells accounts apart, where ``unit`` is ``account``."""

    steps: Annotated[list[FunnelStep], Meta(min_length=2, max_length=12)]
    window_s: Window = 604_800
    cohort: CohortFilter = ""
    order: FunnelOrder = "ordered"
    exclusions: Annotated[list[FunnelExclusion], Meta(max_length=4)] = []
    unit: FunnelUnit = "user"
    gap_s: SessionGap = SESSION_GAP_S
    account: PropertyName = ""
    breakdown: PropertyName = ""
    limit: Limit = 10


class FunnelQuery(FunnelDefinition, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: how many users got how far in a funnel.

    The first step lies in ``[from, to)``; later ones may follow after ``to``. ``sample``: of a sixteenth of the users only,
    which takes a sixteenth of the time."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    sample: bool = False


class FunnelUsersQuery(FunnelQuery, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: who is behind a step of a funnel, by the same definition and the same events.

    With a ``breakdown``, only those of its ``value``, where one is given."""

    step: StepNumber
    outcome: FunnelOutcome = "converted"
    value: Annotated[str, Meta(max_length=1024)] | None = None
    without_value: Annotated[bool, Meta(description="those whose first step has no value of `breakdown`")] = False
    limit: UserLimit = 100


class FunnelStepCount(Struct, omit_defaults=True, kw_only=True):
    """Users, or whatever the ``unit`` is, who got to a step; in any order, who took so many of them. ``of_first`` and
    ``of_previous`` are shares from 0 to 1; of nobody, there is none."""

    event_type: str
    users: int
    of_first: float | None = None
    of_previous: float | None = None


class ConversionTimes(Struct, omit_defaults=True, kw_only=True):
    """From the first step to the last, in ms, of users who took all; percentiles by the nearest rank."""

    mean_ms: float
    p50_ms: int
    p90_ms: int
    p99_ms: int


class FunnelGroup(Struct, omit_defaults=True, kw_only=True):
    """The users of one value of the break-down. ``value`` is null where the event has none."""

    value: str | None
    steps: list[FunnelStepCount]
    times: ConversionTimes | None = None
    other: Annotated[bool, Meta(description="all further values together")] = False


class FunnelAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`FunnelQuery`: all users, and those of each value of the break-down, most users first.

    ``sampled`` is the share of all users that was counted, by a hash of ``user_id``; numbers are of these users, not
    multiplied. ``met_exclusion``: units that are counted in no step for an exclusion."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    window_s: int
    sampled: float
    excluded_users: ExcludedUsers = 0
    unit: FunnelUnit = "user"
    met_exclusion: int = 0
    steps: list[FunnelStepCount]
    times: ConversionTimes | None = None
    groups: list[FunnelGroup] = []
