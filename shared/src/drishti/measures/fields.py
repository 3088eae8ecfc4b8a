"""What a field of a metric means: said here, for queries, aggregates, dashboards, the predictor and (generated) the page. Pure.

=========================== ==================================== ============== =============================================
field                       means                                unit           of
=========================== ==================================== ============== =============================================
``count``, ``errors``       observations, those that failed      what is counted counter, distribution
``sum``                     of what was measured or counted      the metric's   counter, distribution
``rate``, ``sum_rate``      count or sum, per second             … per second   counter, distribution
``error_rate``              errors / count                       1, a ratio     counter, distribution
``share``                   count of a series / count of all     1, a ratio     counter, distribution
a share's name (hit_rate)   count with one label / count         1, a ratio     metrics that define it
``avg``                     sum / count                          the metric's   distribution, gauge
``min``, ``max``            the smallest and largest             the metric's   distribution, gauge
``p50``, ``p99.9`` …        a percentile, within 1 %             the metric's   distribution
``uniques``                 how many distinct, within some 2 %   the metric's   unique
``value``                   what its expression comes to         the metric's   derived
=========================== ==================================== ============== =============================================

A quotient is taken once, of merged counts and sums: never the mean of quotients. Where nothing was seen, a count is 0 and
everything else has no value (``None``); division by nothing is no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from drishti.measures.definitions import Kind, MetricDefinition

SECONDS = "seconds"
"""The denominator that is no quantity of a cell: the length of the time that it covers."""

SHARE = "share"
"""The count of one series over that of all series beside it."""


class Measured(Protocol):
    """What is known of a series over some time: a merged cell, or one series of an aggregate."""

    @property
    def count(self) -> int: ...
    @property
    def errors(self) -> int | None: ...
    @property
    def sum(self) -> float | None: ...
    @property
    def min(self) -> float | None: ...
    @property
    def max(self) -> float | None: ...
    def quantile(self, part: float) -> float | None:
        """The value below which ``part`` (0 to 1) of the observations lie; ``None`` where that is not known."""

    def distinct(self) -> float | None:
        """How many distinct ones were seen; ``None`` where that is not known."""


class Meaning(Struct, frozen=True):
    """One field: how people call it (empty: as the metric alone), and, of a quotient, the quantities that it is taken of."""

    label: str
    numerator: str = ""
    denominator: str = ""

    @property
    def is_quotient(self) -> bool:
        return bool(self.denominator)

    @property
    def is_ratio(self) -> bool:
        """Whether it lies between 0 and 1 and has the unit 1."""
        return self.denominator == "count" and self.numerator != "sum"


FIELDS: dict[str, Meaning] = {
    "count": Meaning("count"),
    "rate": Meaning("rate", "count", SECONDS),
    "errors": Meaning("errors"),
    "error_rate": Meaning("error rate", "errors", "count"),
    "sum": Meaning("sum"),
    "sum_rate": Meaning("rate", "sum", SECONDS),
    SHARE: Meaning("share", "count", "count"),
    "avg": Meaning("average", "sum", "count"),
    "min": Meaning("minimum"),
    "max": Meaning("maximum"),
    "uniques": Meaning(""),
    "value": Meaning(""),
}

VALUE = "value"
"""The one field of a KPI. A published series has it; no cell does, as it is computed from those of several metrics."""

PUBLISHED_PERCENTILES: dict[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
"""Those that an aggregate carries; any other can be asked."""

_COUNTED = ("count", "rate", "errors", "error_rate", "sum", "sum_rate", SHARE)

OF_KIND: dict[Kind, tuple[str, ...]] = {
    Kind.COUNTER: _COUNTED,
    Kind.DISTRIBUTION: (*_COUNTED, "avg", "min", "max", *PUBLISHED_PERCENTILES),
    Kind.GAUGE: ("avg", "min", "max"),
    Kind.UNIQUE: ("uniques",),
    Kind.DERIVED: (VALUE,),
}
"""The fields that metrics of a kind have; of a distribution any other percentile, too."""

_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)\Z")


def fields_of(definition: MetricDefinition) -> tuple[str, ...]:
    """The fields of a metric by name; of a distribution, any other percentile can be asked, too."""
    return (*OF_KIND[definition.kind], *(share.name for share in definition.shares))


_ADDED = frozenset({"count", "rate", "errors", "sum", "sum_rate", SHARE})


def adds_up(field: str) -> bool:
    """Whether the parts add up to the whole: counts and sums do, means, percentiles and distinct ones not."""
    return field in _ADDED


def has_field(definition: MetricDefinition, field: str) -> bool:
    """Whether ``field`` means something of this metric."""
    return field in fields_of(definition) or (definition.kind is Kind.DISTRIBUTION and percentile(field) is not None)


def percentile(field: str) -> float | None:
    """0.95 of ``p95``, 0.999 of ``p99.9``; ``None`` of what is no percentile."""
    known = PUBLISHED_PERCENTILES.get(field)
    if known is None and (match := _PERCENTILE.match(field)) and float(match[1]) > 0:
        return float(match[1]) / 100
    return known


def meaning(definition: MetricDefinition, field: str) -> Meaning:
    """What ``field`` of this metric is; raises :class:`KeyError` where it has none of that name."""
    if field in FIELDS:
        return FIELDS[field]
    if definition.share(field) is not None:
        return Meaning(field.replace("_", " "), "count", "count")
    if percentile(field) is not None:
        return Meaning(field)
    raise KeyError(field)


def unit_of(definition: MetricDefinition, field: str) -> str:
    """The unit of ``field``: counts are of what the metric counts, ratios have none (``1``), the rest is in the metric's."""
    if field in ("count", "errors"):
        return definition.counted
    if field == "rate":
        return f"{definition.counted}/s"
    if field == "sum_rate":
        return f"{definition.unit}/s"
    return "1" if meaning(definition, field).is_ratio else definition.unit


def quantities_of(definition: MetricDefinition, field: str) -> frozenset[str]:
    """What must be known of a window so that ``field`` of it, and of several together, can be computed."""
    ratio = meaning(definition, field)
    return frozenset({ratio.numerator, ratio.denominator} - {SECONDS}) if ratio.is_quotient else frozenset({field})


def quotient(numerator: float | None, denominator: float | None) -> float | None:
    """One over the other; no value where one is not known, or the denominator is nothing."""
    return numerator / denominator if numerator is not None and denominator else None


def amounts(field: str, seen: Measured, seconds: float) -> tuple[float, float]:
    """Numerator and denominator of a quotient: the sums of both over several times give the quotient of all of them.

    Raises :class:`KeyError` for a field that is none.
    """
    ratio = FIELDS[field]
    if not ratio.is_quotient:
        raise KeyError(field)
    below = seconds if ratio.denominator == SECONDS else getattr(seen, ratio.denominator)
    return float(getattr(seen, ratio.numerator) or 0), float(below)


def value(field: str, seen: Measured, seconds: float, *, part: Measured | None = None) -> float | None:
    """What ``field`` of a series is worth that lasted ``seconds``.

    Of a share, ``part`` are the observations with its label (or those of one series) and ``seen`` all of them. ``None``: no
    value. Raises :class:`KeyError` for what is no field.
    """
    if part is not None:
        return quotient(part.count, seen.count)
    if field == "count":
        return seen.count
    if field == "errors":
        return seen.errors
    if (ratio := FIELDS.get(field)) is not None and ratio.is_quotient:
        below = seconds if ratio.denominator == SECONDS else seen.count
        return quotient(getattr(seen, ratio.numerator), below)
    if field == "uniques":
        return seen.distinct()
    if (wanted := percentile(field)) is not None:
        return seen.quantile(wanted)
    if field == "sum":
        return seen.sum
    if field == "min":
        return seen.min
    if field == "max":
        return seen.max
    if field == VALUE:
        found_value: float | None = getattr(seen, VALUE, None)
        return found_value
    raise KeyError(field)


def known_fields(definitions: Iterable[MetricDefinition]) -> list[str]:
    """Every field that one of ``definitions`` has, by name."""
    return sorted({field for definition in definitions for field in fields_of(definition)})
