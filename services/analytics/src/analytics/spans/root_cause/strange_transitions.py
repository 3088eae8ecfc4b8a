"""Transitions that are far more frequent than usual. Pure.

Of the strange transitions of a trace only the first counts, with those of the same service: a failure travels up to the
callers and onwards to what they do next, so what comes later follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from analytics.spans.root_cause.evidence import ERRORS, LINES, PATH, Evidence, short
from analytics.spans.root_cause.sums import Sums
from analytics.spans.root_cause.transitions import BEGIN, CALLS, END, LOGS, OUTCOME, Origin, Transition

RARE = 0.05
"""A transition that is usually taken more often than this is not strange."""

LIFT = 2.0
"""How many times more frequent than usual a strange one is."""

MIN_ORIGINS = 3
"""Fewer passages of its origin before the window say nothing about what is usual."""

_KINDS = {CALLS: PATH, LOGS: LINES, OUTCOME: ERRORS}


def strange_transitions(window: Sums, baseline: Sums) -> Iterator[Evidence]:
    """Evidence of every strange transition that comes first in a trace."""
    now, usual = _by_origin(window.transitions), _by_origin(baseline.transitions)
    silent = _silent(window, baseline)
    lifts: dict[Transition, float] = {}
    for transition, taken in window.transitions.items():
        origin, _ = transition
        before, of = baseline.transitions.get(transition, 0), usual.get(origin, 0)
        if of < MIN_ORIGINS or before > RARE * of or (origin[2] == LOGS and origin[0] in silent):
            continue
        lift = taken / now[origin] / ((before + 0.5) / (of + 1))
        if lift > LIFT:
            lifts[transition] = lift
    counts: dict[Transition, int] = {}
    sequences = window.sampled().values()
    for passed in sequences:
        strange = [transition for transition in passed if transition in lifts]
        for transition in strange:
            if transition[0][0] == strange[0][0][0]:
                counts[transition] = counts.get(transition, 0) + 1
    scale = window.traces / max(1, len(sequences))
    for transition, count in counts.items():
        origin, after = transition
        lift = lifts[transition]
        weight = scale * count * math.log(lift) * (1 - 1 / lift)
        taken, of = window.transitions[transition], now[origin]
        rates = f"{taken} of {of} times, usually {baseline.transitions.get(transition, 0)} of {usual[origin]}"
        yield Evidence(origin[0], origin[1], _KINDS[origin[2]], weight, f"{_words(origin, after)} {rates}")


def _silent(window: Sums, baseline: Sums) -> set[str]:
    """Services that do not log any more, though requests still pass them. A single one may have a fault; of two or more it is
    rather their logs that do not arrive."""
    serving = {origin[0] for origin, _ in window.transitions if origin[2] == LOGS}
    silent = {service for service in baseline.lines if service in serving and not window.lines.get(service)}
    return silent if len(silent) > 1 else set()


def _by_origin(transitions: Mapping[Transition, int]) -> dict[Origin, int]:
    totals: dict[Origin, int] = {}
    for (origin, _), count in transitions.items():
        totals[origin] = totals.get(origin, 0) + count
    return totals


def _words(origin: Origin, after: str) -> str:
    _, operation, chain, before = origin
    operation, before, after = short(operation), short(before), short(after)
    where = f"in {operation}" if operation else "outside any span"
    if chain == OUTCOME:
        return f"{operation} ends with {after}"
    thing = "call" if chain == CALLS else "log line"
    if before == BEGIN and after == END:
        return f"no {thing} {where}"
    if before == BEGIN:
        return f"{where} the first {thing} is “{after}”"
    if after == END:
        return f"{where} nothing follows the {thing} “{before}”"
    return f"{where} the {thing} “{before}” is followed by “{after}”"
