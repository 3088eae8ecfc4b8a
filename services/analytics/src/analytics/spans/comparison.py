"""What bad traces share: properties that are over-represented among the failing or slow ones against the rest. Pure.

How this works
--------------
Each trace is added with whether it is bad. Its properties are the values of attributes of spans and resources, the version of
each service, events, and the services and operations that appear in it or are missing. Numbers are also cut at quantiles of all
traces (at least, at most, between). What says *that* something failed is left out where failing is
what makes a trace bad.

A property is tried where at least :data:`MIN_SUPPORT` traces have it, so that ids and other values of a single trace never are;
numbers that only grow with time (sequences, timestamps) are left out. It is found where the exact test of
:mod:`analytics.spans.significance`, corrected for all that were tried, is below :data:`FALSE_DISCOVERIES`, it is in enough bad
traces, and bad ones are :data:`MIN_LIFT` times as frequent among those that have it as among all.

Of properties that nearly the same traces have, one is the finding and the others are its other names. One that matters only
because it comes along with a finding (it makes no difference among the traces with that, nor among those without) is
*related* to it. What a trace was given counts more than what happened in it (operations that appear or are missing),
and is not explained by it, since the latter may be how it failed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from analytics.spans.failures import errors_of
from analytics.spans.significance import Mask, corrected, fisher, within
from analytics.spans.span import Span
from analytics.spans.trace_properties import MIN_SUPPORT, Kind, Properties, Property

FALSE_DISCOVERIES = 0.01
"""The rate of findings that are none. Where nothing matters, it is how often there is a finding at all."""

MIN_SHARE = 0.05
"""Of the bad traces that have it."""

MIN_LIFT = 1.3
TOP = 5
EXAMPLES = 5
"""Bad traces of a finding that are named."""

MIN_TRACES = 5
"""Bad ones and others, each, below which nothing can be said."""

SAME = 0.9
"""Of the traces that have one of two properties, the part that have both, from which on the two are one."""

NOT_EXPLAINED = 0.001
"""A property stands beside another one where this is more than the probability that it makes no difference of its own."""

HAPPENED = 0.5
"""How much evidence (the logarithm of a probability) about what happened in a trace counts, against what it was given."""

MAX_CANDIDATES = 200
"""Properties that are compared with each other, the most significant ones."""

MAX_OTHER_NAMES = 10
"""Of a finding, and properties that are related to it."""

_ORDER = {kind: place for place, kind in enumerate(Kind)}
_GIVEN = frozenset((Kind.VERSION, Kind.ATTRIBUTE, Kind.NUMBER, Kind.EVENT))


class Bad(enum.StrEnum):
    """What makes a trace bad."""

    FAILING = "failing"
    SLOW = "slow"


class Finding(Struct, frozen=True, kw_only=True):
    """One property with the numbers behind it. ``lift`` is how many times as frequent bad traces are among those that have it
    as among all; ``p_value`` is corrected. ``traces`` are bad ones that have it."""

    property: Property
    other_names: tuple[Property, ...] = ()
    related: tuple[Property, ...] = ()
    bad_with: int
    bad: int
    rest_with: int
    rest: int
    lift: float
    p_value: float
    traces: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        bad = f"{self.bad_with} of {self.bad} ({self.bad_with / self.bad:.0%})"
        rest = f"{self.rest_with} of {self.rest} ({self.rest_with / self.rest:.0%})"
        return f"{self.property}: in {bad}, otherwise in {rest}"


class Shared(NamedTuple):
    """The answer: how many traces were compared, how many properties were tried, and the findings, the first one the strongest;
    ``reason`` says why there are none where nothing can be said."""

    bad: int
    rest: int
    tried: int
    findings: tuple[Finding, ...]
    reason: str = ""


class _Candidate(NamedTuple):
    property: Property
    having: Mask
    p_value: float
    q_value: float


class Comparison:
    """``add`` traces in any order, then ask :meth:`shared`."""

    def __init__(self, bad: Bad = Bad.FAILING) -> None:
        self._properties = Properties(symptoms=bad is not Bad.FAILING)
        self._ids: list[bytes] = []
        self._bad: list[bool] = []

    def add(self, spans: Sequence[Span], *, bad: bool) -> None:
        """One trace, which has a span at least."""
        self._ids.append(spans[0].trace_id)
        self._bad.append(bad)
        self._properties.add(spans)

    def shared(self, *, top: int = TOP) -> Shared:
        """The ``top`` findings."""
        bad: Mask = np.array(self._bad, dtype=bool)
        total, bads = len(bad), int(bad.sum())
        if bads < MIN_TRACES or total - bads < MIN_TRACES:
            few = "bad" if bads < MIN_TRACES else "other"
            number = bads if bads < MIN_TRACES else total - bads
            reason = f"too few {few} traces to compare: {number}, and {MIN_TRACES} are the least"
            return Shared(bads, total - bads, 0, (), reason)
        counts = [(np.count_nonzero(having), np.count_nonzero(having & bad)) for _, having in self._properties.each()]
        having, bad_with = np.array(counts, dtype=np.int64).reshape(-1, 2).T
        p_values = fisher(bad_with, having, bads, total)
        q_values = corrected(p_values)
        lifts = bad_with / np.maximum(having, 1) / (bads / total)
        enough = (bad_with >= max(MIN_SUPPORT, MIN_SHARE * bads)) & (lifts >= MIN_LIFT) & (q_values <= FALSE_DISCOVERIES)
        found = [
            _Candidate(*tried, float(p_values[n]), float(q_values[n]))
            for n, tried in enumerate(self._properties.each())  # once more: all of them at once may not fit into memory
            if enough[n]
        ]
        found.sort(key=_rank)
        return Shared(bads, total - bads, len(counts), tuple(self._findings(found[:MAX_CANDIDATES], bad, top)))

    def _findings(self, candidates: Sequence[_Candidate], bad: Mask, top: int) -> list[Finding]:
        picked: list[_Candidate] = []
        others: list[list[Property]] = []
        related: list[list[Property]] = []
        for candidate in candidates:
            for number, first in enumerate(picked):
                if _same(first, candidate):
                    others[number].append(candidate.property)
                    break
                given_first = first.property.kind in _GIVEN or candidate.property.kind not in _GIVEN
                if given_first and within(candidate.having, bad, first.having) > NOT_EXPLAINED:
                    related[number].append(candidate.property)
                    break
            else:
                picked.append(candidate)
                others.append([])
                related.append([])
        return [self._finding(*found, bad) for found in zip(picked[:top], others[:top], related[:top], strict=True)]

    def _finding(self, found: _Candidate, others: Sequence[Property], related: Sequence[Property], bad: Mask) -> Finding:
        bads, total = int(bad.sum()), len(bad)
        both = int((found.having & bad).sum())
        those = int(found.having.sum())
        return Finding(
            property=found.property,
            other_names=tuple(others[:MAX_OTHER_NAMES]),
            related=tuple(related[:MAX_OTHER_NAMES]),
            bad_with=both,
            bad=bads,
            rest_with=those - both,
            rest=total - bads,
            lift=both / those * total / bads,
            p_value=found.q_value,
            traces=tuple(sorted(self._ids[place] for place in np.flatnonzero(found.having & bad))[:EXAMPLES]),
        )


def is_failing(spans: Iterable[Span]) -> bool:
    """Whether a trace has an error that was not handled."""
    return any(not error.handled for _, error in errors_of(spans))


def _rank(candidate: _Candidate) -> tuple[Any, ...]:
    found = candidate.property
    evidence = -math.log(max(candidate.p_value, 1e-300)) * (1.0 if found.kind in _GIVEN else HAPPENED)
    return -evidence, -int(candidate.having.sum()), _ORDER[found.kind], found.name, found.value


def _same(first: _Candidate, second: _Candidate) -> bool:
    """Cuts of one number are one property, whichever of them fits best."""
    if first.property.kind is second.property.kind is Kind.NUMBER and first.property.name == second.property.name:
        return True
    return int((first.having & second.having).sum()) >= SAME * int((first.having | second.having).sum())
