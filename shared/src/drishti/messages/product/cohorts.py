"""Saved sets of users: what defines one, and what the gateway asks analytics about them. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.conditions import Name
from drishti.messages.product.event_selections import Conditions, EventTypes
from drishti.messages.product.users import UserLimit

MAX_COHORTS = 200
"""Of one tenant."""

MAX_USERS = 10_000
"""Of one static cohort."""

MAX_BYTES = 512 * 1024
"""Of a cohort as it is stored, in which ids may be long."""

COHORT = "cohort:"
"""What the name of a cohort has before it where a property is expected: as a break-down, or in conditions."""

CohortFilter = Annotated[
    str, Meta(max_length=64, description="the name of a cohort: the question is about its users only; everybody if not given")
]
Instant = Annotated[str, Meta(max_length=64, description="ISO 8601, epoch ms as a text, or relative, such as `now-30d`")]
UserIdText = Annotated[str, Meta(min_length=1, max_length=256)]
CohortUserIds = Annotated[list[UserIdText], Meta(min_length=1, max_length=MAX_USERS)]
Parts = Annotated[list["CohortCondition"], Meta(max_length=20)]


class DidEvents(Struct, omit_defaults=True, kw_only=True, rename={"from_": "from"}):
    """The user has ``at_least`` events, and not more than ``at_most``, of one of ``event_types`` (of any where none is given)
    that meet all conditions of ``where`` and lie in ``[from, to)``: of all that are stored where neither is given. What is
    relative is so to the moment of each question, in UTC."""

    event_types: EventTypes = []
    where: Conditions = []
    from_: Instant = ""
    to: Instant = ""
    at_least: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    at_most: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None


class UserMetric(Struct, omit_defaults=True, kw_only=True, rename={"from_": "from"}):
    """A number of the user, compared with ``value``: of the numbers that ``property`` has in the events that are chosen as by
    :class:`DidEvents`, their ``count``, ``sum``, ``mean``, ``min``, ``max`` or ``last``. Where there are none, the count is 0
    and nothing else is met. The last is that of the latest event; of several at one instant the largest."""

    function: Literal["count", "sum", "mean", "min", "max", "last"]
    property: Name
    op: Literal["=", "!=", "<", "<=", ">", ">="]
    value: float
    event_types: EventTypes = []
    where: Conditions = []
    from_: Instant = ""
    to: Instant = ""


class CohortCondition(Struct, omit_defaults=True, kw_only=True, rename={"not_": "not"}):
    """One of: ``all`` of these conditions, ``any`` of them, ``not`` this one, or what the user ``did``, or a ``metric`` of the
    user."""

    all: Parts = []
    any: Parts = []
    not_: CohortCondition | None = None
    did: DidEvents | None = None
    metric: UserMetric | None = None


class CohortsQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: the tenant's cohorts."""

    tenant: Token


class CohortQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: one cohort with its definition."""

    tenant: Token
    name: Token


class PutCohort(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: store a cohort in place of ``revision`` (0: there is none yet). It is live, the users who meet
    ``condition`` whenever somebody asks, or static: these ``users``, or those of the cohort ``users_of`` at this moment."""

    tenant: Token
    name: Token
    title: Annotated[str, Meta(max_length=100)] = ""
    description: Annotated[str, Meta(max_length=1000)] = ""
    condition: CohortCondition | None = None
    users: CohortUserIds | None = None
    users_of: Token | None = None
    revision: Annotated[int, Meta(ge=0)] = 0


class DeleteCohort(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: delete a cohort that is at ``revision``."""

    tenant: Token
    name: Token
    revision: Annotated[int, Meta(ge=1)]


class CohortUsersQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: how many users a cohort has at this moment, and some of them. Only users who have an event that
    is stored are counted."""

    tenant: Token
    name: Token
    limit: UserLimit = 100
    sample: bool = False


class CohortOverlapQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: how many users two cohorts have in common at this moment."""

    tenant: Token
    name: Token
    other: Token
    sample: bool = False


class Cohort(Struct, omit_defaults=True, kw_only=True):
    """A cohort as it is stored; ``user_count`` ids and ``users`` of a static one."""

    name: str
    title: str
    description: str
    kind: Literal["live", "static"]
    revision: int
    changed_ms: EpochMs
    condition: CohortCondition | None = None
    user_count: int | None = None
    users: list[str] = field(default_factory=list)


class CohortList(Struct, omit_defaults=True, kw_only=True):
    """All cohorts of a tenant by name, without the ids of static ones."""

    cohorts: list[Cohort]


class CohortOverlap(Struct, omit_defaults=True, kw_only=True):
    """Users of the first cohort, of the other, and of both. ``sampled``: the share of all users that was looked at."""

    as_of: EpochMs
    users: int
    other_users: int
    both: int
    sampled: float = 1.0
