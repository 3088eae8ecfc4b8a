"""What the terms of an expression mean: which metric or which events, by what is known of them, or an error at the character.

A name is a metric's or an event type's; ``feedback.satisfaction`` is a property of events of that type. A condition is about
labels of the metric, which are texts, or about properties of the events, which may be anything.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from drishti.measures.expressions.conditions import Atom, atoms
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import Parsed, Placed
from drishti.measures.expressions.tree import (
    Compare,
    Condition,
    Literals,
    Member,
    Term,
    quoted,
)

OF_EVENTS = ("count", "rate")
"""Aggregates of events as such."""

OF_NUMBERS = ("count", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99", "uniques")
"""Aggregates of a property. ``count`` is that of the events which have it; any percentile ``p1`` to ``p99.9`` can be asked."""

_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)")


class Known(Protocol):
    """The metrics and events of one tenant."""

    def aggregates(self, metric: str) -> Sequence[str] | None:
        """What can be asked of ``metric``; ``None`` where there is none of that name."""

    def dimensions(self, metric: str) -> Sequence[str]:
        """The labels of a metric that is there."""

    def metrics(self) -> Iterable[str]: ...

    def event_types(self) -> Iterable[str]: ...


class MetricTerm(Struct, frozen=True, tag=True):
    """One aggregate of one metric, over the series whose labels meet ``condition``."""

    metric: str
    aggregate: str
    condition: Condition | None = None


class EventTerm(Struct, frozen=True, tag=True):
    """One aggregate of the events of one type that meet ``condition``: of themselves, or of one of their properties."""

    event_type: str
    aggregate: str
    property: str | None = None
    condition: Condition | None = None


Meaning = MetricTerm | EventTerm


def percentile(aggregate: str) -> float | None:
    """``0.999`` of ``p99.9``; ``None`` where ``aggregate`` is no percentile."""
    match = _PERCENTILE.fullmatch(aggregate)
    return float(match[1]) / 100 if match is not None and float(match[1]) > 0 else None


def meanings(parsed: Parsed, known: Known) -> dict[Term, Meaning]:
    """What each term of ``parsed`` means; raises :class:`ExpressionError` at the first that means nothing."""
    return {term: _meaning(term, placed, known) for term, placed in parsed.places.items()}


def _meaning(term: Term, placed: Placed, known: Known) -> Meaning:
    aggregates = known.aggregates(term.name)
    if aggregates is not None:
        _check_aggregate(term, placed, aggregates)
        if term.condition is not None:
            check_labels(term.condition, placed.conditions, term.name, known.dimensions(term.name))
        return MetricTerm(term.name, term.aggregate, term.condition)
    types = set(known.event_types())
    if term.name in types:
        _check_aggregate(term, placed, OF_EVENTS, hint=f"; of a property: {term.aggregate}({quoted(term.name)}.property)")
        return EventTerm(term.name, term.aggregate, None, term.condition)
    event_type, _, name = term.name.partition(".")
    if name and event_type in types:
        _check_aggregate(term, placed, OF_NUMBERS)
        return EventTerm(event_type, term.aggregate, name, term.condition)
    raise ExpressionError(
        f"there is no metric or event {term.name!r}{_nearest(term.name, [*known.metrics(), *sorted(types)])}", *placed.name
    )


def _check_aggregate(term: Term, placed: Placed, allowed: Sequence[str], hint: str = "") -> None:
    percentiles = any(name in allowed for name in ("p50", "p95"))
    if term.aggregate in allowed or (percentiles and percentile(term.aggregate) is not None):
        return
    raise ExpressionError(
        f"{term.name} has {', '.join(allowed)}, not {term.aggregate!r}{hint}{_nearest(term.aggregate, allowed)}",
        *placed.aggregate,
    )


def check_labels(condition: Condition, places: Mapping[str, tuple[int, int]], metric: str, dimensions: Sequence[str]) -> None:
    """Raises :class:`ExpressionError` where ``condition`` is not about labels of ``metric``, which are texts."""
    for part in atoms(condition):
        place = places[part.name]
        if part.name not in dimensions:
            has = f"the labels {', '.join(dimensions)}" if dimensions else "no labels"
            raise ExpressionError(f"{metric} has {has}, not {part.name!r}", *place)
        if not all(isinstance(value, str) for value in _values(part)):
            raise ExpressionError(f'{part.name} is a label, a text: write it in quotes, such as "200"', *place)
        if isinstance(part, Compare) and part.operator not in ("=", "!="):
            raise ExpressionError(f"{part.name} is a label: it can be compared with =, !=, in, prefix and exists", *place)


def _values(part: Atom) -> tuple[Literals, ...]:
    if isinstance(part, Compare):
        return (part.value,)
    return part.values if isinstance(part, Member) else ()


def _nearest(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; do you mean {' or '.join(nearest)}?" if nearest else ""
