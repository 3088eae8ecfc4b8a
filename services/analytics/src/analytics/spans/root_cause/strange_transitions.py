"""Transitions that are more frequent than usual. Pure.

A failure travels up to the callers and onwards to what they do next, so of the services with strange transitions in a trace the
first is rather to blame than the later ones. It is not so by all means: now and then something harmless is strange first. So
the blame for a trace is shared: by how much a service is blamed in all traces, halved with each place further back. Some rounds
of that settle it (expectation maximisation). Of each service the most surprising transition counts, once per trace.

* Some failures happen all the time, somewhere: a trace counts for less where its first failure (a line, an exception) is one
  that as many traces had before, in whichever services.
* A failure that names another service speaks against that one: ``no instances available for stock``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analytics.spans.root_cause.evidence import ERRORS, LINES, PATH, Evidence, short
from analytics.spans.root_cause.failures import Failures
from analytics.spans.root_cause.sums import Sums
from analytics.spans.root_cause.surprise import surprise
from analytics.spans.root_cause.transitions import BEGIN, CALLS, END, ERROR_LINE, LOGS, OUTCOME, Origin, Transition, by_origin
from analytics.spans.root_cause.usual import Usual

LIFT = 2.0
"""How many times more frequent than usual a strange transition is."""

RARE = 0.1
"""A transition that is usually taken more often than this is an alternative, and not strange."""

MIN_SURPRISE = 5.0
"""Nats: a strange transition has at most 1 chance in 150 to be so frequent by accident."""

MIN_ORIGINS = 3
"""Fewer passages of its origin before the window say nothing about what is usual."""

LATER = 0.5
"""How much less a service is to blame in a trace than the one before it."""

ROUNDS = 4

_KINDS = {CALLS: PATH, LOGS: LINES, OUTCOME: ERRORS}

Blamed = Sequence[tuple[str, float]]
"""The services with strange transitions in one trace, in order, each with the weight of its most surprising one."""


def strange_transitions(window: Sums, usual: Usual) -> Iterator[Evidence]:
    """Evidence of strange transitions; the weights of those of one service add up to what it is blamed for."""
    now = by_origin(window.transitions)
    surprises = _strange(window, usual, now)
    failures = Failures(window, usual.minutes)
    traces = []
    passages: dict[Transition, int] = {}
    for passed in window.sampled().values():
        strange = [transition for transition in passed if transition in surprises]
        for transition in strange:
            passages[transition] = passages.get(transition, 0) + 1
        if strange:
            traces.append((strange, failures.news(passed)))
    each = {transition: surprises[transition] / count for transition, count in passages.items()}
    accused = {transition: failures.accused(transition) for transition in each}
    blame = _share([_by_service(strange, each, accused, news) for strange, news in traces])
    totals: dict[str, float] = {}
    for transition in each:
        service = accused[transition]
        totals[service] = totals.get(service, 0.0) + surprises[transition]
    for transition, service in accused.items():
        origin, after = transition
        weight = blame.get(service, 0.0) * surprises[transition] / totals[service]
        if weight > 0:
            rates = f"{window.transitions[transition]} of {now[origin]} times"
            before = "usually {} of {}".format(*usual.transition(transition))
            words = f"{_words(origin, after)} {rates}, {before}"
            operation = origin[1] if service == origin[0] else ""
            said = words if service == origin[0] else f"{origin[0]} says so: {words}"
            yield Evidence(service, operation, _KINDS[origin[2]], weight, said)


def _strange(window: Sums, usual: Usual, now: Mapping[Origin, int]) -> dict[Transition, float]:
    """Strange transitions with their surprise."""
    silent = _silent(window, usual.total)
    found = {}
    for transition, taken in window.transitions.items():
        origin, _ = transition
        before, of_before = usual.transition(transition)
        of = now[origin]
        if of_before < MIN_ORIGINS or before > RARE * of_before or (origin[2] == LOGS and origin[0] in silent):
            continue
        if taken / of > LIFT * (before + 0.5) / (of_before + 1):
            value = surprise(taken, of, before, of_before)
            if value >= MIN_SURPRISE:
                found[transition] = value
    return found


def _by_service(
    strange: Sequence[Transition], each: Mapping[Transition, float], accused: Mapping[Transition, str], news: float
) -> Blamed:
    """The services with strange transitions of a trace, in the order of each one's first."""
    services: dict[str, float] = {}
    for transition in strange:
        service = accused[transition]
        services[service] = max(services.get(service, 0.0), each[transition] * news)
    return list(services.items())


def _share(traces: Sequence[Blamed]) -> dict[str, float]:
    """What each service is blamed for in all traces. At first whoever is first in a trace is blamed alone."""
    blame: dict[str, float] = {}
    for trace in traces:
        if trace:
            service, weight = trace[0]
            blame[service] = blame.get(service, 0.0) + weight
    for _ in range(ROUNDS):
        shared: dict[str, float] = {}
        for trace in traces:
            claims = [blame.get(service, 0.0) * LATER**place for place, (service, _) in enumerate(trace)]
            total = sum(claims)
            for (service, weight), claim in zip(trace, claims, strict=True):
                if claim:
                    shared[service] = shared.get(service, 0.0) + weight * claim / total
        blame = shared
    return blame


def _silent(window: Sums, baseline: Sums) -> set[str]:
    """Services that do not log any more, though requests still pass them. A single one may have a fault; of two or more it is
    rather their logs that do not arrive."""
    serving = {origin[0] for origin, _ in window.transitions if origin[2] == LOGS}
    silent = {service for service in baseline.lines if service in serving and not window.lines.get(service)}
    return silent if len(silent) > 1 else set()


def _words(origin: Origin, after: str) -> str:
    _, operation, chain, before = origin
    operation, before, after = short(operation), short(before), short(after)
    where = f"in {operation}" if operation else "outside any span"
    if chain == OUTCOME:
        return f"{operation} ends with {after}"
    thing = "call" if chain == CALLS else "log line"
    before, after = before.removeprefix(ERROR_LINE), after.removeprefix(ERROR_LINE)
    if before == BEGIN and after == END:
        return f"no {thing} {where}"
    if before == BEGIN:
        return f"{where} the first {thing} is “{after}”"
    if after == END:
        return f"{where} nothing follows the {thing} “{before}”"
    return f"{where} the {thing} “{before}” is followed by “{after}”"
