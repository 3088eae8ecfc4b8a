"""What the gateway asks analytics about funnels, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import ExcludedUsers

Window = Annotated[
    int, Meta(ge=1, le=7_776_000, description="seconds that a user has from the first step to the last; 90 days at most")
]
Limit = Annotated[int, Meta(ge=1, le=100, description="values of the break-down in the answer; the rest together as `other`")]


class FunnelStep(Struct, omit_defaults=True, kw_only=True):
    """An event of this type that meets all conditions."""

    event_type: Annotated[str, Meta(min_length=1, max_length=256)]
    where: Annotated[list[PropertyCondition], Meta(max_length=16)] = []


class FunnelQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: how many users did one step after another, the last within ``window_s`` of the first.

    The first step lies in ``[from, to)``; later ones may follow after ``to``. ``breakdown``: a property, whose value in the
    event of the first step tells users apart. ``sample``: of a sixteenth of the users only, which takes a sixteenth of the
    time."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    steps: Annotated[list[FunnelStep], Meta(min_length=2, max_length=12)]
    window_s: Window = 604_800
    cohort: CohortFilter = ""
    breakdown: Annotated[str, Meta(max_length=205)] = ""
    limit: Limit = 10
    sample: bool = False


class FunnelStepCount(Struct, omit_defaults=True, kw_only=True):
    """Users who got to a step. ``of_first`` and ``of_previous`` are shares from 0 to 1; of nobody, there is none."""

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
    multiplied."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    window_s: int
    sampled: float
    excluded_users: ExcludedUsers = 0
    steps: list[FunnelStepCount]
    times: ConversionTimes | None = None
    groups: list[FunnelGroup] = []
