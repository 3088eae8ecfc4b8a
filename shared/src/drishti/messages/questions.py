"""What the gateway asks analytics about the values of metrics, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from drishti.messages.field_types import EpochMs, Resolution, ServiceNames, Step, Token, known_values


class Query(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: one aggregate of one metric over ``[from, to)``.

    ``filters`` maps a dimension to the value it must have; ``group_by`` lists the dimensions to keep apart.
    """

    tenant: Token
    metric: Token
    aggregate: str
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Resolution | None = None
    group_by: list[str] = []
    filters: dict[str, str] = {}


class QuerySeries(Struct, kw_only=True):
    """One line of an answer. ``total`` is the aggregate over the whole range, not a sum or mean of the points."""

    labels: dict[str, str]
    total: float | None
    points: list[tuple[int, float | None]]


class QueryAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`Query`. ``as_of``: everything committed before this instant is in it."""

    metric: str
    aggregate: str
    unit: str
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Resolution
    source: str
    as_of: EpochMs
    series: list[QuerySeries]
    service_names: ServiceNames = {}


class LabelFilter(Struct, omit_defaults=True, kw_only=True):
    """A condition on a label: ``value`` of ``=``, ``!=`` and ``prefix``, ``values`` of ``in``; ``exists``: it is not empty."""

    label: str
    op: Literal["=", "!=", "in", "prefix", "exists"] = "="
    value: str = ""
    values: list[str] = []


class Question(Struct, omit_defaults=True, kw_only=True):
    """An ``aggregate`` of a ``metric`` or an ``expression`` over several; an answer repeats ``name``.

    ``filters`` must all be met, and so must ``where``, a condition as in an expression: both are for a metric. ``group_by``
    lists the labels to keep apart; with ``top``, only so many groups by their totals, and the rest together as ``other``.
    ``bins``, with a percentile of a metric: its values are counted in so many ranges, too.
    """

    name: str = ""
    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    filters: list[LabelFilter] = []
    where: str = ""
    group_by: list[str] = []
    top: int | None = None
    bins: int | None = None


class QuestionSet(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Some questions to analytics over one range ``[from, to)``, in steps of ``resolution`` (``None``: as fits the range).

    Days and weeks begin at midnight in ``time_zone``. ``compare``: the same over the range before, or a day or week earlier.
    """

    tenant: Token
    questions: list[Question]
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Step | None = None
    time_zone: str = "UTC"
    compare: Literal["previous", "1d", "1w"] | None = None


class AnswerSeries(Struct, omit_defaults=True, kw_only=True):
    """One line of an answer. ``total`` is the aggregate, or the expression, over the whole range, not a sum or mean of the
    points. ``compared`` are the points of the earlier range, at the instants of the steps that they are compared with.
    ``counts`` are how many values lie in each range between the ``edges`` of the answer, ``counts_by_step`` those of a step."""

    labels: dict[str, str]
    total: float | None
    points: list[tuple[EpochMs, float | None]]
    compared_total: float | None = None
    compared: list[tuple[EpochMs, float | None]] = []
    counts: list[int] = []
    counts_by_step: list[tuple[EpochMs, list[int]]] = []


class QuestionAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to one :class:`Question`. ``unit`` is empty where it is not known. ``merged``: so many groups are in the
    series ``other``. ``edges`` are the bounds of ``bins``, ascending, one more than these."""

    name: str = ""
    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    unit: str
    series: list[AnswerSeries]
    merged: int = 0
    edges: list[float] = []


class AnswerSet(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answers to a :class:`QuestionSet`, in its order. ``from`` and ``to`` are widened to whole steps; ``source`` is the
    rollup that was read; ``as_of``: everything committed before this instant is in it. ``compared_from`` and ``compared_to``
    are the earlier range."""

    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Step
    source: str
    as_of: EpochMs
    answers: list[QuestionAnswer]
    compared_from: EpochMs | None = None
    compared_to: EpochMs | None = None
    service_names: ServiceNames = {}


class QueryFailure(Struct, omit_defaults=True, kw_only=True):
    """Why a :class:`Query` or :class:`QuestionSet` has no answer; ``field`` names the wrong parameter where one is.

    ``code`` may be one that a reader does not know.

    In an expression, ``length`` characters from ``character`` on, from 0, are wrong. ``nearest``: names that may be meant.
    """

    code: Annotated[str, known_values("invalid", "unknown", "timeout", "unavailable")]
    error: str
    field: str = ""
    character: int | None = None
    length: int | None = None
    nearest: list[str] = []
