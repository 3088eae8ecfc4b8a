"""What the gateway asks analytics about users who come back, and the answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from drishti.errors import DrishtiError
from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.event_selections import Breakdown, CalendarInterval, Conditions, EventSelection, TimeZone
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

RetentionKind = Literal["classic", "rolling", "bracketed"]
Bracket = Annotated[
    str, Meta(pattern=r"^[0-9]{1,3}(-[0-9]{1,3})?$(?!\n)", description="periods after the cohort's own: `4-7`, or `0`")
]
Brackets = Annotated[list[Bracket], Meta(max_length=92)]
Periods = Annotated[int, Meta(ge=1, le=92, description="columns: the cohort's own period, and those after it")]


MAX_AFTER = 200
"""Periods after the cohort's own that a bracket may reach."""


class RetentionQuery(
    Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to", "returning": "return"}
):
    """A question to analytics: how many of the users who began in a period came back in later ones.

    Cohorts are the users with a ``start`` in each day, week (from Monday) or month of ``tz`` that shares an instant with
    ``[from, to)``: with their first one of all that is kept, or with ``recurring`` with any. They are retained by an event that
    meets ``return``: ``classic`` in exactly that period, ``rolling`` in it or any later one, ``bracketed`` in any period of
    each of ``brackets``. Period 0 is the cohort's own, and is met by the start. ``where`` holds for both events.
    ``breakdown``: a property of the start."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    interval: CalendarInterval = "week"
    tz: TimeZone = "UTC"
    start: EventSelection = field(default_factory=EventSelection)
    returning: EventSelection = field(default_factory=EventSelection)
    where: Conditions = []
    recurring: bool = False
    kind: RetentionKind = "classic"
    periods: Periods = 8
    brackets: Brackets = []
    cohort: CohortFilter = ""
    breakdown: Breakdown = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="values of the break-down; the rest together as `other`")] = 10
    sample: bool = False


class RetentionUsersQuery(RetentionQuery, omit_defaults=True, kw_only=True):
    """A question to analytics: the users behind one cell of :class:`RetentionAnswer`: of the cohort that begins at
    ``cohort_from``, those who met column ``cell``, or did not (yet). With a ``breakdown``, only those of its ``value``, where
    one is given."""

    cohort_from: Annotated[int, Meta(description="`from` of a cohort in the answer")]
    cell: Annotated[int, Meta(ge=0, le=91, description="the place of the column, from 0")] = 0
    value: Annotated[str, Meta(max_length=1024)] | None = None
    without_value: Annotated[bool, Meta(description="those whose start has no value of `breakdown`")] = False
    outcome: Literal["retained", "lost"] = "retained"
    limit: UserLimit = 100


class RetentionColumn(Struct, omit_defaults=True, kw_only=True):
    """The periods after the cohort's own that a column is about, ``last`` included."""

    first: int
    last: int


class RetentionCohort(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """``size`` users who began in ``[from, to)``, and how many of them met each column, also as a share from 0 to 1; of nobody,
    there is none. Columns that have not begun are left out; those from place ``complete`` on are not over, and may still
    grow."""

    from_ms: EpochMs
    to_ms: EpochMs
    size: int
    users: list[int]
    shares: list[float | None]
    complete: int


class RetentionTotal(Struct, omit_defaults=True, kw_only=True):
    """For each column the users of the cohorts for which it is complete, and how many of them met it."""

    sizes: list[int]
    users: list[int]
    shares: list[float | None]


class RetentionGroup(Struct, omit_defaults=True, kw_only=True):
    """The users of one value of the break-down. ``value`` is null where the start has none."""

    value: str | None
    size: int
    cohorts: list[RetentionCohort]
    total: RetentionTotal
    other: Annotated[bool, Meta(description="all further values together")] = False


class RetentionAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`RetentionQuery`: ``from`` and ``to`` are those of whole periods. What happened before
    ``kept_from`` is not stored any more: a first event is the first one since then. ``sampled`` is the share of all users that
    was counted."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    kept_from: EpochMs
    interval: CalendarInterval
    sampled: float
    excluded_users: ExcludedUsers = 0
    columns: list[RetentionColumn]
    cohorts: list[RetentionCohort]
    total: RetentionTotal
    groups: list[RetentionGroup] = []


def columns_of(kind: RetentionKind, periods: int, brackets: Sequence[str]) -> list[RetentionColumn]:
    """The columns of a question; raises :class:`WrongBrackets`."""
    if kind != "bracketed":
        if brackets:
            raise WrongBrackets("brackets", "are for the kind `bracketed` only: leave them out")
        return [RetentionColumn(first=after, last=after) for after in range(periods)]
    if not brackets:
        raise WrongBrackets("brackets", "must be a list of at least one range of periods, such as `1-3`")
    columns: list[RetentionColumn] = []
    for place, text in enumerate(brackets):
        first, _, last = text.partition("-")
        column = RetentionColumn(first=int(first), last=int(last or first))
        if not (columns[-1].last if columns else -1) < column.first <= column.last <= MAX_AFTER:
            why = f"must begin after the one before, and end where it begins or later, after {MAX_AFTER} periods at most"
            raise WrongBrackets(f"brackets.{place}", why)
        columns.append(column)
    return columns


class WrongBrackets(DrishtiError):
    """Brackets that give no columns: ``field`` is the place in the question."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        super().__init__(why)
