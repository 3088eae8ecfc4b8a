"""What the gateway asks analytics about why users leave a funnel, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from drishti.messages.field_types import EpochMs
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.funnels import FunnelQuery, PropertyName

Around = Annotated[int, Meta(ge=1, le=86_400, description="seconds before and after the step before in which events count")]
MinUsers = Annotated[int, Meta(ge=10, le=1_000_000, description="users who have a value, and who have not, for it to be tried")]
Moment = Annotated[
    Literal["first_step", "step", "before", "after"],
    Meta(description="in the event of the first step, in that of the step before the one that is asked for, or around that"),
]


class FunnelAutopsyQuery(FunnelQuery, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: what differs between those who reached ``step`` of a funnel and those who left before it.

    ``properties`` are compared; if none is given, all that events have, as far as they are not too many. ``limit`` is of
    differences. Only funnels by user, without a break-down."""

    step: Annotated[int, Meta(ge=2, le=12, description="counted from 1")]
    around_s: Around = 60
    properties: Annotated[list[PropertyName], Meta(max_length=50)] = field(default_factory=list)
    min_users: MinUsers = 20


class AutopsyGroup(Struct, omit_defaults=True, kw_only=True):
    """``went_on`` of ``users``; the share with its interval of 95 %."""

    users: int
    went_on: int
    share: float
    low: float
    high: float


class AutopsyAlike(Struct, omit_defaults=True, kw_only=True):
    """Another difference, and how likely chance alone makes as much among users who are alike in it."""

    text: str
    p: float


class AutopsyDifference(Struct, omit_defaults=True, kw_only=True):
    """A value of ``property`` that goes with going on or leaving: the text ``value``, or numbers from ``from_value`` to below
    ``to_value``. ``difference`` is that of the shares, with its interval of 95 %, and ``lift`` their quotient. ``corrected_p``:
    for all values that were tried. ``users`` and ``trace_ids`` are samples of those who have it and left."""

    property: str
    moment: Moment
    value: str | None = None
    from_value: float | None = None
    to_value: float | None = None
    text: str
    having: AutopsyGroup
    others: AutopsyGroup
    difference: float
    low: float
    high: float
    lift: float | None = None
    p: float
    corrected_p: float
    alike: list[AutopsyAlike] = []
    users: list[str] = []
    trace_ids: list[str] = []


class FunnelAutopsyAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`FunnelAutopsyQuery`, the surest difference first. Of ``not_yet`` the window is not over.
    ``tried`` values were compared; where nothing differs, the probability that any is reported is ``false_discoveries`` at
    most. ``not_compared``: properties with too many values, or beyond the most that are compared at once."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    sampled: float
    excluded_users: ExcludedUsers = 0
    step: int
    around_s: int
    went_on: int
    left: int
    not_yet: int
    tried: int
    false_discoveries: float
    differences: list[AutopsyDifference] = []
    not_compared: list[str] = []
    text: list[str] = []
