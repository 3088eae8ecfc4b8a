"""What the gateway asks analytics about experience and behaviour, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.users import UserLimit

PropertyName = Annotated[str, Meta(max_length=205)]
Conditions = Annotated[list[PropertyCondition], Meta(max_length=16)]
Exposure = Annotated[
    int, Meta(ge=1, le=2_592_000, description="seconds from a user's first event in which the dose is met; 30 days at most")
]
Within = Annotated[
    int, Meta(ge=1, le=7_776_000, description="seconds after that in which the outcome is looked for; 90 days at most")
]
Strata = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=205)]],
    Meta(max_length=5, description="`activity`, or properties; `activity`, `service` and `version` if not given"),
]


class EventsMet(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Events of a type, of any if none is given, that meet all conditions."""

    event_type: Annotated[str, Meta(max_length=256)] = ""
    where: Conditions = []


class Dose(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is met: how many of these events, or the mean or the largest value of a numeric ``property`` of them."""

    event_type: Annotated[str, Meta(max_length=256)] = ""
    where: Conditions = []
    measure: Literal["count", "mean", "max"] = "count"
    property: PropertyName = ""


class Outcome(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is done afterwards: any event (``return``), an event of this type (``conversion``), or the number of UTC days with
    such an event, or with any (``active_days``)."""

    kind: Literal["return", "conversion", "active_days"] = "return"
    event_type: Annotated[str, Meta(max_length=256)] = ""
    where: Conditions = []


class DoseResponseAsked(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Which users take part, what they meet and what they do: what all questions about dose and response have."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    start: EventsMet = EventsMet()
    dose: Dose
    outcome: Outcome = Outcome()
    exposure_s: Exposure = 86_400
    within_s: Within = 604_800
    cohort: CohortFilter = ""
    sample: bool = False


class DoseResponseQuery(DoseResponseAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: what users do after they met something, by how much of it they met.

    A user takes part whose first event of ``start`` lies in ``[from, to)``. The dose is met within ``exposure_s`` from there,
    the outcome is looked for within ``within_s`` after that. Users are told apart by ranges of the dose: ``bins`` of as many
    users each, or those between ``edges``. ``strata``: what else may tell them apart, `activity` or properties."""

    bins: Annotated[int, Meta(ge=2, le=20)] = 5
    edges: Annotated[list[float], Meta(max_length=19, description="where ranges of the dose begin, ascending")] = []
    strata: Strata = field(default_factory=lambda: ["activity", "service", "version"])


class DoseTrend(Struct, omit_defaults=True, kw_only=True):
    """``z`` above 0: the outcome rises with the dose. ``p``: how likely chance alone gives as much of a trend, two-sided."""

    z: float
    p: float


class DoseBin(Struct, omit_defaults=True, kw_only=True):
    """Users with a dose in ``[from_dose, to_dose)``; an end that is null is open. ``value``: the share of them with the
    outcome, 0 to 1, of ``active_days`` their mean, and its 95 % interval from ``low`` to ``high``. ``few``: fewer than 30."""

    users: int
    value: float
    from_dose: float | None = None
    to_dose: float | None = None
    mean_dose: float | None = None
    with_outcome: int | None = None
    low: float | None = None
    high: float | None = None
    few: bool = False


class StratumBin(Struct, omit_defaults=True, kw_only=True):
    """Users of a stratum and a range of the dose; of nobody there is no value."""

    users: int
    value: float | None = None


class DoseStratum(Struct, omit_defaults=True, kw_only=True):
    """Users of one value, with the ranges of all. ``value`` is null where the event has none."""

    value: str | None
    users: int
    bins: list[StratumBin]
    trend: DoseTrend | None = None
    other: Annotated[bool, Meta(description="all further values together")] = False


class Confounder(Struct, omit_defaults=True, kw_only=True):
    """What else tells users apart. ``trend``: that within its values, of all of them together."""

    name: str
    strata: list[DoseStratum]
    trend: DoseTrend | None = None


class DoseResponseAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`DoseResponseQuery`. ``users`` have a dose and an outcome that is known; of ``not_yet`` the time
    for the outcome is not over; ``without_dose`` met no such event. ``spearman``: the rank correlation, -1 to 1. ``text`` says
    what the numbers mean, and what they do not."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    sampled: float
    excluded_users: ExcludedUsers = 0
    users: int
    not_yet: int
    bins: list[DoseBin]
    without_dose: DoseBin | None = None
    trend: DoseTrend | None = None
    spearman: float | None = None
    confounders: list[Confounder] = []
    text: list[str] = []


class DoseResponseUsersQuery(DoseResponseAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: the users of a range of the dose that a :class:`DoseResponseQuery` counts. ``with_outcome``:
    those with the outcome, or without it. ``as_of``: that of the answer; without it, now."""

    from_dose: float | None = None
    to_dose: float | None = None
    without_dose: bool = False
    with_outcome: bool | None = None
    as_of: EpochMs | None = None
    limit: UserLimit = 100
