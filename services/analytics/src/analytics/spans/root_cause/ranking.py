"""Which service is to blame: evidence added up. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from analytics.spans.root_cause.evidence import Evidence
from analytics.spans.root_cause.high_gauges import high_gauges
from analytics.spans.root_cause.propagation import edges, path_to
from analytics.spans.root_cause.slow_steps import slow_steps
from analytics.spans.root_cause.strange_transitions import strange_transitions
from analytics.spans.root_cause.sums import Edge, Sums
from analytics.spans.root_cause.usual import Usual

CLEAR = 20.0
"""Nats that the first suspect must have to be called one."""

MAX_SUSPECTS = 20
MAX_EVIDENCE = 5
"""Reasons kept of one suspect, the weightiest first."""


class Suspect(Struct, frozen=True):
    """A service with what speaks against it. ``score`` is the weight of all its evidence, in nats; ``operation`` and ``kind``
    are of the heaviest. ``path`` leads from the entry of requests to the service."""

    service: str
    operation: str
    kind: str
    score: float
    path: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class Ranking(Struct, frozen=True):
    """Suspects, worst first. ``is_clear`` is false where not even the first has much against it, or where there was nothing to
    compare, which ``note`` then says. ``sampled`` is the share of the window's traces whose sequence was looked at."""

    suspects: tuple[Suspect, ...]
    is_clear: bool
    note: str
    traces: int
    baseline_traces: int
    sampled: float


def rank(window: Sums, minutes: Iterable[Sums], *, excluded: Callable[[str], bool] | None = None) -> Ranking:
    """Compares a window of trouble with what is usual: the quiet minutes before it, without earlier incidents.

    A service that is ``excluded`` is no suspect, nor is what only such services call."""
    usual = Usual(minutes)
    calls = edges(window)
    left_out = _left_out(calls, excluded) if excluded is not None else ()
    evidence = sorted(
        (
            each
            for each in _evidence(window, usual)
            if each.service not in left_out and not (excluded and excluded(each.service))
        ),
        key=lambda each: (each.service, -each.weight, each),
    )
    suspects = []
    for service, group in itertools.groupby(evidence, key=lambda each: each.service):
        reasons = tuple(group)
        score = sum(each.weight for each in reasons)
        first = reasons[0]
        suspects.append((score, service, first, reasons[:MAX_EVIDENCE]))
    suspects.sort(key=lambda each: (-each[0], each[1]))
    return Ranking(
        suspects=tuple(
            Suspect(service, first.operation, first.kind, score, path_to(service, calls), reasons)
            for score, service, first, reasons in suspects[:MAX_SUSPECTS]
        ),
        is_clear=bool(suspects) and suspects[0][0] >= CLEAR,
        note=_note(window, usual.total, suspects[0][0] if suspects else 0.0),
        traces=window.traces,
        baseline_traces=usual.total.traces,
        sampled=len(window.sampled()) / window.traces if window.traces else 0.0,
    )


def _left_out(calls: Mapping[Edge, int], excluded: Callable[[str], bool]) -> Collection[str]:
    """What is called by services that are excluded, and by no other."""
    by_others = {callee for caller, callee in calls if not excluded(caller)}
    return {callee for caller, callee in calls if excluded(caller)} - by_others


def _evidence(window: Sums, usual: Usual) -> Iterator[Evidence]:
    yield from slow_steps(window, usual)
    yield from strange_transitions(window, usual)
    yield from high_gauges(window, usual)


def _note(window: Sums, baseline: Sums, best: float) -> str:
    if not window.traces and not window.gauges:
        return "no traces in the window"
    if not baseline.traces and not baseline.gauges:
        return "no traces before the window to compare with"
    if best < CLEAR:
        return "no clear suspect"
    return ""
